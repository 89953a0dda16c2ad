//! Transpose on the CPU: matrices turned around where it comes to that, else a strided copy.

use super::movable::{Movable, for_movable};
use super::strided::{Steps, Strided, dense_steps};
use super::turn::turn_on;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::transpose::Transpose;

impl Kernel for Transpose {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        let steps = dense_steps(x.shape());
        let steps: Steps = self.order(x.rank())?.into_iter().map(|axis| steps[axis]).collect();
        let walk = Strided::new(0, y.shape(), &steps);
        let cx = io.context();
        for_movable!(x.dtype(), T => T::write(y, |y| match walk.turned() {
            Some((rows, cols)) => turn_on(cx, &T::read(x)?, y, rows, cols),
            None => walk.copy(cx, &T::read(x)?, y),
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Tensor};

    #[test]
    fn axes_change_places() {
        let x = Tensor::new(&[2, 1, 3], &[0u16, 1, 2, 3, 4, 5]).unwrap();
        let perm = [("perm", Attr::Ints(vec![2, 0, 1]))];
        let y = run(("", "Transpose", 13), &perm, &[Some(x.clone().into())], 1).unwrap();
        let y = y[0].tensor().unwrap();
        assert_eq!((y.shape(), y.slice::<u16>().unwrap()), (&[3, 2, 1][..], &[0, 3, 1, 4, 2, 5][..]));
        let twice = [("perm", Attr::Ints(vec![2, 0, 0]))];
        assert!(run(("", "Transpose", 13), &twice, &[Some(x.into())], 1).is_err());
    }

    #[test]
    fn packed_scalar_and_empty_tensors_pass() {
        let x = Tensor::from_bytes(DType::U2, &[2, 3], &[0b00_11_10_01, 0b01_01]).unwrap();
        let y = run(("", "Transpose", 25), &[], &[Some(x.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().view().unpacked().unwrap(), [1, 0, 2, 1, 3, 1]);
        for shape in [&[][..], &[0, 3]] {
            let x = Tensor::zeros(DType::Str, shape).unwrap();
            assert!(run(("", "Transpose", 1), &[], &[Some(x.into())], 1).is_ok());
        }
    }
}
