//! Sums and products of quantized bytes, to the bit the same on every instruction set.

use crate::Isa;
use crate::elementwise::Run;
use crate::quantize::Bytes;
use crate::vector::{Simd, Task, dispatch_plain};

/// What becomes of two numbers of steps, `a` and `b`, both from -255 to 255.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// `saturate(round_half_even((a · factors[0] + b · factors[1]) / 2^shift) + zero)` in integers. The
    /// factors must not pass 2²², nor the shift 30.
    Sum {
        /// For `a` and for `b`.
        factors: [i32; 2],
        /// The power of two to divide by.
        shift: u32,
    },
    /// `saturate(round_half_even(a · b · multiplier) + zero)`, the product of three in f32.
    Product {
        /// What the product is multiplied by.
        multiplier: f32,
    },
}

/// One side.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Which byte is 0.
    pub zero: i32,
    /// Whether the bytes move along with the result; else one of them serves a whole run.
    pub along: bool,
}

/// `y = rule(a, b)` over the runs, which fill `y`; the bytes of all three are from -128 to 127 if `signed`.
/// Panics where a run reaches past a side or the result.
pub fn qlinear(
    isa: Isa,
    rule: Rule,
    (a, b): (Side<'_>, Side<'_>),
    (y, y_zero, signed): (&mut [u8], i32, bool),
    runs: &mut dyn Iterator<Item = Run>,
) {
    dispatch_plain(isa, Apply { rule, a, b, y, y_zero, signed, runs });
}

struct Apply<'a> {
    rule: Rule,
    a: Side<'a>,
    b: Side<'a>,
    y: &'a mut [u8],
    y_zero: i32,
    signed: bool,
    runs: &'a mut dyn Iterator<Item = Run>,
}

impl Task for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Apply { rule, a, b, mut y, y_zero, signed, runs } = self;
        let (flip, bias, low, high) = if signed { (0x80, 128, -128, 127) } else { (0, 0, 0, 255) };
        let [flip, low, high, zero] = [flip, low, high, y_zero].map(|x| s.splat_i(x));
        let (a_zero, b_zero) = (s.splat_i(a.zero + bias), s.splat_i(b.zero + bias));
        let rule = Steps::new(s, rule, zero, low, high);
        for Run { len, a: a_at, b: b_at } in runs {
            let (out, rest) = std::mem::take(&mut y).split_at_mut(len);
            y = rest;
            let a_bytes = &a.bytes[a_at..][..if a.along { len } else { len.min(1) }];
            let b_bytes = &b.bytes[b_at..][..if b.along { len } else { len.min(1) }];
            for (i, y) in out.chunks_mut(S::LANES).enumerate() {
                let side = |bytes: &[u8], along: bool| {
                    if along { s.load_u8(&bytes[i * S::LANES..]) } else { s.splat_i(bytes[0].into()) }
                };
                let a = s.sub_i(s.xor(side(a_bytes, a.along), flip), a_zero);
                let b = s.sub_i(s.xor(side(b_bytes, b.along), flip), b_zero);
                s.store_bytes(rule.of(s, a, b), y);
            }
        }
    }
}

/// A [`Rule`] in vectors.
enum Steps<S: Simd> {
    Sum { factors: [S::I; 2], shift: u32, mask: S::I, half: S::I, zero: S::I, low: S::I, high: S::I },
    Product { multiplier: S::F, to: Bytes<S> },
}

impl<S: Simd> Steps<S> {
    #[inline(always)]
    fn new(s: S, rule: Rule, zero: S::I, low: S::I, high: S::I) -> Steps<S> {
        match rule {
            Rule::Sum { factors: [a, b], shift } => Steps::Sum {
                factors: [s.splat_i(a), s.splat_i(b)],
                shift,
                mask: s.splat_i((1 << shift) - 1),
                // Without a shift there is nothing to round: no rest is more than this.
                half: s.splat_i(if shift == 0 { 1 } else { 1 << (shift - 1) }),
                zero,
                low,
                high,
            },
            Rule::Product { multiplier } => {
                Steps::Product { multiplier: s.splat(multiplier), to: Bytes::new(s, zero, low, high) }
            }
        }
    }

    #[inline(always)]
    fn of(&self, s: S, a: S::I, b: S::I) -> S::I {
        match *self {
            Steps::Sum { factors, shift, mask, half, zero, low, high } => {
                let sum = s.add_i(s.mul_i(a, factors[0]), s.mul_i(b, factors[1]));
                let whole = s.shr_by(sum, shift);
                // More than half, or half of an odd number: then the difference is negative, -1 its sign.
                let rest = s.add_i(s.and(sum, mask), s.and(whole, s.splat_i(1)));
                let up = s.shr::<31>(s.sub_i(half, rest));
                s.max_i(low, s.min_i(high, s.add_i(s.sub_i(whole, up), zero)))
            }
            Steps::Product { multiplier, ref to } => to.round(s, s.mul(s.to_f32(s.mul_i(a, b)), multiplier)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(rule: Rule, a: i32, b: i32, zero: i32, signed: bool) -> u8 {
        let (low, high) = if signed { (-128, 127) } else { (0, 255) };
        match rule {
            Rule::Sum { factors, shift } => {
                let sum = i64::from(a) * i64::from(factors[0]) + i64::from(b) * i64::from(factors[1]);
                // Exact in f64: 32 bits over a power of two.
                let steps = (sum as f64 / f64::from(1u32 << shift)).round_ties_even() as i64;
                (steps + i64::from(zero)).clamp(low, high) as u8
            }
            Rule::Product { multiplier } => {
                let steps = ((a * b) as f32 * multiplier).round_ties_even();
                let steps = steps.clamp((low as i32 - zero) as f32, (high as i32 - zero) as f32);
                (zero + steps as i32) as u8
            }
        }
    }

    #[test]
    fn all_rules_all_ends_all_extremes() {
        let most = 1 << 22;
        let rules = [
            Rule::Sum { factors: [most, most], shift: 22 },
            Rule::Sum { factors: [most, -most], shift: 30 },
            Rule::Sum { factors: [3, 5], shift: 1 },
            Rule::Sum { factors: [1, 2], shift: 2 },
            Rule::Sum { factors: [most, most], shift: 0 },
            Rule::Sum { factors: [2_796_203, 1], shift: 21 },
            Rule::Product { multiplier: 0.0078 },
            Rule::Product { multiplier: 0.5 },
            Rule::Product { multiplier: f32::INFINITY },
            Rule::Product { multiplier: f32::NAN },
        ];
        for (isa, rule) in Isa::supported().flat_map(|isa| rules.map(|rule| (isa, rule))) {
            for (len, signed) in (0..36).chain([300]).flat_map(|len| [(len, false), (len, true)]) {
                let a: Vec<u8> =
                    (0..2 * len + 1).map(|i| [0, 255, 128, 127, 1, 77][(i * 5 + len) % 6]).collect();
                let b: Vec<u8> = (0..2 * len + 1).map(|i| (i * 89) as u8).collect();
                for still in 0..4 {
                    let zero = if signed { [-128, 127, -3] } else { [0, 255, 7] }[len % 3];
                    let a = Side { bytes: &a, zero, along: still & 1 == 0 };
                    let b = Side { bytes: &b, zero: 5, along: still & 2 == 0 };
                    let runs = [Run { len, a: 1, b: 0 }, Run { len, a: 0, b: 1 }];
                    let mut y = vec![0; 2 * len];
                    qlinear(isa, rule, (a, b), (&mut y, zero, signed), &mut runs.into_iter());
                    for (i, y) in y.iter().enumerate() {
                        let (run, k) = (runs[i / len], i % len);
                        let wide = |side: Side<'_>, at: usize| {
                            let byte = side.bytes[at + if side.along { k } else { 0 }];
                            (if signed { i32::from(byte as i8) } else { byte.into() }) - side.zero
                        };
                        let (a, b) = (wide(a, run.a), wide(b, run.b));
                        assert_eq!(*y, expected(rule, a, b, zero, signed), "{isa:?} {rule:?} of {a} and {b}");
                    }
                }
            }
        }
    }
}
