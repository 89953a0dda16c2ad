//! QLinearSoftmax on the CPU: a table of the exponentials of all 256 steps below the largest, as integers.
//!
//! Sums of integers are exact, so the result does not depend on their order; the quotient is rounded once.

use super::broadcast::CHUNK;
use super::{Io, Kernel};
use crate::ops::qlinear_softmax::QLinearSoftmax;
use crate::quant::exponentials;
use crate::{DType, Result};
use edgewise_simd::Isa;
use edgewise_simd::qlinear_softmax::{Shares, qlinear_softmax};

impl Kernel for QLinearSoftmax {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let (x_scale, y_scale) = (io.input(1)?.scalar_f32()?, io.input(3)?.scalar_f32()?);
        let zero = io.optional(4)?.map_or(Ok(0), |zero| zero.scalar_i64())?;
        let slices = self.slices(x.rank())?;
        let len: usize = x.shape()[slices.clone()].iter().product();
        let inner: usize = x.shape()[slices.end..].iter().product();
        let table = exponentials(x_scale, len);
        let each = (1.0 / y_scale).floor() as u64;
        let steps = table.map(|share| u64::from(share).saturating_mul(each) as f32);
        let signed = x.dtype() == DType::I8;
        let shares = Shares { table: &table, steps: &steps, zero: zero as i32, signed };

        let (isa, cx) = (Isa::current(), io.context());
        let (x, y) = (x.bytes(), io.output(0)?.into_units::<u8>()?);
        let block = (len * inner).max(1);
        let chunk = (CHUNK / block).max(1) * block;
        cx.pool.chunks(y, chunk, |i, y| {
            cx.check()?;
            let x = &x[i * chunk..][..y.len()];
            if inner == 1 {
                qlinear_softmax(isa, shares, x, y, len);
                return Ok(());
            }
            let (mut row, mut out) = (vec![0; len], vec![0; len]);
            for (x, y) in x.chunks(block).zip(y.chunks_mut(block)) {
                for i in 0..inner {
                    row.iter_mut().zip(x[i..].iter().step_by(inner)).for_each(|(to, x)| *to = *x);
                    qlinear_softmax(isa, shares, &row, &mut out, len);
                    y[i..].iter_mut().step_by(inner).zip(&out).for_each(|(y, x)| *y = *x);
                }
            }
            Ok(())
        })
    }
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
