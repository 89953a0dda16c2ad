//! Functions of one number, a vector at a time.
//!
//! Every lane is computed by itself, and the ends of rows by the same instructions as their middles: what a
//! number becomes depends neither on its place nor on how the work was split. NaN stays NaN, infinities go
//! where they belong, and the largest errors are stated with each function and tested. The polynomials are
//! minimax fits of our own.

mod erf;
mod exp;
mod floats;
mod gelu;
mod sigmoid;
mod tanh;
#[cfg(test)]
mod tests;

pub(crate) use erf::erf;
pub(crate) use exp::{exp, exp_normal};
pub(crate) use floats::{Floats, Several};
pub(crate) use gelu::{gelu, gelu_tanh};
pub(crate) use sigmoid::{hard_sigmoid, sigmoid, swish};
pub(crate) use tanh::tanh;

/// The polynomial with those coefficients, the constant first.
#[inline(always)]
fn polynomial<S: Floats, const N: usize>(s: S, x: S::F, coefficients: [f32; N]) -> S::F {
    // No iterators: each of their calls is one that might not be inlined into a large function.
    let mut i = N - 1;
    let mut sum = s.splat(coefficients[i]);
    while i > 0 {
        i -= 1;
        sum = s.mul_add(sum, x, s.splat(coefficients[i]));
    }
    sum
}

/// `x` with the sign of `sign`; `x` must not be negative.
#[inline(always)]
fn with_sign<S: Floats>(s: S, x: S::F, sign: S::F) -> S::F {
    s.of_bits(s.or(s.bits(x), s.and(s.bits(sign), s.splat_i(i32::MIN))))
}
