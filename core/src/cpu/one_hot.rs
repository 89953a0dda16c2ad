//! OneHot on the CPU.

use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::ops::one_hot::OneHot;
use crate::{Num, Result};

impl Kernel for OneHot {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (indices, values) = (io.input(0)?, io.input(2)?);
        let y = io.output(0)?;
        let axis = self.axis(indices.rank())?;
        let depth = y.shape()[axis];
        let inner: usize = indices.shape()[axis..].iter().product();
        ensure!(values.len() == 2, InvalidInput, "the values must be [off, on], got {values:?}");
        io.check()?;
        let places: Vec<Option<usize>> = for_num!(indices.dtype(), T => {
            Ok(indices.slice::<T>()?.iter().map(|&i| place(i, depth)).collect())
        })?;
        for_movable!(values.dtype(), T => {
            let values = T::read(values)?;
            let (off, on) = (&values[0], &values[1]);
            T::write(y, |y| {
                y.iter_mut().for_each(|y| y.clone_from(off));
                for (k, place) in places.into_iter().enumerate() {
                    if let Some(place) = place {
                        y[(k / inner * depth + place) * inner + k % inner].clone_from(on);
                    }
                }
                Ok(())
            })
        })
    }
}

/// The place of `on`; fractions are cut off.
fn place<T: Num>(i: T, depth: usize) -> Option<usize> {
    let (i, d) = (if T::FLOAT { i.to_f64().trunc() } else { i.to_i64() as f64 }, depth as f64);
    // A u64 that wraps would look like an index from the end.
    let wraps = i < 0.0 && T::LOWEST == T::zero();
    let i = if i < 0.0 { i + d } else { i };
    (!wraps && (0.0..d).contains(&i)).then_some(i as usize)
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Element, Result, Tensor};

    fn one_hot<T: Element>(axis: i64, depth: i64, indices: &[T]) -> Result<Vec<u8>> {
        let values = Tensor::new(&[2], &[0u8, 9])?;
        let inputs = [Tensor::new(&[indices.len()], indices)?, Tensor::new(&[1], &[depth])?, values];
        let attrs = [("axis", Attr::Int(axis))];
        let y = run(("", "OneHot", 11), &attrs, &inputs.map(|t| Some(t.into())), 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn indices_count_from_both_ends() {
        assert_eq!(one_hot(-1, 2, &[0i8, -1, 2, -3]).unwrap(), [9, 0, 0, 9, 0, 0, 0, 0]);
        assert_eq!(one_hot(0, 2, &[1.0f32, f32::NAN]).unwrap(), [0, 0, 9, 0]);
        assert_eq!(one_hot(-1, 2, &[u64::MAX]).unwrap(), [0, 0]);
        assert!(one_hot(-1, 0, &[0i64]).unwrap().is_empty());
        assert!(one_hot(-1, -1, &[0i64]).is_err());
        assert!(one_hot(2, 1, &[0i64]).is_err());
    }
}
