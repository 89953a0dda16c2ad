//! `x · Φ(x)`, exact and by a hyperbolic tangent.

use super::{Floats, erf, tanh};
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// `x/2 · (1 + erf(x/√2))`
#[inline(always)]
pub(crate) fn gelu<S: Floats>(s: S, x: S::F) -> S::F {
    let half = s.mul(s.splat(0.5), x);
    s.mul(half, s.add(s.splat(1.0), erf(s, s.mul(x, s.splat(FRAC_1_SQRT_2)))))
}

/// `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`
#[inline(always)]
pub(crate) fn gelu_tanh<S: Floats>(s: S, x: S::F) -> S::F {
    let cubic = s.mul(s.mul(s.splat(0.044_715), s.mul(x, x)), x);
    let inner = s.mul(s.splat(FRAC_2_SQRT_PI * FRAC_1_SQRT_2), s.add(x, cubic));
    s.mul(s.mul(s.splat(0.5), x), s.add(s.splat(1.0), tanh(s, inner)))
}
