//! LRN on the CPU.

use super::normalize::each_row;
use super::{Io, Kernel};
use crate::ops::lrn::Lrn;
use crate::{Num, Result};

impl Kernel for Lrn {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let &[_, channels, ref positions @ ..] = x.shape() else {
            bail!(InvalidModel, "expected a batch and a channel axis, got shape {:?}", x.shape());
        };
        let positions: usize = positions.iter().product();
        let [alpha, beta, bias] = [self.alpha, self.beta, self.bias].map(f64::from);
        let weight = alpha / self.size as f64;
        let (before, after) = ((self.size - 1) / 2, self.size / 2);
        let y = io.output(0)?;
        for_float!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            each_row(io, y.into_slice::<T>()?, positions, |i, y| {
                let (sample, c) = (i / channels, i % channels);
                let window = c.saturating_sub(before)..c.saturating_add(after).saturating_add(1).min(channels);
                let at = |c: usize, k: usize| x[(sample * channels + c) * positions + k].to_f64();
                for (k, y) in y.iter_mut().enumerate() {
                    let squares: f64 = window.clone().map(|c| at(c, k).powi(2)).sum();
                    *y = T::from_f64(at(c, k) / (bias + weight * squares).powf(beta));
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::map_f32s;
    use crate::ops::Attr;

    fn lrn(size: i64, shape: &[usize], x: &[f32]) -> Vec<f32> {
        let attrs = [("alpha", size as f32), ("beta", 1.0), ("bias", 0.0)].map(|(n, x)| (n, Attr::Float(x)));
        map_f32s(("", "LRN", 13), &[&attrs[..], &[("size", Attr::Int(size))]].concat(), shape, x)
    }

    #[test]
    fn an_even_window_reaches_further_forward() {
        assert_eq!(lrn(2, &[1, 3, 1], &[1.0, 1.0, 2.0]), [0.5, 0.2, 0.5]);
    }

    #[test]
    fn a_window_may_be_wider_than_the_channels() {
        assert_eq!(lrn(1 << 20, &[1, 2], &[1.0, 1.0]), [0.5, 0.5]);
        assert!(lrn(i64::MAX, &[2, 0, 3], &[]).is_empty());
    }
}
