//! Split on the CPU: a strided copy for every part.

use super::movable::{Movable, for_movable};
use super::strided::{Strided, dense_steps};
use super::{Io, Kernel};
use crate::ops::split::Split;
use crate::{Result, Shape};

impl Kernel for Split {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axis = self.axis(x.rank())?;
        let sizes = self.known_parts(io, x.shape()[axis])?;
        let steps = dense_steps(x.shape());
        for_movable!(x.dtype(), T => {
            let x_elements = T::read(x)?;
            let mut start = 0;
            for (i, size) in sizes.into_iter().enumerate() {
                let mut shape = Shape::from_slice(x.shape());
                shape[axis] = size;
                if io.wants(i) {
                    let y = io.make(i, x.dtype(), &shape)?;
                    let part = Strided::new(start, &shape, &steps);
                    T::write(y, |y| part.copy(io.context(), &x_elements, y))?;
                }
                start += size * steps[axis] as usize;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{DType, Result, Tensor};

    fn split(version: i64, size: usize, sizes: Option<&[i64]>, outputs: usize) -> Result<Vec<usize>> {
        let x = Tensor::zeros(DType::Str, &[size])?;
        let sizes = sizes.map(|sizes| Tensor::new(&[sizes.len()], sizes).unwrap().into());
        let parts = run(("", "Split", version), &[], &[Some(x.into()), sizes], outputs)?;
        parts.iter().map(|part| Ok(part.tensor()?.len())).collect()
    }

    #[test]
    fn parts_are_equal_given_or_all_but_the_last_equal() {
        assert_eq!(split(13, 6, None, 3).unwrap(), [2, 2, 2]);
        assert_eq!(split(13, 6, Some(&[0, 5, 1]), 3).unwrap(), [0, 5, 1]);
        assert_eq!(split(18, 7, None, 3).unwrap(), [3, 3, 1]);
        assert_eq!(split(18, 5, None, 4).unwrap(), [2, 2, 1, 0]);
        for (size, sizes) in [(7, None), (3, Some(&[1i64, 1][..])), (3, Some(&[4, -1])), (3, Some(&[3]))] {
            assert!(split(13, size, sizes, 2).is_err(), "{sizes:?}");
        }
    }
}
