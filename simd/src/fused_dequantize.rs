//! Bytes become numbers, and a few steps that follow element by element are done before these are written: a
//! factor or a divisor, two addends, and bytes again.
//!
//! Every step rounds as it does alone: what comes out is to the bit what the steps give one after the other.

use crate::Isa;
use crate::quantize::Bytes;
use crate::vector::{Simd, Task, dispatch_plain};
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// How bytes stand for numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The step between neighboring bytes.
    pub scale: f32,
    /// Which byte 0.0 is, in the range of the bytes.
    pub zero: i32,
    /// Whether they are from -128 to 127.
    pub signed: bool,
}

/// What numbers are multiplied with or divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Factor {
    Times(f32),
    Over(f32),
}

/// What is added.
#[derive(Clone, Copy, Debug)]
pub enum Addend<'a> {
    /// To each number its own.
    Each(&'a [f32]),
    /// To all the same.
    All(f32),
}

/// Numbers made of bytes: `(byte - zero) · scale`, then the factor, then one addend after the other.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    /// How the bytes stand for them.
    pub from: Scale,
    /// Times or over this.
    pub factor: Option<Factor>,
    /// Plus these.
    pub addends: [Option<Addend<'a>>; 2],
}

/// The numbers of the bytes `x`. Panics where `y` or an addend has another length.
pub fn numbers(isa: Isa, numbers: &Numbers<'_>, x: &[u8], y: &mut [f32]) {
    run(isa, numbers, x, y, ToNumbers);
}

/// The numbers of the bytes `x` as bytes again: `saturate(round_half_even(number / scale) + zero)`; NaN gives the
/// zero point. Panics where `y` or an addend has another length.
pub fn bytes(isa: Isa, numbers: &Numbers<'_>, x: &[u8], to: Scale, y: &mut [u8]) {
    run(isa, numbers, x, y, ToBytes(to));
}

fn run<E: End>(isa: Isa, numbers: &Numbers<'_>, x: &[u8], y: &mut [E::Out], end: E) {
    let fits = |addend: &Option<Addend<'_>>| !matches!(addend, Some(Addend::Each(a)) if a.len() != x.len());
    assert!(x.len() == y.len() && numbers.addends.iter().all(fits), "not as many numbers as bytes");
    dispatch_plain(isa, Chain { numbers, x, y, end });
}

/// Where numbers go.
trait End: Copy {
    type Out;

    /// What one of them becomes.
    fn one(self, x: f32) -> Self::Out;

    /// Writes four vectors side by side.
    ///
    /// # Safety
    /// There must be room for them.
    unsafe fn store<S: Simd>(self, s: S, x: [S::F; 4], to: *mut Self::Out);
}

#[derive(Clone, Copy)]
struct ToNumbers;

impl End for ToNumbers {
    type Out = f32;

    fn one(self, x: f32) -> f32 {
        x
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(self, s: S, x: [S::F; 4], to: *mut f32) {
        for (v, x) in x.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { s.store_at(x, to.add(v * S::LANES)) };
        }
    }
}

#[derive(Clone, Copy)]
struct ToBytes(Scale);

impl End for ToBytes {
    type Out = u8;

    fn one(self, x: f32) -> u8 {
        let Scale { scale, zero, signed } = self.0;
        let (low, high) = if signed { (-128, 127) } else { (0, 255) };
        let steps = (x / scale).round_ties_even().clamp((low - zero) as f32, (high - zero) as f32);
        // A cast from NaN is zero.
        (zero + steps as i32) as u8
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(self, s: S, x: [S::F; 4], to: *mut u8) {
        let Scale { scale, zero, signed } = self.0;
        let (low, high) = if signed { (-128, 127) } else { (0, 255) };
        let steps = Bytes::new(s, s.splat_i(zero), s.splat_i(low), s.splat_i(high));
        let mut rounded = [s.splat_i(0); 4];
        for v in 0..4 {
            rounded[v] = steps.round(s, s.div(x[v], s.splat(scale)));
        }
        // SAFETY: the caller's promise.
        let to = unsafe { from_raw_parts_mut(to, 4 * S::LANES) };
        if signed { s.store_four::<true>(rounded, to) } else { s.store_four::<false>(rounded, to) }
    }
}

struct Chain<'a, E: End> {
    numbers: &'a Numbers<'a>,
    x: &'a [u8],
    y: &'a mut [E::Out],
    end: E,
}

impl<E: End> Task for Chain<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Chain { numbers, x, y, end } = self;
        let group = 4 * S::LANES;
        if x.len() < group {
            for (i, y) in y.iter_mut().enumerate() {
                *y = end.one(numbers.one(x[i], i));
            }
            return;
        }
        let last = x.len() - group;
        let mut i = 0;
        loop {
            // SAFETY: four vectors fit between `i` and the end; addends are as long.
            unsafe { end.store(s, four(s, numbers, x.as_ptr(), i), y.as_mut_ptr().add(i)) };
            if i == last {
                return;
            }
            // The last four may overlap those before.
            i = last.min(i + group);
        }
    }
}

impl Numbers<'_> {
    /// The number at `i`, whose byte is given.
    fn one(&self, byte: u8, i: usize) -> f32 {
        let code = if self.from.signed { (byte as i8).into() } else { i32::from(byte) };
        let y = (code - self.from.zero) as f32 * self.from.scale;
        let y = match self.factor {
            Some(Factor::Times(factor)) => y * factor,
            Some(Factor::Over(divisor)) => y / divisor,
            None => y,
        };
        self.addends.iter().flatten().fold(y, |y, addend| match addend {
            Addend::Each(each) => y + each[i],
            Addend::All(all) => y + all,
        })
    }
}

/// Four vectors of numbers.
///
/// # Safety
/// As many bytes must be there from `i` on, and as many addends.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "loops of constant length, to be unrolled")]
unsafe fn four<S: Simd>(s: S, numbers: &Numbers<'_>, x: *const u8, i: usize) -> [S::F; 4] {
    let Scale { scale, zero, signed } = numbers.from;
    // The top bit flipped, signed bytes come as unsigned ones that are 128 too large.
    let (flip, move_by) = if signed { (0x80, 128) } else { (0, 0) };
    let (flip, zero, scale) = (s.splat_i(flip), s.splat_i(zero + move_by), s.splat(scale));
    let mut y = [scale; 4];
    for v in 0..4 {
        // SAFETY: the caller's promise.
        let bytes = unsafe { from_raw_parts(x.add(i + v * S::LANES), S::LANES) };
        y[v] = s.mul(s.to_f32(s.sub_i(s.xor(s.load_u8(bytes), flip), zero)), scale);
    }
    match numbers.factor {
        Some(Factor::Times(factor)) => {
            for y in &mut y {
                *y = s.mul(*y, s.splat(factor));
            }
        }
        Some(Factor::Over(divisor)) => {
            for y in &mut y {
                *y = s.div(*y, s.splat(divisor));
            }
        }
        None => {}
    }
    for addend in numbers.addends {
        match addend {
            Some(Addend::Each(each)) => {
                for v in 0..4 {
                    // SAFETY: the caller's promise.
                    y[v] = s.add(y[v], unsafe { s.load_at(each.as_ptr().add(i + v * S::LANES)) });
                }
            }
            Some(Addend::All(all)) => {
                for y in &mut y {
                    *y = s.add(*y, s.splat(all));
                }
            }
            None => {}
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(numbers: &Numbers<'_>, x: &[u8], i: usize) -> f32 {
        let code = if numbers.from.signed { (x[i] as i8).into() } else { i32::from(x[i]) };
        let y = (code - numbers.from.zero) as f32 * numbers.from.scale;
        let y = match numbers.factor {
            Some(Factor::Times(factor)) => y * factor,
            Some(Factor::Over(divisor)) => y / divisor,
            None => y,
        };
        numbers.addends.iter().flatten().fold(y, |y, addend| match addend {
            Addend::Each(each) => y + each[i],
            Addend::All(all) => y + all,
        })
    }

    fn byte(x: f32, to: Scale) -> u8 {
        let (low, high) = if to.signed { (-128, 127) } else { (0, 255) };
        let steps = (x / to.scale).round_ties_even().clamp((low - to.zero) as f32, (high - to.zero) as f32);
        (to.zero + steps as i32) as u8
    }

    #[test]
    fn every_step_rounds_as_it_does_alone() {
        let nasty = [0.0, -0.0, 1.5, -1e30, f32::INFINITY, f32::NAN, 0.1, 1e-40, -7.3, f32::NEG_INFINITY];
        let x: Vec<u8> = (0..200).map(|i| (i * 101 + 7) as u8).collect();
        let each: Vec<f32> = (0..200).map(|i| nasty[i * 7 % 10] + i as f32 * 0.37).collect();
        let factors =
            [None, Some(Factor::Times(0.3)), Some(Factor::Over(5.656_854)), Some(Factor::Over(0.0))];
        let froms =
            [(0.1, 3, false), (0.037, -128, true), (f32::MIN_POSITIVE, 127, true), (1e30, 255, false)];
        for (isa, len) in Isa::supported().flat_map(|isa| (0..70).chain([200]).map(move |len| (isa, len))) {
            let some = [None, Some(Addend::Each(&each[..len])), Some(Addend::All(-0.7))];
            for case in 0..36 {
                let (scale, zero, signed) = froms[case % 4];
                let numbers = Numbers {
                    from: Scale { scale, zero, signed },
                    factor: factors[(case / 4 + len) % 4],
                    addends: [some[case % 3], some[case / 3 % 3]],
                };
                let expected: Vec<f32> = (0..len).map(|i| reference(&numbers, &x, i)).collect();
                let mut y = vec![7.0; len];
                super::numbers(isa, &numbers, &x[..len], &mut y);
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                assert!(y.iter().zip(&expected).all(same), "{isa:?} {numbers:?}: {y:?}, not {expected:?}");
                for (scale, zero, signed) in froms {
                    let to = Scale { scale, zero, signed };
                    let mut y = vec![7; len];
                    bytes(isa, &numbers, &x[..len], to, &mut y);
                    let expected: Vec<u8> = expected.iter().map(|&x| byte(x, to)).collect();
                    assert_eq!(y, expected, "{isa:?} {numbers:?} {to:?}");
                }
            }
        }
    }
}
