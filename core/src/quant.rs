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

/// exp(-i * scale) for i from 0 to 255, as integers such that `len` of them can be added up in 32 bits.
pub fn exponentials(scale: f32, len: usize) -> [u32; 256] {
    let unit = (u32::MAX as f64 / len.max(1) as f64).min(0x7f_ffff as f64);
    std::array::from_fn(|i| (unit * libm::exp(-(i as f64) * f64::from(scale))).round_ties_even() as u32)
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

/// The sum of two quantized numbers, quantized: `saturate(round_half_even(a * ra + (b * rb + c)))`, where the
/// ratios are those of the scales and `c` holds all three zero points. Both steps are fused, so they round
/// once each.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    a: f32,
    b: f32,
    /// What is left of the zero points.
    constant: f32,
    zero: f32,
}

impl Sum {
    /// For two operands and a result, each with its scale and zero point.
    pub fn new<T: Quantized>(a: (f32, T), b: (f32, T), y: (f32, T)) -> Sum {
        let (ra, rb) = (a.0 / y.0, b.0 / y.0);
        let [za, zb, zero] = [a.1, b.1, y.1].map(|zero| zero.wide() as f32);
        Sum { a: ra, b: rb, constant: zero - ra.mul_add(za, rb * zb), zero }
    }

    /// The rule by which vectors of bytes are summed, to the same result; `None` where vectors are not exact.
    pub fn rule(&self) -> Option<Rule> {
        let numbers = [self.a, self.b, self.constant].map(f32::abs);
        let present = numbers.into_iter().filter(|x| *x != 0.0);
        let (least, most) =
            present.fold((f32::INFINITY, 0f32), |(least, most), x| (least.min(x), most.max(x)));
        let exact = numbers.iter().all(|x| x.is_finite()) && most <= least * (1 << 20) as f32;
        exact.then_some(Rule::Sum { ratios: [self.a, self.b], constant: self.constant })
    }

    /// What `b` adds, whatever it is added to.
    pub fn addend<T: Quantized>(&self, b: T) -> f32 {
        (b.wide() as f32).mul_add(self.b, self.constant)
    }

    /// The sum of `a` and the number that became this addend. NaN gives the zero point.
    pub fn of<T: Quantized>(&self, a: T, addend: f32) -> T {
        let sum = (a.wide() as f32).mul_add(self.a, addend).round_ties_even();
        let sum = if sum.is_nan() { self.zero } else { sum };
        T::of_wide(sum.clamp(T::LOWEST.wide() as f32, T::HIGHEST.wide() as f32) as i32)
    }
}

/// A mean that is quantized again: what QLinearReduceMean computes of an exact sum.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    /// How many numbers there are.
    pub len: usize,
    /// The scale of the numbers.
    pub x_scale: f32,
    /// The scale of the result.
    pub y_scale: f32,
    /// The zero point of the result.
    pub y_zero: i64,
}

impl Mean {
    /// Of a sum that has its zero points off, in a range: one rounding in f32 precedes that to an integer.
    pub fn of(&self, sum: i64, [low, high]: [i64; 2]) -> i64 {
        let mean = (sum as f64 * f64::from(self.x_scale) / self.len as f64) as f32;
        let y = (mean / self.y_scale).round_ties_even() as i64;
        y.saturating_add(self.y_zero).clamp(low, high)
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
    fn sums_are_real_sums() {
        for (sa, sb) in [(0.5f32, 0.25f32), (1.0, 1.0), (0.013, 3.7), (1e-9, 1e-9), (200.0, 0.1), (1e20, 0.5)]
        {
            let sum = Sum::new((sa, 7i8), (sb, -9), (1.0, 3));
            for (a, b) in [(7, -9), (8, -8), (6, -6), (127, 127), (-128, -128), (-128, 127), (7, 77)] {
                let real = f64::from(sa) * f64::from(a - 7) + f64::from(sb) * f64::from(b + 9);
                let expected = (real.round_ties_even() + 3.0).clamp(-128.0, 127.0) as i32;
                let got: i8 = sum.of(a as i8, sum.addend(b as i8));
                assert!((got as i32 - expected).abs() <= 1 || sa > 1e9, "{a}*{sa} + {b}*{sb}: {got}");
            }
        }
        let sum = Sum::new((f32::NAN, 0u8), (f32::INFINITY, 0), (1.0, 7));
        assert_eq!(sum.of(255u8, sum.addend(0u8)), 7);
    }

    #[test]
    fn a_sum_near_a_tie_comes_out_as_with_onnx_runtime() {
        // Found by trying all pairs of bytes: with steps that are not fused, each is one more.
        for (a, b, y, bytes, expected) in [
            ((0.081, 15), (0.106, 71), (1.002, 127), (132, 251), 155),
            ((0.558, 29), (1.131, 197), (0.532, 234), (30, 145), 124),
            ((0.038, 94), (0.361, 15), (0.262, 117), (15, 44), 145),
            ((0.871, 120), (1.483, 55), (0.116, 177), (52, 101), 254),
        ] {
            let sum = Sum::new::<u8>(a, b, y);
            assert_eq!(sum.of(bytes.0 as u8, sum.addend(bytes.1 as u8)), expected);
        }
    }

    #[test]
    fn dynamic_parameters_cover_zero() {
        assert_eq!(u8_params(&[]), (1.0, 0));
        assert_eq!(u8_params(&[0.0; 3]), (1.0, 0));
        assert_eq!(u8_params(&[-1.0, -255.0]), (1.0, 255));
        assert_eq!(u8_params(&[1.0, 510.0]), (2.0, 0));
    }
}
