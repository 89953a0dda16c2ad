//! Sums of integers become the numbers that they stand for, each in the place of its sum.

use crate::Isa;
use crate::vector::{Simd, Task, dispatch_plain};

/// What makes numbers of a row of sums: `sum as f32 * factor + bias`, each rounded by itself.
#[derive(Clone, Copy, Debug)]
pub struct Scale<'a> {
    /// The factors, one for each sum of a row.
    pub factor: &'a [f32],
    /// What is added, to each of them.
    pub bias: Option<&'a [f32]>,
    /// Whether numbers below 0 become 0.
    pub relu: bool,
}

/// Rows of sums, whose bits lie in `sums`, become numbers. The last row may be short.
///
/// # Panics
/// If the biases are fewer than the factors, or if there are sums and no factors.
pub fn scale_sums(isa: Isa, scale: Scale<'_>, sums: &mut [f32]) {
    let factor = scale.factor;
    let scale = Scale { bias: scale.bias.map(|bias| &bias[..factor.len()]), ..scale };
    assert!(!factor.is_empty() || sums.is_empty());
    dispatch_plain(isa, ScaleSums { scale, sums });
}

struct ScaleSums<'a> {
    scale: Scale<'a>,
    sums: &'a mut [f32],
}

impl Task for ScaleSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scale { factor, bias, relu } = self.scale;
        let low = s.splat(if relu { 0.0 } else { f32::NEG_INFINITY });
        for row in self.sums.chunks_mut(factor.len().max(1)) {
            for (i, part) in row.chunks_mut(S::LANES).enumerate() {
                let at = i * S::LANES;
                let mut x = s.mul(s.to_f32(s.bits(s.load_some(part))), s.load_some(&factor[at..]));
                if let Some(bias) = bias {
                    x = s.add(x, s.load_some(&bias[at..]));
                }
                s.store_some(s.max(low, x), part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_scales_alike() {
        for (cols, rows) in [(1, 5), (7, 3), (16, 2), (64, 2), (37, 4)] {
            let numbers =
                |seed: usize| (0..cols).map(|i| ((i * 7 + seed) % 11) as f32 * 0.37 - 1.5).collect();
            let (mut factor, bias): (Vec<f32>, Vec<f32>) = (numbers(1), numbers(5));
            factor[cols / 2] = f32::NAN;
            factor[0] = 1e38;
            let sums: Vec<i32> = (0..cols * rows - cols / 3)
                .map(|i| [0, 1, -1, i32::MAX, i32::MIN, 1 << 24, 77_777_777, -12345][i % 8] ^ (i as i32 / 8))
                .collect();
            for (bias, relu) in [(None, false), (Some(&bias[..]), false), (Some(&bias[..]), true)] {
                let plain = |(i, &sum): (usize, &i32)| {
                    let x = sum as f32 * factor[i % cols];
                    let x = bias.map_or(x, |bias| x + bias[i % cols]);
                    if relu && x < 0.0 { 0.0 } else { x }
                };
                let expected: Vec<f32> = sums.iter().enumerate().map(plain).collect();
                for isa in Isa::supported() {
                    let mut got: Vec<f32> = sums.iter().map(|&sum| f32::from_bits(sum as u32)).collect();
                    scale_sums(isa, Scale { factor: &factor, bias, relu }, &mut got);
                    let same = |(a, b): (&f32, &f32)| a == b || a.is_nan() && b.is_nan();
                    assert!(got.iter().zip(&expected).all(same), "{isa:?} {got:?} {expected:?}");
                }
            }
        }
    }
}
