//! BiasSoftmax on the CPU. The small floats compute in f32 and round once.

use super::broadcast::{pair, zip};
use super::softmax::normalize;
use super::wide::widened;
use super::{Io, Kernel};
use crate::ops::bias_softmax::BiasSoftmax;
use crate::ops::softmax::Mode;
use crate::{Float, Num, Result};

impl Kernel for BiasSoftmax {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, bias, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let row = x.shape()[self.axis(x.rank())?..].iter().product::<usize>().max(1);
        let cx = io.context();
        for_float!(x.dtype(), T => {
            let mut sums = vec![<T as Float>::Wide::zero(); x.len()];
            let (a, b) = (widened::<T>(x)?, widened::<T>(bias)?);
            zip(cx, (&mut sums, x.shape()), (&a, x.shape()), (&b, bias.shape()), &pair(|&a: &<T as Float>::Wide, &b| a.add(b)))?;
            for (y, sums) in y.into_slice::<T>()?.chunks_mut(row).zip(sums.chunks_mut(row)) {
                cx.check()?;
                normalize(Mode::Soft, sums);
                y.iter_mut().zip(sums).for_each(|(y, x)| *y = T::narrow(*x));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn softmax(shape: &[usize], bias: &[f32], axis: i64) -> Result<Vec<f32>> {
        let x = Tensor::zeros(crate::DType::F32, shape)?;
        let inputs = [Some(x.into()), Some(Tensor::new(&[bias.len()], bias)?.into())];
        let y = run(("com.microsoft", "BiasSoftmax", 1), &[("axis", Attr::Int(axis))], &inputs, 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn the_bias_is_repeated_and_all_axes_from_one_on_are_a_row() {
        assert_eq!(softmax(&[2, 2], &[0.0, f32::NEG_INFINITY], 1).unwrap(), [1.0, 0.0, 1.0, 0.0]);
        assert_eq!(softmax(&[2, 2], &[0.0, f32::NEG_INFINITY], 0).unwrap(), [0.5, 0.0, 0.5, 0.0]);
        assert!(softmax(&[0, 2], &[0.0, 0.0], 1).unwrap().is_empty());
        assert!(softmax(&[2, 2], &[0.0; 3], 1).is_err());
    }
}
