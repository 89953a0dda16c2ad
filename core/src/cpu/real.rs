//! f32 and f64 as one kind of number with operators and functions, so that a formula is written once.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

macro_rules! reals {
    ($($(#[$doc:meta])* $name:ident = $f32s:path, $f64s:path;)*) => {
        /// A number that formulas are written in: f32 or f64. The functions are those of std.
        pub trait Real:
            Copy + PartialOrd + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
            + Div<Output = Self> + Neg<Output = Self> + AddAssign
        {
            /// A constant or an attribute, rounded to this type.
            fn of(x: f64) -> Self;
            $($(#[$doc])* fn $name(self) -> Self;)*
        }

        impl Real for f32 {
            fn of(x: f64) -> f32 { x as f32 }
            $(fn $name(self) -> f32 { $f32s(self) })*
        }

        impl Real for f64 {
            fn of(x: f64) -> f64 { x }
            $(fn $name(self) -> f64 { $f64s(self) })*
        }
    };
}

reals! {
    /// The magnitude.
    abs = f32::abs, f64::abs;
    /// The error function.
    erf = libm::erff, libm::erf;
    /// `e^x`
    exp = f32::exp, f64::exp;
    /// `e^x - 1`, exact near 0.
    exp_m1 = f32::exp_m1, f64::exp_m1;
    /// `ln(1 + x)`, exact near 0.
    ln_1p = f32::ln_1p, f64::ln_1p;
    /// Square root.
    #[cfg_attr(not(feature = "ml"), allow(dead_code, reason = "only the training operators take it"))]
    sqrt = f32::sqrt, f64::sqrt;
    /// Hyperbolic tangent.
    tanh = f32::tanh, f64::tanh;
}

/// `formula!(io, x => expression)`: output 0 is that of input 0, any float type, in place where asked; the
/// expression is written over a [`Real`].
macro_rules! formula {
    ($io:expr, $x:ident => $y:expr) => {
        for_float!(super::map::output_dtype($io)?, T => {
            super::map::map_same::<T>($io, |x| {
                let $x = crate::Float::widen(x);
                <T as crate::Float>::narrow($y)
            })
        })
    };
}
