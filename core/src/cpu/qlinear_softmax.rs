//! QLinearSoftmax on the CPU: a table of the exponentials of all 256 steps below the largest, as integers.
//!
//! Sums of integers are exact, so the result does not depend on their order; the quotient is rounded once.

use super::{Io, Kernel};
use crate::ops::qlinear_softmax::QLinearSoftmax;
use crate::{DType, Result};

impl Kernel for QLinearSoftmax {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let (x_scale, y_scale) = (io.input(1)?.scalar_f32()?, io.input(3)?.scalar_f32()?);
        let zero = io.optional(4)?.map_or(Ok(0), |zero| zero.scalar_i64())?;
        let slices = self.slices(x.rank())?;
        let len: usize = x.shape()[slices.clone()].iter().product();
        let inner: usize = x.shape()[slices.end..].iter().product();
        let table = exponentials(x_scale, len);
        // Flipping the top bit turns i8 into u8 of the same order.
        let (flip, low, high) = if x.dtype() == DType::I8 { (0x80, -128, 127) } else { (0, 0, 255) };
        let steps = (1.0 / y_scale).floor() as u64;

        let block = (len * inner).max(1);
        let y = io.output(0)?.into_units::<u8>()?;
        for (x, y) in x.bytes().chunks(block).zip(y.chunks_mut(block)) {
            io.check()?;
            for i in 0..inner {
                let row = || x[i..].iter().step_by(inner).map(|&x| x ^ flip);
                let max = row().max().unwrap_or(0);
                let share = |x: u8| table[(max - x) as usize] as u64;
                let sum: u64 = row().map(share).sum();
                for (y, x) in y[i..].iter_mut().step_by(inner).zip(row()) {
                    let quotient = (share(x).saturating_mul(steps) as f32 / sum as f32).round_ties_even();
                    *y = (quotient as i64).saturating_add(zero).clamp(low, high) as u8;
                }
            }
        }
        Ok(())
    }
}

/// exp(-i * scale) for i from 0 to 255, as integers such that `len` of them can be added up in 32 bits.
fn exponentials(scale: f32, len: usize) -> Vec<u32> {
    let unit = (u32::MAX as f64 / len.max(1) as f64).min(0x7f_ffff as f64);
    (0..256).map(|i| (unit * libm::exp(-f64::from(i) * f64::from(scale))).round_ties_even() as u32).collect()
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Element, Result, Tensor};

    fn softmax<T: Element>(x: &[T], shape: &[usize], zero: T, opset: i64) -> Result<Vec<T>> {
        let inputs = [
            Tensor::new(shape, x)?,
            Tensor::scalar(100f32),
            Tensor::scalar(zero),
            Tensor::scalar(1.0 / 256.0f32),
            Tensor::scalar(zero),
        ];
        let attrs = [("opset", Attr::Int(opset)), ("axis", Attr::Int(1))];
        let y = run(("com.microsoft", "QLinearSoftmax", 1), &attrs, &inputs.map(|t| Some(t.into())), 1)?;
        Ok(y[0].tensor()?.slice::<T>()?.to_vec())
    }

    #[test]
    fn shares_are_quantized_and_saturate() {
        assert_eq!(softmax(&[0u8, 255, 255, 0], &[1, 4], 0, 13).unwrap(), [0, 128, 128, 0]);
        assert_eq!(softmax(&[-128i8, 127], &[1, 2], -128, 13).unwrap(), [-128, 127]);
    }

    #[test]
    fn rows_follow_the_opset() {
        assert_eq!(softmax(&[1u8; 4], &[1, 2, 2], 0, 13).unwrap(), [128; 4]);
        assert_eq!(softmax(&[1u8; 4], &[1, 2, 2], 0, 12).unwrap(), [64; 4]);
        assert!(softmax(&[0u8; 0], &[2, 0], 0, 13).unwrap().is_empty());
    }
}
