//! SimplifiedLayerNormalization on the CPU. The small floats compute in f32 and round once.

use super::norm_row::normalize;
use super::{Io, Kernel, vector};
use crate::ops::simplified_layer_normalization::SimplifiedLayerNormalization;
use crate::{DType, Float, Num, Result};
use edgewise_simd::norm::Norm;

impl Kernel for SimplifiedLayerNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, scale) = (io.input(0)?, io.input(1)?);
        let axis = self.axis(x.rank())?;
        let normalized = &x.shape()[axis..];
        ensure!(
            normalized.ends_with(scale.shape()),
            InvalidModel,
            "the scale must have the shape {normalized:?}, got {scale:?}"
        );
        let len = normalized.iter().product::<usize>().max(1);
        let y = io.output(0)?;
        let f32s = x.dtype() == DType::F32 && scale.dtype() == DType::F32;
        if f32s && scale.len() == len && !io.wants(1) {
            let norm = Norm { centered: false, epsilon: self.epsilon, scale: scale.slice()?, bias: &[] };
            return vector::normalize(io.context(), norm, Some(x.slice()?), y.into_slice()?);
        }
        let mut deviations = Vec::new();
        for_float!(x.dtype(), X => {
            type W = <X as Float>::Wide;
            let x = x.slice::<X>()?;
            for_float!(scale.dtype(), S => {
                let scale = scale.slice::<S>()?;
                let y = y.into_slice::<S>()?;
                let mut row = vec![W::zero(); len];
                for (i, (y, x)) in y.chunks_mut(len).zip(x.chunks(len)).enumerate() {
                    if i % 256 == 0 {
                        io.check()?;
                    }
                    row.iter_mut().zip(x).for_each(|(w, x)| *w = x.widen());
                    deviations.push(normalize(&mut row, true, self.epsilon).inverse_deviation.to_f64());
                    for ((y, w), s) in y.iter_mut().zip(&row).zip(scale.iter().cycle()) {
                        *y = S::from_f64(w.to_f64() * s.to_f64());
                    }
                }
                Ok(())
            })
        })?;
        if io.wants(1) {
            let out = io.output(1)?;
            match out.dtype() {
                DType::F64 => out.into_slice::<f64>()?.copy_from_slice(&deviations),
                _ => out.into_slice::<f32>()?.iter_mut().zip(&deviations).for_each(|(y, d)| *y = *d as f32),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn rows_are_divided_by_their_root_mean_square() {
        let inputs = [Tensor::new(&[2, 2], &[3f32, 4.0, 0.0, 0.0]), Tensor::new(&[2], &[1f32, 2.0])];
        let inputs = inputs.map(|t| Some(t.unwrap().into()));
        let attrs = [("epsilon", Attr::Float(0.0))];
        let y = run(("", "SimplifiedLayerNormalization", 1), &attrs, &inputs, 2).unwrap();
        let rms = 12.5f32.sqrt();
        let y: Vec<&[f32]> = y.iter().map(|y| y.tensor().unwrap().slice().unwrap()).collect();
        assert!((y[0][0] - 3.0 / rms).abs() < 1e-6 && (y[0][1] - 8.0 / rms).abs() < 1e-6);
        assert!(y[0][2].is_nan() && y[1][1].is_infinite());
    }

    #[test]
    fn a_scale_of_another_width_is_refused() {
        let inputs = [Tensor::new(&[1, 3], &[1f32; 3]), Tensor::new(&[2], &[1f32; 2])];
        let inputs = inputs.map(|t| Some(t.unwrap().into()));
        assert!(run(("", "SimplifiedLayerNormalization", 1), &[], &inputs, 1).is_err());
    }
}
