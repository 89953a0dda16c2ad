//! BatchNormalization on the CPU.
//!
//! Where training gives out saved statistics (before opset 14), they are the batch's mean and variance.

use super::normalize::{each_row, moments, parameters, store};
use super::{Io, Kernel};
use crate::ops::batch_normalization::BatchNormalization;
use crate::{Num, Result};

impl Kernel for BatchNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let [samples, channels, positions] = self.blocks(x.shape());
        let mut p: [Vec<f64>; 4] = Default::default();
        for (i, p) in p.iter_mut().enumerate() {
            *p = parameters(io.input(i + 1)?, channels)?.into_owned();
        }
        let [scale, bias, mut mean, mut var] = p;
        if self.training {
            let momentum = self.momentum as f64;
            let mut batch = (mean.clone(), var.clone());
            for_float!(x.dtype(), T => {
                let x = x.slice::<T>()?;
                for c in 0..channels {
                    io.check()?;
                    let rows = (0..samples).map(|n| &x[(n * channels + c) * positions..][..positions]);
                    (batch.0[c], batch.1[c]) = moments(rows.flatten());
                }
                Ok(())
            })?;
            let running = |old: f64, new: f64| old * momentum + new * (1.0 - momentum);
            let blend = |old: &[f64], new: &[f64]| {
                old.iter().zip(new).map(|(&old, &new)| running(old, new)).collect::<Vec<_>>()
            };
            let outputs = [blend(&mean, &batch.0), blend(&var, &batch.1), batch.0.clone(), batch.1.clone()];
            for (i, values) in outputs.into_iter().enumerate() {
                if io.wants(i + 1) {
                    store(io.output(i + 1)?, values.into_iter())?;
                }
            }
            (mean, var) = batch;
        }
        if !io.wants(0) {
            return Ok(());
        }
        let y = io.output(0)?;
        let factor: Vec<f64> =
            scale.iter().zip(&var).map(|(s, v)| s / (v + self.epsilon as f64).sqrt()).collect();
        for_float!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            each_row(io, y.into_slice::<T>()?, positions, |i, y| {
                let c = i % channels;
                for (y, x) in y.iter_mut().zip(&x[i * positions..]) {
                    *y = T::from_f64((x.to_f64() - mean[c]) * factor[c] + bias[c]);
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Value};

    fn batch_norm(
        version: i64,
        attrs: &[(&str, Attr)],
        shape: &[usize],
        x: &[f32],
        parameters: [&[f32]; 4],
        outputs: usize,
    ) -> Result<Vec<Vec<f32>>> {
        let mut inputs: Vec<Option<Value>> = vec![Some(Tensor::new(shape, x)?.into())];
        for p in parameters {
            inputs.push(Some(Tensor::new(&[p.len()], p)?.into()));
        }
        let y = run(("", "BatchNormalization", version), attrs, &inputs, outputs)?;
        y.iter().map(|y| Ok(y.tensor()?.slice::<f32>()?.to_vec())).collect()
    }

    #[test]
    fn inference_uses_the_given_statistics() {
        let p: [&[f32]; 4] = [&[2.0, 1.0], &[1.0, 0.0], &[3.0, 0.0], &[4.0, 1.0]];
        let exact = [("epsilon", Attr::Float(0.0))];
        for version in [1, 6, 7, 9, 14, 15] {
            let y = batch_norm(version, &exact, &[1, 2, 2], &[3.0, 5.0, 0.0, 1.0], p, 1).unwrap();
            assert_eq!(y, [[1.0, 3.0, 0.0, 1.0]]);
        }
    }

    #[test]
    fn training_uses_and_gives_those_of_the_batch() {
        let p: [&[f32]; 4] = [&[1.0], &[0.0], &[0.0], &[0.0]];
        let attrs = [("epsilon", Attr::Float(0.0)), ("momentum", Attr::Float(0.5))];
        let y = batch_norm(9, &attrs, &[2, 1, 1], &[1.0, 3.0], p, 5).unwrap();
        assert_eq!(y, [vec![-1.0, 1.0], vec![1.0], vec![0.5], vec![2.0], vec![1.0]]);
        let attrs = [&attrs[..], &[("training_mode", Attr::Int(1))]].concat();
        assert_eq!(batch_norm(15, &attrs, &[2], &[1.0, 3.0], p, 3).unwrap(), y[..3]);
    }

    #[test]
    fn old_statistics_may_be_per_feature() {
        let p: [&[f32]; 4] = [&[1.0, 2.0], &[0.0; 2], &[0.0; 2], &[1.0; 2]];
        let attrs = [("epsilon", Attr::Float(0.0)), ("spatial", Attr::Int(0))];
        let y = batch_norm(7, &attrs, &[2, 1, 2], &[1.0, 1.0, 2.0, 2.0], p, 1).unwrap();
        assert_eq!(y, [[1.0, 2.0, 2.0, 4.0]]);
    }

    #[test]
    fn wrong_parameters_and_empty_tensors() {
        let p: [&[f32]; 4] = [&[1.0], &[0.0], &[0.0], &[1.0]];
        assert!(batch_norm(15, &[], &[1, 2, 1], &[1.0, 1.0], p, 1).is_err());
        assert!(batch_norm(15, &[], &[1, 1, 1], &[1.0], p, 3).is_err());
        assert_eq!(batch_norm(15, &[], &[0, 1, 3], &[], p, 1).unwrap(), [vec![0.0f32; 0]]);
    }
}
