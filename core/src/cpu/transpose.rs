//! Transpose on the CPU: matrices turned around where it comes to that, else a strided copy.

use super::movable::{Movable, for_movable};
use super::strided::{Steps, Strided, dense_steps};
use super::turn::turn_on;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::transpose::Transpose;
use bytemuck::{cast_slice, cast_slice_mut};

/// Bytes that move at once, where rows are made of them: those of attention's heads are short.
type Unit = [u64; 2];

impl Kernel for Transpose {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        let steps = dense_steps(x.shape());
        let steps: Steps = self.order(x.rank())?.into_iter().map(|axis| steps[axis]).collect();
        let walk = Strided::new(0, y.shape(), &steps);
        let cx = io.context();
        if let (8, Some(units)) = (x.dtype().bits(), walk.in_units(size_of::<Unit>())) {
            let (x, y) = (x.bytes(), y.into_units::<u8>()?);
            return match (x.as_ptr().cast::<Unit>().is_aligned(), y.as_ptr().cast::<Unit>().is_aligned()) {
                (true, true) => units.copy::<Unit>(cx, cast_slice(x), cast_slice_mut(y)),
                _ => walk.copy(cx, x, y),
            };
        }
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
    fn rows_of_bytes_move_in_units() {
        for row in [16, 32, 33, 160] {
            let bytes: Vec<u8> = (0..2 * 3 * row).map(|i| i as u8).collect();
            let x = Tensor::new(&[2, 3, row], &bytes).unwrap();
            let perm = [("perm", Attr::Ints(vec![1, 0, 2]))];
            let y = run(("", "Transpose", 13), &perm, &[Some(x.into())], 1).unwrap();
            let expected: Vec<u8> =
                (0..bytes.len()).map(|i| bytes[(i / row % 2 * 3 + i / row / 2) * row + i % row]).collect();
            assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), expected);
        }
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
