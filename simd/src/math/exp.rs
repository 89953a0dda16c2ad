//! The exponential: `e^x = 2^n · e^r` with `|r|` at most ln 2 / 2.

use super::{Floats, polynomial};
use std::f32::consts::LOG2_E;

/// ln 2 as a number of few bits and the rest: `n` times the first is exact.
const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];

/// `e^x`; at most 1.1 ulp off.
#[inline(always)]
pub(crate) fn exp<S: Floats>(s: S, x: S::F) -> S::F {
    // Past these limits the result is infinite or zero; NaN passes, for it is the second operand.
    let x = s.max(s.splat(-105.0), s.min(s.splat(89.0), x));
    let (p, n) = parts(s, x);
    times_power_of_two(s, p, n)
}

/// [`exp`] where the result is a normal number, that is from -87 to 88, to the same bits; NaN stays NaN.
#[inline(always)]
pub(crate) fn exp_normal<S: Floats>(s: S, x: S::F) -> S::F {
    let (p, n) = parts(s, x);
    s.mul(p, power_of_two(s, n))
}

/// `e^r` and `n`.
#[inline(always)]
fn parts<S: Floats>(s: S, x: S::F) -> (S::F, S::I) {
    let n = s.round(s.mul(x, s.splat(LOG2_E)));
    let r = s.mul_add(n, s.splat(-LN_2[0]), x);
    let r = s.mul_add(n, s.splat(-LN_2[1]), r);
    let q = polynomial(s, r, [0.5, 0.166_665_2, 0.041_668_393, 0.008_368_781, 0.001_381_446_5]);
    let p = s.mul_add(s.mul(q, r), r, r);
    (s.add(p, s.splat(1.0)), s.to_small_i32(n))
}

/// `x · 2^n` for `n` from -252 to 254, in two steps, as each power alone must be a normal number.
#[inline(always)]
fn times_power_of_two<S: Floats>(s: S, x: S::F, n: S::I) -> S::F {
    let half = s.shr::<1>(n);
    s.mul(s.mul(x, power_of_two(s, half)), power_of_two(s, s.sub_i(n, half)))
}

/// `2^n`, a normal number.
#[inline(always)]
fn power_of_two<S: Floats>(s: S, n: S::I) -> S::F {
    s.of_bits(s.shl::<23>(s.add_i(n, s.splat_i(127))))
}
