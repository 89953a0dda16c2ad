//! The logistic function, and what is made of it.

use super::{Floats, exp};

/// `1 / (1 + e^-x)`; at most 2.3 ulp off where the result is a normal number, and 0 below -88.7.
#[inline(always)]
pub(crate) fn sigmoid<S: Floats>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.neg(x))))
}

/// `x · sigmoid(alpha · x)`
#[inline(always)]
pub(crate) fn swish<S: Floats>(s: S, x: S::F, alpha: S::F) -> S::F {
    s.mul(x, sigmoid(s, s.mul(alpha, x)))
}

/// `alpha · x + beta`, cut off at 0 and 1.
#[inline(always)]
pub(crate) fn hard_sigmoid<S: Floats>(s: S, x: S::F, alpha: S::F, beta: S::F) -> S::F {
    let y = s.add(s.mul(alpha, x), beta);
    s.max(s.splat(0.0), s.min(s.splat(1.0), y))
}
