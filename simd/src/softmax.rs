//! Rows of numbers become distributions.
//!
//! The maximum is subtracted first, so that no exponential overflows. A row of -inf alone, with NaN or with
//! +inf in it, becomes NaN. The order in which a row is summed depends on its length alone.

use crate::vector::{Simd, Task, dispatch_plain};
use crate::{Isa, math};
use std::hint::black_box;

/// Every row of `len` elements of `x`, as a distribution, to the same place of `y`. Panics where the two
/// have different lengths, or no whole number of rows.
pub fn softmax(isa: Isa, x: &[f32], y: &mut [f32], len: usize) {
    assert!(x.len() == y.len() && x.len().is_multiple_of(len.max(1)));
    dispatch_plain(isa, Rows { x, y, len });
}

/// In how many sums a row is taken, whose elements go to them in turn; then one half of the sums is added to the other
/// until one is left.
pub fn sums(isa: Isa) -> usize {
    dispatch_plain(isa, Sums)
}

struct Sums;

impl Task for Sums {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::LANES
    }
}

/// Whether exponentials are made of products and sums that are rounded once together.
pub fn fuses(isa: Isa) -> bool {
    dispatch_plain(isa, Fuses)
}

struct Fuses;

impl Task for Fuses {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        // Its square has a bit that a product alone rounds away.
        let x = s.splat(black_box(1.0 + f32::EPSILON));
        s.largest(s.mul_add(x, x, s.splat(-(1.0 + 2.0 * f32::EPSILON)))) != 0.0
    }
}

struct Rows<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    len: usize,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if self.len > 0 {
            for (x, y) in self.x.chunks_exact(self.len).zip(self.y.chunks_exact_mut(self.len)) {
                row(s, x, y);
            }
        }
    }
}

#[inline(always)]
fn row<S: Simd>(s: S, x: &[f32], y: &mut [f32]) {
    let max = s.splat(largest(s, x));
    let mut sum = s.splat(0.0);
    let (wholes, end) = x.split_at(x.len() - x.len() % S::LANES);
    let (y_wholes, y_end) = y.split_at_mut(wholes.len());
    for (x, y) in wholes.chunks_exact(S::LANES).zip(y_wholes.chunks_exact_mut(S::LANES)) {
        let exp = math::exp(s, s.sub(s.load(x), max));
        sum = s.add(sum, exp);
        s.store(exp, y);
    }
    if !end.is_empty() {
        s.store_some(math::exp(s, s.sub(s.load_some(end), max)), y_end);
        // Lanes past the end count as zeros.
        sum = s.add(sum, s.load_some(y_end));
    }
    let share = s.splat(1.0 / s.sum(sum));
    for y in y_wholes.chunks_exact_mut(S::LANES) {
        s.store(s.mul(s.load(y), share), y);
    }
    s.store_some(s.mul(s.load_some(y_end), share), y_end);
}

/// The largest element; NaN may be passed over. The last vector overlaps the one before it.
#[inline(always)]
fn largest<S: Simd>(s: S, x: &[f32]) -> f32 {
    if x.len() < S::LANES {
        return x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    }
    let mut max = [s.load(&x[x.len() - S::LANES..]); 4];
    // Four that do not wait for each other.
    let fours = x.chunks_exact(4 * S::LANES);
    for x in fours.remainder().chunks_exact(S::LANES) {
        max[0] = s.max(max[0], s.load(x));
    }
    for x in fours {
        for i in 0..4 {
            max[i] = s.max(max[i], s.load(&x[i * S::LANES..]));
        }
    }
    s.largest(s.max(s.max(max[0], max[1]), s.max(max[2], max[3])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(x: &[f32]) -> Vec<f64> {
        let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exp: Vec<f64> = x.iter().map(|&x| f64::from(x - max).exp()).collect();
        let sum: f64 = exp.iter().sum();
        exp.iter().map(|e| e / sum).collect()
    }

    #[test]
    fn rows_of_every_length_are_distributions() {
        for isa in Isa::supported() {
            for len in (1..70).chain([197, 512]) {
                let x: Vec<f32> =
                    (0..3 * len).map(|i| ((i * 7919 + len) % 613) as f32 * 0.05 - 20.0).collect();
                let mut y = vec![0.0; x.len()];
                softmax(isa, &x, &mut y, len);
                for (x, y) in x.chunks(len).zip(y.chunks(len)) {
                    for (y, expected) in y.iter().zip(reference(x)) {
                        assert!((f64::from(*y) - expected).abs() <= 1e-6 * expected + 1e-12, "{isa:?} {len}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_summed_as_it_is_said() {
        for isa in Isa::supported() {
            for len in [1, 5, 16, 50, 197] {
                // The largest is 0, so that exponentials are those of the elements.
                let x: Vec<f32> = (0..len).map(|i| ((i * 7919) % 613) as f32 * -0.01).collect();
                let (mut exp, mut y) = (x.clone(), vec![0.0; len]);
                crate::elementwise::unary_in_place(isa, crate::elementwise::Unary::Exp, &mut exp);
                softmax(isa, &x, &mut y, len);
                let mut sums = vec![0f32; sums(isa)];
                let count = sums.len();
                exp.iter().enumerate().for_each(|(i, exp)| sums[i % count] += exp);
                while sums.len() > 1 {
                    let upper = sums.split_off(sums.len() / 2);
                    sums.iter_mut().zip(upper).for_each(|(sum, upper)| *sum += upper);
                }
                let share = 1.0 / sums[0];
                assert!(exp.iter().zip(&y).all(|(exp, y)| (exp * share).to_bits() == y.to_bits()), "{isa:?}");
            }
        }
    }

    #[test]
    fn instructions_that_fuse_are_known() {
        for isa in Isa::supported() {
            let [x, c] = [1.0 + f32::EPSILON, -(1.0 + 2.0 * f32::EPSILON)];
            let once = if fuses(isa) { x.mul_add(x, c) } else { x * x + c };
            let vectors = dispatch_plain(isa, Sum([x, x, c]));
            assert_eq!(vectors, once, "{isa:?}");
        }
    }

    struct Sum([f32; 3]);

    impl Task for Sum {
        type Output = f32;

        fn run<S: Simd>(self, s: S) -> f32 {
            let [a, b, c] = black_box(self.0).map(|x| s.splat(x));
            s.largest(s.mul_add(a, b, c))
        }
    }

    #[test]
    fn masked_large_and_impossible_rows() {
        const INF: f32 = f32::INFINITY;
        for (isa, len) in Isa::supported().flat_map(|isa| [3, 16, 17, 40].map(|len| (isa, len))) {
            let mut x = vec![-INF; 5 * len];
            x[1] = 3e38;
            x[2 * len - 1] = f32::NAN;
            x[2 * len] = INF;
            x[3 * len..4 * len].fill(-3e38);
            let mut y = vec![7.0; x.len()];
            softmax(isa, &x, &mut y, len);
            assert!((0..len).all(|i| y[i] == if i == 1 { 1.0 } else { 0.0 }), "{isa:?} {len}");
            assert!(y[len..3 * len].iter().all(|y| y.is_nan()), "{isa:?} {len}");
            assert!(y[3 * len..4 * len].iter().all(|y| (y * len as f32 - 1.0).abs() < 1e-6), "{isa:?} {len}");
            assert!(y[4 * len..].iter().all(|y| y.is_nan()), "{isa:?} {len}");
        }
        softmax(Isa::current(), &[], &mut [], 0);
        softmax(Isa::current(), &[], &mut [], 5);
    }
}
