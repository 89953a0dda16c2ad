//! Rows of numbers with a mean square of 1 and, unless that is not asked, a mean of 0.
//!
//! The variance is that of the centered row, and what centering left of the mean is taken off again: a large
//! mean costs no digits. The order in which a row is summed depends on its length alone.

use crate::Isa;
use crate::vector::{Simd, Task, dispatch_plain};

/// What a normalization does with each row.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// Whether the mean is subtracted.
    pub centered: bool,
    /// What is added to the mean square.
    pub epsilon: f32,
    /// What each element is multiplied by at the end; its length is that of a row.
    pub scale: &'a [f32],
    /// What is added at the very end; nothing where it is empty.
    pub bias: &'a [f32],
}

impl Norm<'_> {
    /// Normalizes every row of `y` where it lies. Panics where `y` is no whole number of rows, or the bias
    /// has another length than they have.
    pub fn rows(self, isa: Isa, y: &mut [f32]) {
        let len = self.scale.len();
        assert!(y.len().is_multiple_of(len.max(1)) && (self.bias.is_empty() || self.bias.len() == len));
        dispatch_plain(isa, Rows { norm: self, y });
    }
}

struct Rows<'a> {
    norm: Norm<'a>,
    y: &'a mut [f32],
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if !self.norm.scale.is_empty() {
            self.y.chunks_exact_mut(self.norm.scale.len()).for_each(|y| row(s, self.norm, y));
        }
    }
}

#[inline(always)]
fn row<S: Simd>(s: S, norm: Norm<'_>, y: &mut [f32]) {
    let count = y.len() as f32;
    let mean = if norm.centered { sums(s, y, 0.0).0 / count } else { 0.0 };
    let (left, squares) = sums(s, y, mean);
    let left = if norm.centered { left / count } else { 0.0 };
    let factor = s.splat(1.0 / (squares / count - left * left + norm.epsilon).sqrt());
    let (mean, left) = (s.splat(mean), s.splat(left));
    for (i, y) in y.chunks_mut(S::LANES).enumerate() {
        let at = i * S::LANES;
        let centered = s.sub(s.sub(s.load_some(y), mean), left);
        let scaled = s.mul(s.mul(centered, factor), s.load_some(&norm.scale[at..]));
        let bias = s.load_some(norm.bias.get(at..).unwrap_or_default());
        s.store_some(s.add(scaled, bias), y);
    }
}

/// Vectors that are summed in f32 before they are added in f64.
const BLOCK: usize = 64;

/// The sums of `x - mean` and of its squares.
#[inline(always)]
fn sums<S: Simd>(s: S, x: &[f32], mean: f32) -> (f32, f32) {
    let shift = s.splat(mean);
    let (mut sum, mut squares) = (0f64, 0f64);
    for x in x.chunks(BLOCK * S::LANES) {
        let (mut some, mut some_squares) = ([s.splat(0.0); 2], [s.splat(0.0); 2]);
        let pairs = x.chunks_exact(2 * S::LANES);
        let rest = pairs.remainder();
        for x in pairs {
            for i in 0..2 {
                let x = s.sub(s.load(&x[i * S::LANES..]), shift);
                some[i] = s.add(some[i], x);
                some_squares[i] = s.mul_add(x, x, some_squares[i]);
            }
        }
        let wholes = rest.chunks_exact(S::LANES);
        let end = wholes.remainder();
        for x in wholes {
            let x = s.sub(s.load(x), shift);
            some[0] = s.add(some[0], x);
            some_squares[0] = s.mul_add(x, x, some_squares[0]);
        }
        sum += f64::from(s.sum(s.add(some[0], some[1])));
        squares += f64::from(s.sum(s.add(some_squares[0], some_squares[1])));
        for &x in end {
            let x = x - mean;
            sum += f64::from(x);
            squares += f64::from(x * x);
        }
    }
    (sum as f32, squares as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(norm: Norm<'_>, x: &[f32]) -> Vec<f64> {
        let count = x.len() as f64;
        let mean = if norm.centered { x.iter().map(|&x| f64::from(x)).sum::<f64>() / count } else { 0.0 };
        let square = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count;
        let factor = 1.0 / (square + f64::from(norm.epsilon)).sqrt();
        let bias = |i: usize| norm.bias.get(i).map_or(0.0, |&b| f64::from(b));
        let of = |(i, &x): (usize, &f32)| (f64::from(x) - mean) * factor * f64::from(norm.scale[i]) + bias(i);
        x.iter().enumerate().map(of).collect()
    }

    #[test]
    fn rows_of_every_length_around_any_mean() {
        for isa in Isa::supported() {
            for len in (1..70).chain([384, 4095, 4097, 9000]) {
                for (centered, mean) in [(true, 0.0), (true, 1e4), (true, -3e6), (false, 1.0)] {
                    let x = |i: usize| ((i * 7919 + len) % 613) as f32 * 0.01 - 3.0 + mean;
                    let x: Vec<f32> = (0..2 * len).map(x).collect();
                    let scale: Vec<f32> = (0..len).map(|i| 1.0 - (i % 5) as f32 * 0.3).collect();
                    let bias: Vec<f32> = (0..len).map(|i| (i % 3) as f32 - 1.0).collect();
                    for bias in [&bias[..], &[]] {
                        let norm = Norm { centered, epsilon: 1e-5, scale: &scale, bias };
                        let mut y = x.clone();
                        norm.rows(isa, &mut y);
                        for (x, y) in x.chunks(len).zip(y.chunks(len)) {
                            for (y, expected) in y.iter().zip(reference(norm, x)) {
                                let error = (f64::from(*y) - expected).abs();
                                // A row of one value is all epsilon: what is left of it is rounding.
                                assert!(
                                    error < 2e-5 || len == 1,
                                    "{isa:?} {len} around {mean}: {y} {expected}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn nan_stays_in_its_row_and_nothing_is_nothing() {
        for isa in Isa::supported() {
            let norm = Norm { centered: true, epsilon: 0.0, scale: &[1.0; 20], bias: &[] };
            let mut y: Vec<f32> = (0..40).map(|i| (i % 2) as f32).collect();
            y[3] = f32::NAN;
            norm.rows(isa, &mut y);
            assert!(y[..20].iter().all(|y| y.is_nan()) && y[20..].iter().all(|y| y.abs() == 1.0));
            norm.rows(isa, &mut []);
            Norm { scale: &[], ..norm }.rows(isa, &mut []);
        }
    }
}
