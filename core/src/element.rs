//! Rust types for tensor elements, the traits that generic kernels are written against, and the macros
//! that go from a [`DType`] known at run time to a type known at compile time.

use crate::DType;
use half::{bf16, f16};

/// A type whose values lie in a tensor's bytes.
pub trait Element: bytemuck::Pod + PartialEq + Send + Sync + std::fmt::Debug {
    /// Its element type.
    const DTYPE: DType;
}

/// A boolean element: one byte, 0 or 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(transparent)]
pub struct Truth(pub u8);

impl Truth {
    /// The value; any byte but 0 is true.
    pub fn get(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Truth {
    fn from(b: bool) -> Truth {
        Truth(b as u8)
    }
}

/// A complex element of two f32.
#[derive(Clone, Copy, PartialEq, Debug, Default, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Complex64 {
    pub re: f32,
    pub im: f32,
}

/// A complex element of two f64.
#[derive(Clone, Copy, PartialEq, Debug, Default, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Complex128 {
    pub re: f64,
    pub im: f64,
}

macro_rules! elements {
    ($($type:ty = $dtype:ident),* $(,)?) => {
        $(impl Element for $type {
            const DTYPE: DType = DType::$dtype;
        })*
    };
}
elements! {
    f32 = F32, f64 = F64, f16 = F16, bf16 = BF16,
    u8 = U8, i8 = I8, u16 = U16, i16 = I16, u32 = U32, i32 = I32, u64 = U64, i64 = I64,
    Truth = Bool, Complex64 = C64, Complex128 = C128,
    crate::E4M3Fn = F8E4M3FN, crate::E4M3FnUz = F8E4M3FNUZ, crate::E5M2 = F8E5M2,
    crate::E5M2FnUz = F8E5M2FNUZ, crate::E8M0 = F8E8M0,
}

/// A number one can calculate with: the integers wrap, the small floats compute in f32 and round once.
///
/// Integer division by zero gives 0 here; kernels that must refuse it check before they call.
pub trait Num: Element + PartialOrd + Default {
    /// The type in which sums of it are kept: f32 for the small floats, itself otherwise.
    type Acc: Num;
    /// Whether it is a floating-point type.
    const FLOAT: bool;
    /// Smallest finite value.
    const LOWEST: Self;
    /// Largest finite value.
    const HIGHEST: Self;
    /// From f64: rounds to nearest even for floats; truncates and saturates for integers.
    fn from_f64(x: f64) -> Self;
    /// To f64; rounds 64-bit integers.
    fn to_f64(self) -> f64;
    /// From i64; integers wrap.
    fn from_i64(x: i64) -> Self;
    /// To i64; floats truncate and saturate.
    fn to_i64(self) -> i64;
    /// Into the accumulator type.
    fn acc(self) -> Self::Acc;
    /// Out of the accumulator type.
    fn of_acc(x: Self::Acc) -> Self;
    /// Sum.
    fn add(self, o: Self) -> Self;
    /// Difference.
    fn sub(self, o: Self) -> Self;
    /// Product.
    fn mul(self, o: Self) -> Self;
    /// Quotient; integers truncate toward zero.
    fn div(self, o: Self) -> Self;
    /// Remainder with the sign of the dividend (C's `fmod` and `%`).
    fn rem(self, o: Self) -> Self;
    /// Negation.
    fn neg(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Zero.
    fn zero() -> Self {
        Self::default()
    }
    /// One.
    fn one() -> Self {
        Self::from_i64(1)
    }
    /// Whether it is NaN.
    fn is_nan(self) -> bool {
        false
    }
    /// Larger of the two; NaN if either is NaN, as ONNX's Max says.
    fn max_of(self, o: Self) -> Self {
        if self.is_nan() || self > o { self } else { o }
    }
    /// Smaller of the two; NaN if either is NaN.
    fn min_of(self, o: Self) -> Self {
        if self.is_nan() || self < o { self } else { o }
    }
}

/// A floating-point number: math functions compute in f64 for f64, in f32 for everything smaller.
pub trait Float: Num {
    /// The type that it computes in: f64 for f64, f32 for everything smaller.
    type Wide: Float;
    /// Into the type that it computes in.
    fn widen(self) -> Self::Wide;
    /// Out of the type that it computes in, rounded once.
    fn narrow(x: Self::Wide) -> Self;
    /// From f32, rounded to nearest even.
    fn from_f32(x: f32) -> Self;
    /// To f32.
    fn to_f32(self) -> f32;
    /// Applies the function in the type that this one computes in.
    fn map(self, f32s: impl Fn(f32) -> f32, f64s: impl Fn(f64) -> f64) -> Self;
    /// Negative infinity.
    fn neg_infinity() -> Self {
        Self::from_f64(f64::NEG_INFINITY)
    }
}

macro_rules! integers {
    ($($type:ident),*) => {
        $(impl Num for $type {
            type Acc = $type;
            const FLOAT: bool = false;
            const LOWEST: $type = $type::MIN;
            const HIGHEST: $type = $type::MAX;
            fn from_f64(x: f64) -> $type { x as $type }
            fn to_f64(self) -> f64 { self as f64 }
            fn from_i64(x: i64) -> $type { x as $type }
            fn to_i64(self) -> i64 { self as i64 }
            fn acc(self) -> $type { self }
            fn of_acc(x: $type) -> $type { x }
            fn add(self, o: $type) -> $type { self.wrapping_add(o) }
            fn sub(self, o: $type) -> $type { self.wrapping_sub(o) }
            fn mul(self, o: $type) -> $type { self.wrapping_mul(o) }
            fn div(self, o: $type) -> $type { if o == 0 { 0 } else { self.wrapping_div(o) } }
            fn rem(self, o: $type) -> $type { if o == 0 { 0 } else { self.wrapping_rem(o) } }
            fn neg(self) -> $type { self.wrapping_neg() }
            #[allow(unused_comparisons, reason = "one body for signed and unsigned")]
            fn abs(self) -> $type { if self < 0 { self.wrapping_neg() } else { self } }
        })*
    };
}
integers!(i8, u8, i16, u16, i32, u32, i64, u64);

macro_rules! floats {
    ($($type:ident),*) => {
        $(impl Num for $type {
            type Acc = $type;
            const FLOAT: bool = true;
            const LOWEST: $type = $type::MIN;
            const HIGHEST: $type = $type::MAX;
            fn from_f64(x: f64) -> $type { x as $type }
            fn to_f64(self) -> f64 { self as f64 }
            fn from_i64(x: i64) -> $type { x as $type }
            fn to_i64(self) -> i64 { self as i64 }
            fn acc(self) -> $type { self }
            fn of_acc(x: $type) -> $type { x }
            fn add(self, o: $type) -> $type { self + o }
            fn sub(self, o: $type) -> $type { self - o }
            fn mul(self, o: $type) -> $type { self * o }
            fn div(self, o: $type) -> $type { self / o }
            fn rem(self, o: $type) -> $type { self % o }
            fn neg(self) -> $type { -self }
            fn abs(self) -> $type { $type::abs(self) }
            fn is_nan(self) -> bool { $type::is_nan(self) }
        })*
    };
}
floats!(f32, f64);

/// To f32 so that rounding the result once more rounds as if once: what is inexact gets an odd last bit.
/// (`half`'s own conversions from f64 drop the low 32 bits before they round.)
fn to_odd(x: f64) -> f32 {
    let y = x as f32;
    if f64::from(y) == x || x.is_nan() {
        return y;
    }
    let toward_zero = if f64::from(y).abs() > x.abs() { y.to_bits() - 1 } else { y.to_bits() };
    f32::from_bits(toward_zero | 1)
}

macro_rules! small_floats {
    ($($type:ident),*) => {
        $(impl Num for $type {
            type Acc = f32;
            const FLOAT: bool = true;
            const LOWEST: $type = $type::MIN;
            const HIGHEST: $type = $type::MAX;
            fn from_f64(x: f64) -> $type { $type::from_f32(to_odd(x)) }
            fn to_f64(self) -> f64 { self.to_f64() }
            fn from_i64(x: i64) -> $type { <$type as Num>::from_f64(x as f64) }
            fn to_i64(self) -> i64 { self.to_f32() as i64 }
            fn acc(self) -> f32 { self.to_f32() }
            fn of_acc(x: f32) -> $type { $type::from_f32(x) }
            fn add(self, o: $type) -> $type { $type::from_f32(self.to_f32() + o.to_f32()) }
            fn sub(self, o: $type) -> $type { $type::from_f32(self.to_f32() - o.to_f32()) }
            fn mul(self, o: $type) -> $type { $type::from_f32(self.to_f32() * o.to_f32()) }
            fn div(self, o: $type) -> $type { $type::from_f32(self.to_f32() / o.to_f32()) }
            fn rem(self, o: $type) -> $type { $type::from_f32(self.to_f32() % o.to_f32()) }
            fn neg(self) -> $type { -self }
            fn abs(self) -> $type { $type::from_bits(self.to_bits() & 0x7fff) }
            fn is_nan(self) -> bool { $type::is_nan(self) }
        }
        impl Float for $type {
            type Wide = f32;
            fn widen(self) -> f32 { $type::to_f32(self) }
            fn narrow(x: f32) -> $type { $type::from_f32(x) }
            fn from_f32(x: f32) -> $type { $type::from_f32(x) }
            fn to_f32(self) -> f32 { $type::to_f32(self) }
            fn map(self, f32s: impl Fn(f32) -> f32, _: impl Fn(f64) -> f64) -> $type {
                $type::from_f32(f32s($type::to_f32(self)))
            }
        })*
    };
}
small_floats!(f16, bf16);

impl Float for f32 {
    type Wide = f32;
    fn widen(self) -> f32 {
        self
    }
    fn narrow(x: f32) -> f32 {
        x
    }
    fn from_f32(x: f32) -> f32 {
        x
    }
    fn to_f32(self) -> f32 {
        self
    }
    fn map(self, f32s: impl Fn(f32) -> f32, _: impl Fn(f64) -> f64) -> f32 {
        f32s(self)
    }
}

impl Float for f64 {
    type Wide = f64;
    fn widen(self) -> f64 {
        self
    }
    fn narrow(x: f64) -> f64 {
        x
    }
    fn from_f32(x: f32) -> f64 {
        x as f64
    }
    fn to_f32(self) -> f32 {
        self as f32
    }
    fn map(self, _: impl Fn(f32) -> f32, f64s: impl Fn(f64) -> f64) -> f64 {
        f64s(self)
    }
}

/// What the macros below have in common: the body with `$T` the type that goes with the element type.
#[doc(hidden)]
#[macro_export]
macro_rules! for_types {
    ($dtype:expr, $T:ident => $body:expr, $expected:literal, $($name:ident = $type:ty),+) => {
        match $dtype {
            $($crate::DType::$name => {
                type $T = $type;
                $body
            })+
            other => Err($crate::err!(Unsupported, "expected {}, got {other}", $expected)),
        }
    };
}

/// `for_float!(dtype, T => body)`: the body with `T` the float type; an Unsupported error for other types.
#[macro_export]
macro_rules! for_float {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::for_types!($dtype, $T => $body, "f32, f64, f16 or bf16 elements",
            F32 = f32, F64 = f64, F16 = ::half::f16, BF16 = ::half::bf16)
    };
}

/// `for_int!(dtype, T => body)`: the body with `T` the integer type of 8 to 64 bits.
#[macro_export]
macro_rules! for_int {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::for_types!($dtype, $T => $body, "integer elements of 8 to 64 bits",
            U8 = u8, I8 = i8, U16 = u16, I16 = i16, U32 = u32, I32 = i32, U64 = u64, I64 = i64)
    };
}

/// `for_num!(dtype, T => body)`: the body with `T` any float or any integer of 8 to 64 bits.
#[macro_export]
macro_rules! for_num {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::for_types!($dtype, $T => $body, "numeric elements",
            F32 = f32, F64 = f64, F16 = ::half::f16, BF16 = ::half::bf16,
            U8 = u8, I8 = i8, U16 = u16, I16 = i16, U32 = u32, I32 = i32, U64 = u64, I64 = i64)
    };
}

/// `for_width!(dtype, T => body)`: the body with `T` an unsigned integer (or `[u64; 2]`) as wide as the
/// element, for kernels that only move elements. Strings and types under 8 bits go their own way.
#[macro_export]
macro_rules! for_width {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype.bits() {
            8 => {
                type $T = u8;
                $body
            }
            16 => {
                type $T = u16;
                $body
            }
            32 => {
                type $T = u32;
                $body
            }
            64 => {
                type $T = u64;
                $body
            }
            128 => {
                type $T = [u64; 2];
                $body
            }
            _ => Err($crate::err!(Unsupported, "elements of type {} cannot be moved here", $dtype)),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_floats_round_once_from_f64() {
        // Halfway between 1 and the next f16, and a little more than f32 can see.
        let x = 1.0 + 2f64.powi(-11);
        assert_eq!(<f16 as Num>::from_f64(x), f16::ONE);
        assert_eq!(<f16 as Num>::from_f64(x + 2f64.powi(-40)).to_f64(), 1.0 + 2f64.powi(-10));
        assert_eq!(<f16 as Num>::from_f64(1e300), f16::INFINITY);
        assert_eq!(<bf16 as Num>::from_f64(-1e-300).to_bits(), 0x8000);
        assert_eq!(<bf16 as Num>::from_f64(f64::NEG_INFINITY), bf16::NEG_INFINITY);
        assert!(<f16 as Num>::from_f64(f64::NAN).is_nan());
    }
}
