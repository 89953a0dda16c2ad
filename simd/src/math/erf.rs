//! The error function: a polynomial near 0, `1 - e^p(|x|)` away from it.

use super::{Floats, exp_normal, polynomial, with_sign};

/// erf; at most 1.5 ulp off.
#[inline(always)]
pub(crate) fn erf<S: Floats>(s: S, x: S::F) -> S::F {
    let square = s.mul(x, x);
    let near = polynomial(
        s,
        square,
        [0.128_379_15, -0.376_125_25, 0.112_821_41, -0.026_778_908, 0.005_011_962_7, -6.090_360_7e-4],
    );
    let near = s.mul_add(near, x, x);
    // From 3.95 on the result is 1; the polynomial goes down to -17.6.
    let far = s.min(s.splat(3.95), s.abs(x));
    let far = polynomial(
        s,
        far,
        [-0.001_822_253_3, -1.120_397_8, -0.650_453_75, -0.091_322_83, 0.015_652_578, -0.001_261_385_7],
    );
    let far = with_sign(s, s.sub(s.splat(1.0), exp_normal(s, far)), x);
    s.select(s.lt(s.abs(x), s.splat(0.9)), near, far)
}
