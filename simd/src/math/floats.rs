//! What formulas are written with: a vector, or several side by side.
//!
//! A formula is one long chain, each step of which waits for the one before. Several chains side by side keep the
//! machine busy meanwhile, and every lane is still computed by the same steps.

use crate::Simd;

/// `N` vectors in place of each.
#[derive(Clone, Copy)]
pub(crate) struct Several<S, const N: usize>(pub S);

macro_rules! floats {
    ($($name:ident $([$bits:ident])? ($($arg:ident: $type:ident),*) -> $out:ident;)*) => {
        /// The operations of [`Simd`] that formulas need.
        pub(crate) trait Floats: Copy {
            type F: Copy;
            type I: Copy;
            type M: Copy;

            fn splat(self, x: f32) -> Self::F;
            fn splat_i(self, x: i32) -> Self::I;
            $(fn $name $(<const $bits: u32>)? (self, $($arg: Self::$type),*) -> Self::$out;)*
        }

        impl<S: Simd> Floats for S {
            type F = <S as Simd>::F;
            type I = <S as Simd>::I;
            type M = <S as Simd>::M;

            #[inline(always)]
            fn splat(self, x: f32) -> Self::F {
                Simd::splat(self, x)
            }

            #[inline(always)]
            fn splat_i(self, x: i32) -> Self::I {
                Simd::splat_i(self, x)
            }

            $(#[inline(always)]
            fn $name $(<const $bits: u32>)? (self, $($arg: Self::$type),*) -> Self::$out {
                Simd::$name $(::<$bits>)? (self, $($arg),*)
            })*
        }

        impl<S: Simd, const N: usize> Floats for Several<S, N> {
            type F = [<S as Simd>::F; N];
            type I = [<S as Simd>::I; N];
            type M = [<S as Simd>::M; N];

            #[inline(always)]
            fn splat(self, x: f32) -> Self::F {
                [self.0.splat(x); N]
            }

            #[inline(always)]
            fn splat_i(self, x: i32) -> Self::I {
                [self.0.splat_i(x); N]
            }

            $(#[inline(always)]
            fn $name $(<const $bits: u32>)? (self, $($arg: Self::$type),*) -> Self::$out {
                let mut out = [Simd::$name $(::<$bits>)? (self.0, $($arg[0]),*); N];
                for n in 1..N {
                    out[n] = Simd::$name $(::<$bits>)? (self.0, $($arg[n]),*);
                }
                out
            })*
        }
    };
}

floats! {
    add(a: F, b: F) -> F;
    sub(a: F, b: F) -> F;
    mul(a: F, b: F) -> F;
    div(a: F, b: F) -> F;
    mul_add(a: F, b: F, c: F) -> F;
    min(a: F, b: F) -> F;
    max(a: F, b: F) -> F;
    abs(a: F) -> F;
    neg(a: F) -> F;
    sqrt(a: F) -> F;
    round(a: F) -> F;
    lt(a: F, b: F) -> M;
    is_nan(a: F) -> M;
    select(mask: M, yes: F, no: F) -> F;
    bits(a: F) -> I;
    of_bits(a: I) -> F;
    to_small_i32(a: F) -> I;
    add_i(a: I, b: I) -> I;
    sub_i(a: I, b: I) -> I;
    and(a: I, b: I) -> I;
    or(a: I, b: I) -> I;
    shl[BITS](a: I) -> I;
    shr[BITS](a: I) -> I;
}
