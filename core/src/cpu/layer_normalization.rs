//! LayerNormalization and RMSNormalization on the CPU.

use super::broadcast::Broadcast;
use super::normalize::{each_row, mean, moments, store};
use super::wide::converted;
use super::{Io, Kernel, vector};
use crate::ops::layer_normalization::LayerNormalization;
use crate::{DType, Float, Num, Result, View};
use edgewise_simd::norm::Norm;

impl Kernel for LayerNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, scale) = (io.input(0)?, io.input(1)?);
        let len: usize = x.shape()[self.axis(x.rank())?..].iter().product();
        if self.is_plain(io, x, scale, len)? {
            let bias = io.optional(2)?.map_or(Ok(&[][..]), |bias| bias.slice())?;
            let norm = Norm { centered: self.centered, epsilon: self.epsilon, scale: scale.slice()?, bias };
            let y = io.output(0)?.into_slice()?;
            return vector::normalize(io.context(), norm, Some(x.slice()?), y);
        }
        for_float!(x.dtype(), T => {
            if io.wants(0) {
                let y_dtype = if self.centered { x.dtype() } else { scale.dtype() };
                for_float!(y_dtype, Y => self.normalize::<T, Y>(io, x, len))?;
            }
            let x = x.slice::<T>()?;
            for (i, of) in [(1, (|s| s.0) as fn((f64, f64)) -> f64), (2, |s| s.1)] {
                if io.wants(i) {
                    let y = io.output(i)?;
                    let rows = (0..y.len()).map(|i| of(self.statistics(&x[i * len..][..len])));
                    store(y, rows)?;
                }
            }
            Ok(())
        })
    }
}

impl LayerNormalization {
    /// Whether all is f32, parameters are rows, and nobody asks for the statistics.
    fn is_plain(&self, io: &Io<'_>, x: View<'_>, scale: View<'_>, len: usize) -> Result<bool> {
        let row = |p: View<'_>| p.dtype() == DType::F32 && p.len() == len && x.shape().ends_with(p.shape());
        let rows = len > 0 && row(scale) && io.optional(2)?.is_none_or(row);
        Ok(rows && x.dtype() == DType::F32 && io.wants(0) && !io.wants(1) && !io.wants(2))
    }

    fn normalize<T: Float, Y: Float>(&self, io: &mut Io<'_>, x: View<'_>, len: usize) -> Result<()> {
        let scale = io.input(1)?;
        let bias = io.optional(2)?;
        let bias_shape = bias.map_or(&[][..], |b| b.shape());
        let walk = Broadcast::new(x.shape(), [scale.shape(), bias_shape])?;
        let scale = converted::<f64>(scale)?;
        let bias = bias.map_or(Ok(vec![0.0].into()), converted::<f64>)?;
        let (scale_step, bias_step) = (walk.step(0), walk.step(1));
        let x = x.slice::<T>()?;
        let y = io.output(0)?.into_slice::<Y>()?;
        each_row(io, y, len, |i, y| {
            let start = i * len;
            let (mean, factor) = self.statistics(&x[start..][..len]);
            for run in walk.runs(start..start + len) {
                let y = &mut y[run.out.start - start..run.out.end - start];
                for (k, (y, x)) in y.iter_mut().zip(&x[run.out]).enumerate() {
                    let (s, b) = (scale[run.at[0] + k * scale_step], bias[run.at[1] + k * bias_step]);
                    *y = Y::from_f64((x.to_f64() - mean) * factor * s + b);
                }
            }
        })
    }

    /// What to subtract from a row and what to multiply it by.
    fn statistics<T: Num>(&self, row: &[T]) -> (f64, f64) {
        let (mean, var) = match self.centered {
            true => moments(row.iter()),
            false => (0.0, mean(row.iter().map(|x| x.to_f64().powi(2)))),
        };
        (mean, 1.0 / (var + self.epsilon as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Tensor};
    use half::f16;

    const EXACT: (&str, Attr) = ("epsilon", Attr::Float(0.0));

    #[test]
    fn mean_and_inverse_deviation_have_the_stash_type() {
        let x = Tensor::new(&[2, 2], &[1.0, 3.0, 0.0, 8.0].map(f16::from_f32)).unwrap();
        let scale = Tensor::new(&[1], &[f16::ONE]).unwrap();
        let y =
            run(("", "LayerNormalization", 17), &[EXACT], &[Some(x.into()), Some(scale.into())], 3).unwrap();
        let [y, mean, inverse] = &y[..] else { panic!("three outputs") };
        assert_eq!(y.tensor().unwrap().slice::<f16>().unwrap(), [-1.0, 1.0, -1.0, 1.0].map(f16::from_f32));
        assert_eq!(mean.tensor().unwrap().shape(), [2, 1]);
        assert_eq!(mean.tensor().unwrap().slice::<f32>().unwrap(), [2.0, 4.0]);
        assert_eq!(inverse.tensor().unwrap().slice::<f32>().unwrap(), [1.0, 0.25]);
    }

    #[test]
    fn scale_broadcasts_from_anywhere() {
        let x = Tensor::new(&[2, 2], &[1f32, 3.0, 0.0, 8.0]).unwrap();
        let scale = Tensor::new(&[2, 1], &[1f32, 2.0]).unwrap();
        let bias = Tensor::new(&[2], &[0f32, 10.0]).unwrap();
        let inputs = [x, scale, bias].map(|t| Some(t.into()));
        let y = run(("", "LayerNormalization", 17), &[EXACT], &inputs, 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [-1.0, 11.0, -2.0, 12.0]);
    }

    #[test]
    fn the_root_mean_square_has_the_type_of_the_scale() {
        let x = Tensor::new(&[1, 2], &[3.0, -3.0].map(f16::from_f32)).unwrap();
        let scale = Tensor::new(&[2], &[1f32, 2.0]).unwrap();
        let inputs = [x, scale].map(|t| Some(t.into()));
        let y = run(("", "RMSNormalization", 23), &[EXACT], &inputs, 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().dtype(), DType::F32);
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [1.0, -2.0]);
    }

    #[test]
    fn an_empty_row_has_no_mean() {
        let x = Tensor::zeros(DType::F32, &[2, 0]).unwrap();
        let scale = Tensor::zeros(DType::F32, &[0]).unwrap();
        let inputs = [x, scale].map(|t| Some(t.into()));
        let y = run(("", "LayerNormalization", 17), &[], &inputs, 2).unwrap();
        assert!(y[1].tensor().unwrap().slice::<f32>().unwrap().iter().all(|x| x.is_nan()));
    }
}
