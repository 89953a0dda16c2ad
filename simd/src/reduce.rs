//! Sums and extremes of a row.

use crate::Isa;
use crate::vector::{Simd, Task, dispatch_plain};

/// The sum, as near as a sum in f64 is: what every addition of f32s rounds off is kept and added at the end.
pub fn sum(isa: Isa, x: &[f32]) -> f64 {
    let sum = dispatch_plain(isa, Sum(x));
    // Infinities, and sums that only f32 overflows on, make NaN of what is rounded off.
    if sum.is_finite() { sum } else { x.iter().map(|&x| f64::from(x)).sum() }
}

/// The largest element: NaN if there is one, -inf if there is none.
pub fn max(isa: Isa, x: &[f32]) -> f32 {
    dispatch_plain(isa, Max { x, sign: 1.0 })
}

/// The smallest element: NaN if there is one, +inf if there is none.
pub fn min(isa: Isa, x: &[f32]) -> f32 {
    -dispatch_plain(isa, Max { x, sign: -1.0 })
}

/// The largest elements under windows over an image with its channels last, for each channel. `cells` has, tap
/// after tap, where each window's cell begins in `x`; those past its end are none. NaN is the largest of all;
/// of nothing the largest is -inf.
///
/// # Panics
/// If `y` is not as many windows as each tap has cells, each of `channels`.
pub fn max_cells(isa: Isa, x: &[f32], cells: &[usize], channels: usize, y: &mut [f32]) {
    dispatch_plain(isa, MaxCells { x, cells, channels, y });
}

/// The same for bytes, from -128 to 127 if `signed`; of nothing the largest is the lowest one.
pub fn max_byte_cells(isa: Isa, signed: bool, x: &[u8], cells: &[usize], channels: usize, y: &mut [u8]) {
    dispatch_plain(isa, MaxByteCells { signed, x, cells, channels, y });
}

/// `sums += x` for every byte, wrapping. Panics where the two have different lengths.
pub fn add_bytes(isa: Isa, signed: bool, x: &[u8], sums: &mut [i32]) {
    assert_eq!(x.len(), sums.len());
    dispatch_plain(isa, AddBytes { signed, x, sums });
}

struct Sum<'a>(&'a [f32]);

impl Task for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let (mut sum, mut lost) = ([s.splat(0.0); 2], [s.splat(0.0); 2]);
        let pairs = self.0.chunks_exact(2 * S::LANES);
        for x in pairs.remainder().chunks(S::LANES) {
            (sum[0], lost[0]) = add(s, (sum[0], lost[0]), s.load_some(x));
        }
        for x in pairs {
            for i in 0..2 {
                (sum[i], lost[i]) = add(s, (sum[i], lost[i]), s.load(&x[i * S::LANES..]));
            }
        }
        let mut all = 0.0;
        for vector in sum.into_iter().chain(lost) {
            let mut lanes = [0f32; 16];
            s.store(vector, &mut lanes[..S::LANES]);
            all += lanes.iter().map(|&x| f64::from(x)).sum::<f64>();
        }
        all
    }
}

/// Adds a number to a sum, and what the addition rounds off to what was lost before.
#[inline(always)]
fn add<S: Simd>(s: S, (sum, lost): (S::F, S::F), x: S::F) -> (S::F, S::F) {
    let new = s.add(sum, x);
    let seen = s.sub(new, sum);
    let off = s.add(s.sub(sum, s.sub(new, seen)), s.sub(x, seen));
    (new, s.add(lost, off))
}

/// The maximum of `x · sign`.
struct Max<'a> {
    x: &'a [f32],
    sign: f32,
}

impl Task for Max<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let sign = s.splat(self.sign);
        let wholes = self.x.chunks_exact(S::LANES);
        let join = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
        let end = wholes.remainder().iter().fold(f32::NEG_INFINITY, |max, x| join(max, x * self.sign));
        let mut max = s.splat(end);
        let mut nan = s.splat(0.0);
        for x in wholes {
            let x = s.mul(s.load(x), sign);
            max = s.max(x, max);
            // NaN once, NaN for ever.
            nan = s.select(s.is_nan(x), x, nan);
        }
        let (nan, max) = (s.sum(nan), s.largest(max));
        if nan.is_nan() || end.is_nan() { f32::NAN } else { max }
    }
}

struct MaxCells<'a> {
    x: &'a [f32],
    cells: &'a [usize],
    channels: usize,
    y: &'a mut [f32],
}

impl Task for MaxCells<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let MaxCells { x, cells, channels, y } = self;
        let windows = y.len() / channels;
        assert!(windows * channels == y.len() && (windows == 0 || cells.len().is_multiple_of(windows)));
        let lowest = s.splat(f32::NEG_INFINITY);
        for (window, y) in y.chunks_exact_mut(channels).enumerate() {
            // Several vectors at a time: a maximum has to wait for the one before.
            let mut first = 0;
            while first + 4 * S::LANES <= channels {
                let mut max = [lowest; 4];
                for &cell in cells[window..].iter().step_by(windows).filter(|cell| **cell < x.len()) {
                    let from = &x[cell + first..][..4 * S::LANES];
                    for (max, x) in max.iter_mut().zip(from.chunks_exact(S::LANES)) {
                        *max = larger(s, *max, s.load(x));
                    }
                }
                for (y, max) in y[first..].chunks_exact_mut(S::LANES).zip(max) {
                    s.store(max, y);
                }
                first += 4 * S::LANES;
            }
            for first in (first..channels).step_by(S::LANES) {
                let len = S::LANES.min(channels - first);
                let mut max = lowest;
                for &cell in cells[window..].iter().step_by(windows).filter(|cell| **cell < x.len()) {
                    max = larger(s, max, s.load_some(&x[cell + first..][..len]));
                }
                s.store_some(max, &mut y[first..first + len]);
            }
        }
    }
}

/// The larger; NaN where either is.
#[inline(always)]
fn larger<S: Simd>(s: S, a: S::F, b: S::F) -> S::F {
    s.select(s.is_nan(a), a, s.max(a, b))
}

struct MaxByteCells<'a> {
    signed: bool,
    x: &'a [u8],
    cells: &'a [usize],
    channels: usize,
    y: &'a mut [u8],
}

impl Task for MaxByteCells<'_> {
    type Output = ();

    // Loops as plain as these become vectors of bytes by themselves.
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let MaxByteCells { signed, x, cells, channels, y } = self;
        let windows = y.len() / channels;
        assert!(windows * channels == y.len() && (windows == 0 || cells.len().is_multiple_of(windows)));
        y.fill(if signed { i8::MIN as u8 } else { 0 });
        for (window, y) in y.chunks_exact_mut(channels).enumerate() {
            for &cell in cells[window..].iter().step_by(windows).filter(|cell| **cell < x.len()) {
                let x = &x[cell..][..channels];
                if signed {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = (*y as i8).max(*x as i8) as u8);
                } else {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = (*y).max(*x));
                }
            }
        }
    }
}

struct AddBytes<'a> {
    signed: bool,
    x: &'a [u8],
    sums: &'a mut [i32],
}

impl Task for AddBytes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        if self.signed {
            self.sums.iter_mut().zip(self.x).for_each(|(y, x)| *y = y.wrapping_add((*x as i8).into()));
        } else {
            self.sums.iter_mut().zip(self.x).for_each(|(y, x)| *y = y.wrapping_add((*x).into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_f64() {
        for (isa, len) in Isa::supported().flat_map(|isa| (0..70).chain([1000]).map(move |len| (isa, len))) {
            let x: Vec<f32> =
                (0..len).map(|i| [1e8, 1.0, -1e8, 0.1, 3e-3, -7.7][(i * 7 + len) % 6]).collect();
            let expected: f64 = x.iter().map(|&x| f64::from(x)).sum();
            assert!((sum(isa, &x) - expected).abs() <= 1e-6 * len as f64, "{isa:?} {len}");
        }
        for isa in Isa::supported() {
            assert_eq!(sum(isa, &[3e38, 3e38, -3e38, -3e38]), 0.0);
            assert_eq!(sum(isa, &[f32::INFINITY, 1.0]), f64::INFINITY);
            assert!(sum(isa, &[f32::INFINITY, f32::NEG_INFINITY]).is_nan());
        }
    }

    #[test]
    fn extremes_are_found_anywhere_and_nan_wins() {
        for (isa, len) in Isa::supported().flat_map(|isa| (1..70).map(move |len| (isa, len))) {
            for at in 0..len {
                let mut x = vec![-2.0; len];
                x[at] = 5.0;
                assert_eq!((max(isa, &x), min(isa, &x)), (5.0, if len == 1 { 5.0 } else { -2.0 }));
                x[at] = f32::NAN;
                assert!(max(isa, &x).is_nan() && min(isa, &x).is_nan(), "{isa:?} {len}");
            }
            assert_eq!((max(isa, &[]), min(isa, &[])), (f32::NEG_INFINITY, f32::INFINITY));
        }
    }

    #[test]
    fn largest_cells_of_windows() {
        for (isa, channels) in Isa::supported().flat_map(|isa| (1..150).map(move |channels| (isa, channels)))
        {
            let mut x: Vec<f32> = (0..5 * channels).map(|i| (i * 7 % 31) as f32 - 15.0).collect();
            x[2 * channels] = f32::NAN;
            let none = usize::MAX;
            // Three windows: of cells 1 and 3, of the one with NaN first and last, of none.
            let cells =
                [channels, 2 * channels, none, 3 * channels, channels, none, none, 2 * channels, none];
            let mut y = vec![f32::NAN; 3 * channels];
            max_cells(isa, &x, &cells, channels, &mut y);
            for channel in 0..channels {
                let at = |cell: usize| x[cell * channels + channel];
                assert_eq!(y[channel], at(1).max(at(3)), "{isa:?} {channels}");
                let of_two = y[channels + channel];
                assert!(if channel == 0 { of_two.is_nan() } else { of_two == at(1).max(at(2)) });
                assert_eq!(y[2 * channels + channel], f32::NEG_INFINITY);
            }
            max_cells(isa, &x, &[], channels, &mut []);
        }
    }

    #[test]
    fn bytes_of_both_signs() {
        for isa in Isa::supported() {
            let (x, y): (Vec<u8>, Vec<u8>) = (0..=255u8).map(|i| (i, i.wrapping_mul(77))).unzip();
            for signed in [false, true] {
                let wide = |x: u8| if signed { i32::from(x as i8) } else { i32::from(x) };
                let mut most = vec![7; 256];
                let both = [&x[..], &y[..]].concat();
                max_byte_cells(isa, signed, &both, &[0, 256, 512], 256, &mut most);
                let mut sums = vec![5; 256];
                add_bytes(isa, signed, &x, &mut sums);
                for i in 0..256 {
                    assert_eq!(wide(most[i]), wide(x[i]).max(wide(y[i])));
                    assert_eq!(sums[i], wide(x[i]) + 5);
                }
            }
        }
    }
}
