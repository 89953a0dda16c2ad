//! What becomes of the sums of a product.

use super::Job;
use super::kernel::multiply;
use crate::{Isa, MatrixMut, Simd};

/// Makes outputs of finished sums, a vector at a time.
///
/// What an epilogue has by column must reach to the end of the last panel
/// ([`padded_cols`](super::PackedI8::padded_cols)).
pub trait Epilogue: Sync {
    /// An element of the output.
    type Out: Copy;

    /// How many columns it can finish.
    fn cols(&self) -> usize;

    /// The product with this end: a call of `multiply` and nothing else. Where that is written, the loops are
    /// compiled; users of this crate may be compiled for size.
    fn multiply(&self, isa: Isa, job: &Job<'_>, out: MatrixMut<'_, Self::Out>);

    /// Finishes the sums of a row from column `col` on: as many as `to` has room for, up to a vector.
    ///
    /// # Safety
    /// `col + S::LANES <= self.cols()`.
    unsafe fn finish<S: Simd>(&self, s: S, sums: S::I, col: usize, to: &mut [Self::Out]);

    /// Finishes whole vectors side by side, that many as `to` holds.
    ///
    /// # Safety
    /// `col + N * S::LANES <= self.cols()`, and `to` is `N * S::LANES` long.
    #[inline(always)]
    unsafe fn finish_all<S: Simd, const N: usize>(
        &self,
        s: S,
        sums: &[S::I; N],
        col: usize,
        to: &mut [Self::Out],
    ) {
        for (v, (sums, to)) in sums.iter().zip(to.chunks_exact_mut(S::LANES)).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { self.finish(s, *sums, col + v * S::LANES, to) };
        }
    }
}

/// The sums themselves.
#[derive(Clone, Copy, Debug)]
pub struct Sums;

impl Epilogue for Sums {
    type Out = i32;

    fn cols(&self) -> usize {
        usize::MAX
    }

    #[inline(never)]
    fn multiply(&self, isa: Isa, job: &Job<'_>, out: MatrixMut<'_, i32>) {
        multiply(isa, job, self, out)
    }

    #[inline(always)]
    unsafe fn finish<S: Simd>(&self, s: S, sums: S::I, _: usize, to: &mut [i32]) {
        if to.len() >= S::LANES {
            return s.store_i(sums, to);
        }
        let mut lanes = [0; 16];
        s.store_i(sums, &mut lanes);
        to.copy_from_slice(&lanes[..to.len()]);
    }
}

/// `sum as f32 * scale + bias`, each rounded by itself.
#[derive(Clone, Copy, Debug)]
pub struct ToF32<'a> {
    scale: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl<'a> ToF32<'a> {
    /// With those for each column.
    pub fn new(scale: &'a [f32], bias: Option<&'a [f32]>) -> ToF32<'a> {
        ToF32 { scale, bias }
    }
}

impl Epilogue for ToF32<'_> {
    type Out = f32;

    fn cols(&self) -> usize {
        self.bias.map_or(usize::MAX, <[f32]>::len).min(self.scale.len())
    }

    #[inline(never)]
    fn multiply(&self, isa: Isa, job: &Job<'_>, out: MatrixMut<'_, f32>) {
        multiply(isa, job, self, out)
    }

    #[inline(always)]
    unsafe fn finish<S: Simd>(&self, s: S, sums: S::I, col: usize, to: &mut [f32]) {
        // SAFETY: the caller stays within the columns.
        let x = unsafe {
            let x = s.mul(s.to_f32(sums), s.load_at(self.scale.as_ptr().add(col)));
            match self.bias {
                Some(bias) => s.add(x, s.load_at(bias.as_ptr().add(col))),
                None => x,
            }
        };
        s.store_some(x, to);
    }
}

/// `saturate(round_half_even(sum as f32 * factor) + zero)`: u8 or i8, as the range says. NaN gives the zero
/// point.
#[derive(Clone, Copy, Debug)]
pub struct Requantize<'a> {
    factor: &'a [f32],
    zero: i32,
    /// The range, less the zero point.
    low: f32,
    high: f32,
    /// Whether no sum can give NaN.
    finite: bool,
    /// Whether outputs are i8.
    signed: bool,
}

impl<'a> Requantize<'a> {
    /// With a factor for each column, to numbers from `low` to `high`, which lie within -128..=255.
    pub fn new(factor: &'a [f32], zero: i32, [low, high]: [i32; 2]) -> Requantize<'a> {
        let finite = factor.iter().all(|f| f.is_finite());
        let steps = |x: i32| (x - zero) as f32;
        Requantize { factor, zero, low: steps(low), high: steps(high), finite, signed: low < 0 }
    }

    /// The factors.
    pub(crate) fn factors(&self) -> &'a [f32] {
        self.factor
    }

    /// The same with other factors, as finite as its own.
    pub(crate) fn with_factors(self, factor: &[f32]) -> Requantize<'_> {
        let Requantize { zero, low, high, finite, signed, .. } = self;
        Requantize { factor, zero, low, high, finite, signed }
    }

    /// The outputs of a vector of sums.
    ///
    /// # Safety
    /// `col + S::LANES <= self.cols()`.
    #[inline(always)]
    pub(crate) unsafe fn of<S: Simd>(&self, s: S, sums: S::I, col: usize) -> S::I {
        // SAFETY: the caller stays within the columns.
        let factor = unsafe { s.load_at(self.factor.as_ptr().add(col)) };
        let mut x = s.mul(s.to_f32(sums), factor);
        if !self.finite {
            x = s.without_nan(x);
        }
        // The limits are integers: clamping before or after rounding is the same.
        let x = s.min(s.max(x, s.splat(self.low)), s.splat(self.high));
        s.add_i(s.to_small_i32(x), s.splat_i(self.zero))
    }

    /// Outputs as bytes; see [`Simd::narrow`].
    #[inline(always)]
    pub(crate) fn narrow<S: Simd, const ZIPPED: bool>(&self, s: S, x: [S::I; 4]) -> S::I {
        if self.signed { s.narrow::<true, ZIPPED>(x) } else { s.narrow::<false, ZIPPED>(x) }
    }
}

impl Epilogue for Requantize<'_> {
    type Out = u8;

    fn cols(&self) -> usize {
        self.factor.len()
    }

    #[inline(never)]
    fn multiply(&self, isa: Isa, job: &Job<'_>, out: MatrixMut<'_, u8>) {
        multiply(isa, job, self, out)
    }

    #[inline(always)]
    unsafe fn finish<S: Simd>(&self, s: S, sums: S::I, col: usize, to: &mut [u8]) {
        // SAFETY: the caller's promise.
        s.store_bytes(unsafe { self.of(s, sums, col) }, to);
    }

    #[inline(always)]
    unsafe fn finish_all<S: Simd, const N: usize>(&self, s: S, sums: &[S::I; N], col: usize, to: &mut [u8]) {
        // SAFETY: the caller's promise.
        unsafe {
            match N {
                2 => {
                    let (a, b) = (self.of(s, sums[0], col), self.of(s, sums[1], col + S::LANES));
                    let mut both = [0i32; 16];
                    s.store_i(self.narrow::<S, false>(s, [a, b, a, b]), &mut both);
                    std::ptr::copy_nonoverlapping(both.as_ptr().cast(), to.as_mut_ptr(), 2 * S::LANES);
                }
                4 | 16 => {
                    for v in (0..N).step_by(4) {
                        let mut x = [s.splat_i(0); 4];
                        for i in 0..4 {
                            x[i] = self.of(s, sums[v + i], col + (v + i) * S::LANES);
                        }
                        let to = to.as_mut_ptr().add(v * S::LANES);
                        s.store_i_at(self.narrow::<S, false>(s, x), to.cast());
                    }
                }
                _ => {
                    for (v, (sums, to)) in sums.iter().zip(to.chunks_exact_mut(S::LANES)).enumerate() {
                        self.finish(s, *sums, col + v * S::LANES, to);
                    }
                }
            }
        }
    }
}
