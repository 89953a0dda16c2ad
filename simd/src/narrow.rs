//! Floats of 16 bits: what weights and activations are stored as where their models say so. They are computed
//! with as f32, which holds every one of them exactly.
//!
//! [`Stored::widen`] and [`Stored::narrow`] say what is meant; vectors do it by an instruction where the set has
//! one, else by the bits. NaN becomes a quiet NaN on the way, with the bits of it that there is room for.

use crate::zeroed::Zeroable;
use crate::{Isa, Simd, Task, dispatch_plain};
use std::fmt::Debug;

/// A float that becomes f32 on its way into a register: f32 itself, or one of 16 bits.
pub trait Stored: Zeroable + Default + Debug + PartialEq + Send + Sync + 'static {
    /// Nothing, aligned as 16 of them.
    type Alignment: Copy + Default + Debug + PartialEq + Send + Sync;
    /// Whether it has fewer bits than f32.
    const NARROW: bool = true;

    /// The same number.
    fn widen(self) -> f32;
    /// The nearest one, halves to even.
    fn narrow(x: f32) -> Self;

    /// A vector of them, widened.
    ///
    /// # Safety
    /// `from` must be valid for reads of as many as a vector has lanes.
    unsafe fn load<S: Simd>(s: S, from: *const Self) -> S::F;
    /// Writes every lane, narrowed.
    ///
    /// # Safety
    /// `to` must be valid for writes of as many as a vector has lanes.
    unsafe fn store<S: Simd>(s: S, x: S::F, to: *mut Self);
}

/// IEEE's float of 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct F16(pub u16);

/// The upper half of an f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct BF16(pub u16);

/// Aligned as a line of 16 f32: a cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub struct CacheLine;

/// Aligned as a line of 16 numbers of 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(32))]
pub struct HalfLine;

// SAFETY: numbers whose bits are all zero are 0.
unsafe impl Zeroable for f32 {}
// SAFETY: as above.
unsafe impl Zeroable for F16 {}
// SAFETY: as above.
unsafe impl Zeroable for BF16 {}

impl F16 {
    /// Numbers of those bits.
    pub fn of_bits(bits: &[u16]) -> &[F16] {
        // SAFETY: one is the other.
        unsafe { std::slice::from_raw_parts(bits.as_ptr().cast(), bits.len()) }
    }

    /// Numbers of those bits, to be written.
    pub fn of_bits_mut(bits: &mut [u16]) -> &mut [F16] {
        // SAFETY: one is the other.
        unsafe { std::slice::from_raw_parts_mut(bits.as_mut_ptr().cast(), bits.len()) }
    }
}

impl BF16 {
    /// Numbers of those bits.
    pub fn of_bits(bits: &[u16]) -> &[BF16] {
        // SAFETY: one is the other.
        unsafe { std::slice::from_raw_parts(bits.as_ptr().cast(), bits.len()) }
    }

    /// Numbers of those bits, to be written.
    pub fn of_bits_mut(bits: &mut [u16]) -> &mut [BF16] {
        // SAFETY: one is the other.
        unsafe { std::slice::from_raw_parts_mut(bits.as_mut_ptr().cast(), bits.len()) }
    }
}

impl Stored for f32 {
    type Alignment = CacheLine;
    const NARROW: bool = false;

    fn widen(self) -> f32 {
        self
    }

    fn narrow(x: f32) -> f32 {
        x
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, from: *const f32) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load_at(from) }
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(s: S, x: S::F, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { s.store_at(x, to) }
    }
}

impl Stored for F16 {
    type Alignment = HalfLine;

    fn widen(self) -> f32 {
        let (sign, exponent, fraction) = (self.0 >> 15, self.0 >> 10 & 31, f32::from(self.0 & 1023));
        let size = match exponent {
            0 => fraction * 2f32.powi(-24),
            31 if fraction == 0.0 => f32::INFINITY,
            31 => {
                return f32::from_bits(
                    u32::from(self.0 & 0x8000) << 16 | 0x7fc0_0000 | u32::from(self.0 & 1023) << 13,
                );
            }
            _ => (1024.0 + fraction) * 2f32.powi(i32::from(exponent) - 25),
        };
        if sign == 1 { -size } else { size }
    }

    fn narrow(x: f32) -> F16 {
        let sign = (x.to_bits() >> 16 & 0x8000) as u16;
        let size = f64::from(x.abs());
        F16(sign
            | if x.is_nan() {
                0x7e00 | (x.to_bits() >> 13 & 1023) as u16
            } else if size >= 65520.0 {
                0x7c00
            } else {
                // In steps of the place of its last bit. A fraction that is rounded up to 1 goes on in the
                // exponent, as it should.
                let exponent = ((size.to_bits() >> 52) as i32 - 1023).max(-14);
                let steps = (size * 2f64.powi(10 - exponent)).round_ties_even() as u16;
                steps + ((exponent + 14) as u16 * 1024)
            })
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, from: *const F16) -> S::F {
        // SAFETY: the caller's promise.
        unsafe { s.load_f16_at(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(s: S, x: S::F, to: *mut F16) {
        // SAFETY: the caller's promise.
        unsafe { s.store_f16_at(x, to.cast()) }
    }
}

impl Stored for BF16 {
    type Alignment = HalfLine;

    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    fn narrow(x: f32) -> BF16 {
        let bits = x.to_bits();
        BF16(if x.is_nan() {
            (bits >> 16) as u16 | 0x40
        } else {
            ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
        })
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, from: *const BF16) -> S::F {
        // SAFETY: the caller's promise.
        s.of_bits(s.shl::<16>(unsafe { s.load_i16_at(from.cast()) }))
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(s: S, x: S::F, to: *mut BF16) {
        let bits = s.bits(x);
        let odd = s.and(s.shr::<16>(bits), s.splat_i(1));
        let rounded = s.add_i(bits, s.add_i(odd, s.splat_i(0x7fff)));
        let quiet = s.or(bits, s.splat_i(0x40_0000));
        let chosen = s.select(s.is_nan(x), s.of_bits(quiet), s.of_bits(rounded));
        // SAFETY: the caller's promise.
        unsafe { s.store_i16_at(s.shr::<16>(s.bits(chosen)), to.cast()) }
    }
}

/// What [`Simd::load_f16_at`] makes of the bits of f16s, the sign kept, where there is no instruction for it.
#[inline(always)]
pub(crate) fn f16_of_bits<S: Simd>(s: S, bits: S::I) -> S::F {
    // Exponent and fraction where f32 has them, and the sign at the top, of its copies the last.
    let at = s.and(s.shl::<13>(bits), s.splat_i(0x8fff_ffff_u32 as i32));
    // The largest exponent is that of infinities and NaN.
    let finite = s.lt(s.abs(s.of_bits(at)), s.splat(f32::from_bits(0x1f << 23)));
    let at = s.select(finite, s.of_bits(at), s.of_bits(s.or(at, s.splat_i(0x7f80_0000))));
    // Exponents begin 112 lower. Small numbers come out with an exponent of their own.
    s.mul(at, s.splat(f32::from_bits((127 + 112) << 23)))
}

/// The bits that [`Simd::store_f16_at`] writes where there is no instruction for it.
#[inline(always)]
pub(crate) fn bits_of_f16<S: Simd>(s: S, x: S::F) -> S::I {
    let size = s.abs(x);
    let sign = s.and(s.shr::<16>(s.bits(x)), s.splat_i(0x8000));
    let bits = s.bits(size);
    // To the last place of the fraction, half an odd one and its other bits up to the next.
    let odd = s.and(s.shr::<13>(bits), s.splat_i(1));
    let rebiased = s.add_i(bits, s.splat_i(0xfff - (112 << 23)));
    let normal = s.shr::<13>(s.add_i(rebiased, odd));
    // Small ones are rounded by a sum whose last place is theirs.
    let half = s.splat(0.5);
    let small = s.sub_i(s.bits(s.add(size, half)), s.bits(half));
    let nan = s.and(s.shr::<13>(bits), s.splat_i(0x3ff));
    let nan = s.or(nan, s.splat_i(0x7e00));
    let [normal, small, nan, infinity] = [normal, small, nan, s.splat_i(0x7c00)].map(|x| s.of_bits(x));
    let finite = s.select(s.lt(size, s.splat(f32::from_bits(113 << 23))), small, normal);
    let number = s.select(s.lt(size, s.splat(65520.0)), finite, infinity);
    s.or(sign, s.bits(s.select(s.is_nan(x), nan, number)))
}

/// Widens as many numbers as both have.
pub fn widen<W: Stored>(isa: Isa, from: &[W], to: &mut [f32]) {
    let len = from.len().min(to.len());
    dispatch_plain(isa, Widen { from: &from[..len], to: &mut to[..len] })
}

/// Narrows as many numbers as both have.
pub fn narrow<W: Stored>(isa: Isa, from: &[f32], to: &mut [W]) {
    let len = from.len().min(to.len());
    dispatch_plain(isa, Narrow { from: &from[..len], to: &mut to[..len] })
}

/// Whether every number is one of that type, to the bit; NaN is not.
pub fn fits<W: Stored>(isa: Isa, numbers: &[f32]) -> bool {
    const PIECE: usize = 1 << 10;
    let (mut narrowed, mut back) = ([W::default(); PIECE], [0.0; PIECE]);
    numbers.chunks(PIECE).all(|numbers| {
        narrow(isa, numbers, &mut narrowed);
        widen(isa, &narrowed[..numbers.len()], &mut back);
        numbers.iter().zip(&back).all(|(x, y)| x.to_bits() == y.to_bits() && !x.is_nan())
    })
}

/// The most lanes of a vector.
const MOST: usize = 16;

struct Widen<'a, W> {
    from: &'a [W],
    to: &'a mut [f32],
}

impl<W: Stored> Task for Widen<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut to = self.to.chunks_exact_mut(S::LANES);
        let mut from = self.from.chunks_exact(S::LANES);
        for (to, from) in to.by_ref().zip(from.by_ref()) {
            // SAFETY: both have as many as a vector has lanes.
            unsafe { s.store_at(W::load(s, from.as_ptr()), to.as_mut_ptr()) }
        }
        let (mut last, rest) = ([W::default(); MOST], from.remainder());
        last[..rest.len()].copy_from_slice(rest);
        // SAFETY: no vector has more lanes.
        s.store_some(unsafe { W::load(s, last.as_ptr()) }, to.into_remainder());
    }
}

struct Narrow<'a, W> {
    from: &'a [f32],
    to: &'a mut [W],
}

impl<W: Stored> Task for Narrow<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut to = self.to.chunks_exact_mut(S::LANES);
        let mut from = self.from.chunks_exact(S::LANES);
        for (to, from) in to.by_ref().zip(from.by_ref()) {
            // SAFETY: both have as many as a vector has lanes.
            unsafe { W::store(s, s.load_at(from.as_ptr()), to.as_mut_ptr()) }
        }
        let (mut last, rest) = ([W::default(); MOST], to.into_remainder());
        // SAFETY: no vector has more lanes.
        unsafe { W::store(s, s.load_some(from.remainder()), last.as_mut_ptr()) };
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch;

    fn all<W: Stored>(of: fn(&[u16]) -> &[W]) -> Vec<W> {
        of(&(0..=u16::MAX).collect::<Vec<_>>()).to_vec()
    }

    /// Numbers at and around the middle between any two neighbors, and what lies outside.
    fn hard<W: Stored>(of: fn(&[u16]) -> &[W]) -> Vec<f32> {
        let mut numbers =
            vec![f32::MAX, f32::MIN, f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001), 65519.996];
        for pair in all(of).windows(2) {
            let [a, b] = [pair[0].widen(), pair[1].widen()];
            let middle = ((f64::from(a) + f64::from(b)) / 2.0) as f32;
            numbers.extend([a, middle, middle.next_up(), middle.next_down()]);
        }
        numbers.extend((0..1 << 16).map(|i| f32::from_bits(i * 65521 + 77)));
        numbers
    }

    fn check<W: Stored>(of: fn(&[u16]) -> &[W]) {
        let (codes, numbers) = (all(of), hard(of));
        let expected: Vec<u32> = codes.iter().map(|x| x.widen().to_bits()).collect();
        let narrowed: Vec<W> = numbers.iter().map(|&x| W::narrow(x)).collect();
        for isa in Isa::supported() {
            for len in [0, 1, 7, 33, codes.len()] {
                let mut wide = vec![5.0; len];
                widen(isa, &codes, &mut wide);
                for (i, (x, &bits)) in wide.iter().zip(&expected).enumerate() {
                    let quiet = x.is_nan() && bits | 0x40_0000 == x.to_bits() | 0x40_0000;
                    assert!(x.to_bits() == bits || quiet, "{isa:?}: {:?} is {bits:x}, got {x}", codes[i]);
                }
            }
            for len in [0, 1, 9, 47, numbers.len()] {
                let mut got = vec![W::default(); len];
                narrow(isa, &numbers, &mut got);
                for (i, (got, expected)) in got.iter().zip(&narrowed).enumerate() {
                    assert_eq!(got, expected, "{isa:?}: {:x}", numbers[i].to_bits());
                }
            }
        }
    }

    #[test]
    fn every_f16_widens_and_every_middle_rounds_to_even() {
        check(F16::of_bits);
        assert_eq!([1.0, 65504.0, 6e-8, -0.0].map(F16::narrow), [0x3c00, 0x7bff, 1, 0x8000].map(F16));
        assert_eq!(
            [1, 0x3ff, 0x400, 0xfc00].map(|x| F16(x).widen()),
            [5.9604645e-8, 6.097555e-5, 6.1035156e-5, f32::NEG_INFINITY]
        );
    }

    #[test]
    fn every_bf16_widens_and_every_middle_rounds_to_even() {
        check(BF16::of_bits);
        assert_eq!([1.0, -2.0, f32::MAX].map(BF16::narrow), [0x3f80, 0xc000, 0x7f80].map(BF16));
    }

    /// The way without instructions, on every set.
    struct ByBits<'a>(&'a [u16], &'a [f32]);

    impl Task for ByBits<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for codes in self.0.chunks_exact(S::LANES) {
                let mut wide = [0.0; MOST];
                // SAFETY: there are as many.
                s.store(f16_of_bits(s, unsafe { s.load_i16_at(codes.as_ptr()) }), &mut wide);
                for (wide, &code) in wide.iter().zip(codes) {
                    let x = F16(code).widen();
                    assert!(wide.to_bits() == x.to_bits() || wide.is_nan() && x.is_nan(), "{code:x}");
                }
            }
            for numbers in self.1.chunks_exact(S::LANES) {
                let mut codes = [0; MOST];
                s.store_i(bits_of_f16(s, s.load(numbers)), &mut codes);
                for (&code, &x) in codes.iter().zip(numbers) {
                    assert_eq!(code, i32::from(F16::narrow(x).0), "{:x}", x.to_bits());
                }
            }
        }
    }

    #[test]
    fn the_way_by_bits_is_as_exact_as_the_instructions() {
        let (codes, numbers) = ((0..=u16::MAX).collect::<Vec<_>>(), hard(F16::of_bits));
        for isa in Isa::supported() {
            dispatch(isa, ByBits(&codes, &numbers));
        }
    }

    #[test]
    fn what_fits_is_told_to_the_bit() {
        for isa in Isa::supported() {
            let mut numbers: Vec<f32> = (0..2500).map(|i| i as f32 / 4.0 - 200.0).collect();
            assert!(fits::<F16>(isa, &numbers) && !fits::<BF16>(isa, &numbers) && fits::<BF16>(isa, &[]));
            assert!(fits::<BF16>(isa, &[2f32.powi(127), -0.0, f32::INFINITY]) && !fits::<F16>(isa, &[1e38]));
            for bad in [0.1, f32::NAN, 1e-8, 65520.0] {
                numbers[2400] = bad;
                assert!(!fits::<F16>(isa, &numbers), "{isa:?}: {bad}");
            }
        }
    }
}
