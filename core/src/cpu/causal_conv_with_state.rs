//! CausalConvWithState on the CPU. The small floats compute in f32 and round once.

use super::wide::widened;
use super::{Io, Kernel};
use crate::ops::causal_conv_with_state::CausalConvWithState;
use crate::{Float, Num, Result};

impl Kernel for CausalConvWithState {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w, past) = (io.input(0)?, io.input(1)?, io.optional(3)?);
        let (&[batch, channels, length], &[outputs, 1, k]) = (x.shape(), w.shape()) else {
            bail!(
                InvalidModel,
                "expected [batch, channels, length] and [channels, 1, k], got {x:?} and {w:?}"
            )
        };
        ensure!(k > 0 && outputs == channels, InvalidModel, "weights {w:?} are not for {channels} channels");
        let carried = k - 1;
        ensure!(
            past.is_none_or(|past| past.shape() == [batch, channels, carried]),
            InvalidModel,
            "the past state must be {:?}, got {past:?}",
            [batch, channels, carried]
        );
        let bias = io.optional(2)?;
        ensure!(
            bias.is_none_or(|bias| bias.shape() == [channels]),
            InvalidModel,
            "the bias must be [{channels}], got {bias:?}"
        );
        for_float!(x.dtype(), T => {
            let (x, w) = (widened::<T>(x)?, widened::<T>(w)?);
            let bias = bias.map(widened::<T>).transpose()?;
            let past = past.map(widened::<T>).transpose()?;
            let mut states = if io.wants(1) { Some(io.output(1)?.into_slice::<T>()?) } else { None };
            let y = io.output(0)?.into_slice::<T>()?;
            // One channel's past and input, side by side.
            let mut line = vec![Num::zero(); carried + length];
            for i in 0..batch * channels {
                io.check()?;
                let channel = i % channels;
                if let Some(past) = &past {
                    line[..carried].copy_from_slice(&past[i * carried..][..carried]);
                }
                line[carried..].copy_from_slice(&x[i * length..][..length]);
                let w = &w[channel * k..][..k];
                let bias = bias.as_ref().map_or(Num::zero(), |bias| bias[channel]);
                for (t, y) in y[i * length..][..length].iter_mut().enumerate() {
                    let products = line[t..].iter().zip(w).map(|(x, &w)| x.mul(w));
                    let sum = products.fold(bias, Num::add);
                    *y = T::narrow(if self.silu { silu(sum) } else { sum });
                }
                if let Some(states) = &mut states {
                    let state = &mut states[i * carried..][..carried];
                    state.iter_mut().zip(&line[length..]).for_each(|(s, &x)| *s = T::narrow(x));
                }
            }
            Ok(())
        })
    }
}

fn silu<W: Float>(x: W) -> W {
    x.div(W::one().add(x.neg().map(f32::exp, f64::exp)))
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor};

    fn conv(x: &[f32], w: &[f32], past: Option<&[f32]>) -> Result<Vec<Vec<f32>>> {
        let tensor = |x: &[f32]| Tensor::new(&[1, 1, x.len()], x).map(|t| Some(t.into()));
        let inputs = [tensor(x)?, tensor(w)?, None, past.map_or(Ok(None), tensor)?];
        let y = run(("", "CausalConvWithState", 27), &[], &inputs, 2)?;
        y.iter().map(|y| Ok(y.tensor()?.slice()?.to_vec())).collect()
    }

    #[test]
    fn the_state_is_the_end_of_past_and_input() {
        let y = conv(&[5.0], &[1.0, 10.0, 100.0], Some(&[3.0, 4.0])).unwrap();
        assert_eq!(y, [vec![543.0], vec![4.0, 5.0]]);
        let y = conv(&[5.0], &[1.0, 10.0, 100.0], None).unwrap();
        assert_eq!(y, [vec![500.0], vec![0.0, 5.0]]);
    }

    #[test]
    fn kernels_of_one_have_no_state_and_empty_ones_are_refused() {
        assert_eq!(conv(&[5.0, 6.0], &[2.0], None).unwrap(), [vec![10.0, 12.0], vec![]]);
        assert_eq!(conv(&[], &[1.0, 2.0], Some(&[7.0])).unwrap(), [vec![], vec![7.0]]);
        assert!(conv(&[5.0], &[], None).is_err());
    }
}
