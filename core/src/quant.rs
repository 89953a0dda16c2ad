//! The one place that says how numbers become quantized integers.
//!
//! Every integer operator ends here, so that a model gives the same bytes on every path: the multiplier is
//! `(x_scale * w_scale) / y_scale` in f32, in that order; the product with the accumulator is rounded half
//! to even in f32; and the clamp comes before the conversion to an integer, so nothing ever wraps.

use crate::Num;
use edgewise_simd::Isa;
use edgewise_simd::qlinear::Rule;

/// What turns an accumulated product into steps of `y_scale`.
pub fn multiplier(x_scale: f32, w_scale: f32, y_scale: f32) -> f32 {
    (x_scale * w_scale) / y_scale
}

/// `saturate(round_half_even(x) + zero)` into `low..=high`; NaN gives `zero`.
///
/// `x` is the real number in steps of the scale. The range must be that of a type of at most 16 bits, so
/// that its limits are exact in f32.
pub fn round_to(x: f32, zero: i32, low: i32, high: i32) -> i32 {
    // Clamping after rounding cannot change a number that lies in the range already.
    let steps = x.round_ties_even().clamp((low - zero) as f32, (high - zero) as f32);
    // A cast from NaN is zero.
    zero + steps as i32
}

/// An integer type that real numbers are quantized to.
pub trait Quantized: Num {
    /// As an i32.
    fn wide(self) -> i32;

    /// From an i32 that lies in its range.
    fn of_wide(x: i32) -> Self;

    /// `saturate(round_half_even(x / scale) + zero)`: what QuantizeLinear does.
    fn quantize(x: f32, scale: f32, zero: Self) -> Self {
        Self::rounded(x / scale, zero)
    }

    /// `saturate(round_half_even(acc * multiplier) + zero)`: an accumulator (bias included) becomes an
    /// output.
    fn requantize(acc: i32, multiplier: f32, zero: Self) -> Self {
        Self::rounded(acc as f32 * multiplier, zero)
    }

    /// `saturate(round_half_even(x) + zero)`.
    fn rounded(x: f32, zero: Self) -> Self {
        Self::of_wide(round_to(x, zero.wide(), Self::LOWEST.wide(), Self::HIGHEST.wide()))
    }

    /// The real number: `(self - zero) * scale`.
    fn dequantize(self, scale: f32, zero: Self) -> f32 {
        (self.wide() - zero.wide()) as f32 * scale
    }
}

macro_rules! quantized {
    ($($type:ident),*) => {
        $(impl Quantized for $type {
            fn wide(self) -> i32 {
                self.into()
            }
            fn of_wide(x: i32) -> $type {
                x as $type
            }
        })*
    };
}
quantized!(u8, i8, u16, i16);

/// The scale and zero point with which u8 covers all of `x`, and 0: what DynamicQuantizeLinear finds.
pub fn u8_params(x: &[f32]) -> (f32, u8) {
    let (low, high) = edgewise_simd::quantize::range(Isa::current(), x);
    let scale = if low == high { 1.0 } else { (high - low) / 255.0 };
    (scale, u8::rounded(-low / scale, 0))
}

/// The value of `f` at every 8-bit number, at the place of its bits.
pub fn table<T: Quantized>(f: impl Fn(T) -> T) -> [T; 256] {
    std::array::from_fn(|code| {
        // Codes from 128 on are those of negative numbers, where the type has them.
        let code = code as i32;
        f(T::of_wide(if code > T::HIGHEST.wide() { code - 256 } else { code }))
    })
}

/// The value of a [`table`] at `x`.
pub fn look_up<T: Quantized>(table: &[T; 256], x: T) -> T {
    table[(x.wide() & 0xff) as usize]
}

/// `saturate(round_half_even(a * a_ratio + b * b_ratio) + zero)` in integers: the ratios become multiples of
/// a power of two, with 22 bits for the larger one, so that the sum of two products of at most 255 fits.
#[derive(Clone, Copy, Debug)]
pub struct FixedSum {
    a: i32,
    b: i32,
    shift: u32,
}

impl FixedSum {
    const MOST: f64 = (1 << 22) as f64;

    /// For those ratios of scales.
    pub fn new(a_ratio: f32, b_ratio: f32) -> FixedSum {
        let (a, b) = (f64::from(a_ratio), f64::from(b_ratio));
        let fits = |shift: &u32| a.abs().max(b.abs()) * f64::from(1u32 << shift) <= Self::MOST;
        let shift = (0..=30).rev().find(fits).unwrap_or(0);
        // A ratio too large for any shift saturates every number but 0, and so it does when cut off.
        let fixed = |ratio: f64| {
            (ratio * f64::from(1u32 << shift)).round_ties_even().clamp(-Self::MOST, Self::MOST) as i32
        };
        FixedSum { a: fixed(a), b: fixed(b), shift }
    }

    /// The rule by which vectors of bytes are summed, to the same result.
    pub fn rule(&self) -> Rule {
        Rule::Sum { factors: [self.a, self.b], shift: self.shift }
    }

    /// The sum, of two numbers from -255 to 255.
    pub fn of<T: Quantized>(&self, a: i32, b: i32, zero: T) -> T {
        let sum = a * self.a + b * self.b;
        let whole = sum >> self.shift;
        let rest = sum - (whole << self.shift);
        let half = (1i32 << self.shift) >> 1;
        let up = self.shift > 0 && (rest > half || rest == half && whole & 1 == 1);
        let steps = whole.saturating_add(up as i32).saturating_add(zero.wide());
        T::of_wide(steps.clamp(T::LOWEST.wide(), T::HIGHEST.wide()))
    }
}

/// `for_quantized!(dtype, T => body)`: the body with `T` either u8 or i8; an Unsupported error for others.
#[macro_export]
macro_rules! for_quantized {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::for_types!($dtype, $T => $body, "u8 or i8 elements", U8 = u8, I8 = i8)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_even() {
        let x = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5];
        assert_eq!(x.map(|x| i8::rounded(x, 0)), [-2, -2, 0, 0, 2, 2]);
        assert_eq!(x.map(|x| i8::rounded(x, 1)), [-1, -1, 1, 1, 3, 3]);
    }

    #[test]
    fn limits_saturate_and_never_wrap() {
        for huge in [1e10, f32::MAX, f32::INFINITY] {
            assert_eq!((u8::rounded(huge, 3), u8::rounded(-huge, 3)), (255, 0));
            assert_eq!((i8::rounded(huge, -128), i8::rounded(-huge, 127)), (127, -128));
            assert_eq!((i16::rounded(huge, 0), u16::rounded(-huge, 65535)), (32767, 0));
        }
        assert_eq!(u8::requantize(i32::MAX, 1.0, 0), 255);
        assert_eq!(i8::requantize(i32::MIN, 1.0, 0), -128);
        assert_eq!(u8::requantize(i32::MIN, f32::INFINITY, 255), 0);
    }

    #[test]
    fn nan_gives_the_zero_point() {
        assert_eq!(u8::rounded(f32::NAN, 7), 7);
        assert_eq!(i8::quantize(0.0, 0.0, -5), -5);
        assert_eq!(u8::requantize(0, f32::INFINITY, 9), 9);
    }

    #[test]
    fn the_multiplier_is_computed_in_the_stated_order() {
        let (x, w, y) = (0.1f32, 0.7f32, 0.3f32);
        assert_eq!(multiplier(x, w, y), (x * w) / y);
        assert!(multiplier(f32::MIN_POSITIVE, f32::MIN_POSITIVE, 1.0) == 0.0);
    }

    #[test]
    fn tables_are_indexed_by_bits() {
        assert_eq!(table(|x: i8| x)[255], -1);
        assert_eq!(table(|x: u8| x)[255], 255);
    }

    #[test]
    fn fixed_sums_are_real_sums() {
        for (ra, rb) in [(0.5f32, 0.25f32), (1.0, 1.0), (0.013, 3.7), (1e-9, 1e-9), (200.0, 0.1), (1e20, 0.5)]
        {
            let sum = FixedSum::new(ra, rb);
            for (a, b) in [(0, 0), (1, 1), (-1, 3), (255, 255), (-255, -255), (-255, 255), (0, 77)] {
                let real = (a as f64 * ra as f64 + b as f64 * rb as f64).round_ties_even();
                let expected = (real + 3.0).clamp(-128.0, 127.0) as i32;
                let got: i8 = sum.of(a, b, 3);
                assert!(
                    (got as i32 - expected).abs() <= (ra > 1e9) as i32 * 255,
                    "{a}*{ra} + {b}*{rb}: {got}"
                );
            }
        }
        assert_eq!(FixedSum::new(f32::NAN, f32::INFINITY).of(255, 0, 7u8), 7);
    }

    #[test]
    fn dynamic_parameters_cover_zero() {
        assert_eq!(u8_params(&[]), (1.0, 0));
        assert_eq!(u8_params(&[0.0; 3]), (1.0, 0));
        assert_eq!(u8_params(&[-1.0, -255.0]), (1.0, 255));
        assert_eq!(u8_params(&[1.0, 510.0]), (2.0, 0));
    }
}
