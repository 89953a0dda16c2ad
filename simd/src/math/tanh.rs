//! The hyperbolic tangent: a polynomial near 0, `1 - 2 / (e^2|x| + 1)` away from it.

use super::{Floats, exp, polynomial, with_sign};

/// tanh; at most 1.3 ulp off.
#[inline(always)]
pub(crate) fn tanh<S: Floats>(s: S, x: S::F) -> S::F {
    let (one, size) = (s.splat(1.0), s.abs(x));
    let square = s.mul(x, x);
    let near =
        polynomial(s, square, [-0.333_332_8, 0.133_314_42, -0.053_739_715, 0.020_639_01, -0.005_704_987]);
    let near = s.mul_add(s.mul(near, square), size, size);
    let far = s.sub(one, s.div(s.splat(2.0), s.add(exp(s, s.add(size, size)), one)));
    with_sign(s, s.select(s.lt(size, s.splat(0.625)), near, far), x)
}
