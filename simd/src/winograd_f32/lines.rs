//! Winograd's transforms along one axis, for windows of three cells.
//!
//! Windows of three over a tile of `N` cells are the coefficients of a product of two polynomials, turned
//! around. It is found by its values at `N - 1` points and at infinity: 0 and ±1 for tiles of four, 0, ±3/4
//! and ±3/2 for tiles of six. Their powers are exact in f32, and of the usual choices these points lose the
//! fewest digits.

use crate::Simd;

/// Points of tiles of six.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;

/// Cells of a tile, as the product wants them.
#[inline(always)]
pub fn cells<S: Simd, const N: usize>(s: S, d: [S::F; N]) -> [S::F; N] {
    let mut v = d;
    if N == 4 {
        v[0] = s.sub(d[0], d[2]);
        v[1] = s.add(d[1], d[2]);
        v[2] = s.sub(d[2], d[1]);
        v[3] = s.sub(d[3], d[1]);
    } else {
        let (less_a2, less_b2, less_both) = (s.splat(-A2), s.splat(-B2), s.splat(-A2 - B2));
        let (a, b, both) = (s.splat(A), s.splat(B), s.splat(A2 * B2));
        // Even and odd parts at ±a and ±b.
        let (even_a, odd_a) = (s.mul_add(d[2], less_b2, d[4]), s.mul_add(d[1], less_b2, d[3]));
        let (even_b, odd_b) = (s.mul_add(d[2], less_a2, d[4]), s.mul_add(d[1], less_a2, d[3]));
        v[0] = s.mul_add(d[0], both, s.mul_add(d[2], less_both, d[4]));
        v[1] = s.mul_add(odd_a, a, even_a);
        v[2] = s.mul_add(odd_a, s.splat(-A), even_a);
        v[3] = s.mul_add(odd_b, b, even_b);
        v[4] = s.mul_add(odd_b, s.splat(-B), even_b);
        v[5] = s.mul_add(d[1], both, s.mul_add(d[3], less_both, d[5]));
    }
    v
}

/// What products give, as the sums of windows: `N - 2` of them, then nothing of use.
#[inline(always)]
pub fn sums<S: Simd, const N: usize>(s: S, m: [S::F; N]) -> [S::F; N] {
    let mut y = m;
    if N == 4 {
        y[0] = s.add(s.add(m[1], m[2]), m[0]);
        y[1] = s.add(s.sub(m[1], m[2]), m[3]);
    } else {
        let (plus_a, minus_a) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        let (plus_b, minus_b) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        y[0] = s.add(s.add(plus_a, plus_b), m[0]);
        y[1] = s.mul_add(minus_b, s.splat(B), s.mul(minus_a, s.splat(A)));
        y[2] = s.mul_add(plus_b, s.splat(B2), s.mul(plus_a, s.splat(A2)));
        y[3] = s.mul_add(minus_b, s.splat(B * B2), s.mul_add(minus_a, s.splat(A * A2), m[5]));
    }
    y
}

/// A kernel's three weights, as the product wants them.
#[inline(always)]
pub fn weights<S: Simd, const N: usize>(s: S, g: [S::F; 3]) -> [S::F; N] {
    let mut u = [g[0]; N];
    u[N - 1] = g[2];
    if N == 4 {
        let half = s.splat(0.5);
        let even = s.mul(half, s.add(g[0], g[2]));
        u[1] = s.mul_add(half, g[1], even);
        u[2] = s.mul_add(s.splat(-0.5), g[1], even);
    } else {
        // Divided by what the other points leave of theirs.
        const OF_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
        const OF_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));
        u[0] = s.mul(s.splat(1.0 / (A2 * B2)), g[0]);
        let even_a = s.mul(s.splat(OF_A), s.mul_add(s.splat(A2), g[2], g[0]));
        let even_b = s.mul(s.splat(OF_B), s.mul_add(s.splat(B2), g[2], g[0]));
        u[1] = s.mul_add(s.splat(A * OF_A), g[1], even_a);
        u[2] = s.mul_add(s.splat(-A * OF_A), g[1], even_a);
        u[3] = s.mul_add(s.splat(B * OF_B), g[1], even_b);
        u[4] = s.mul_add(s.splat(-B * OF_B), g[1], even_b);
    }
    u
}
