//! Sums and products of quantized bytes, to the bit the same on every instruction set.

use crate::Isa;
use crate::elementwise::Run;
use crate::quantize::{Bytes, store_all};
use crate::vector::{Simd, Task, dispatch};

/// What becomes of two bytes less their zeros, `a` and `b`.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// `saturate(round_half_even(a · ratios[0] + (b · ratios[1] + constant)))` in f32, each product and sum
    /// rounded together. The constant holds all zero points; those of the sides and of the result are 0. The
    /// three numbers must not be more than a factor of 2²⁰ apart, but for those that are 0.
    Sum {
        /// For `a` and for `b`.
        ratios: [f32; 2],
        /// What is added.
        constant: f32,
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
    // Not `dispatch_plain`: in wasm, sets that differ in their dot products fuse differently, too.
    dispatch(isa, Apply { rule, a, b, y, y_zero, signed, runs });
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
            store_all!(s, out, signed, i => {
                let a = s.sub_i(s.xor(side(s, a_bytes, a.along, i), flip), a_zero);
                let b = s.sub_i(s.xor(side(s, b_bytes, b.along, i), flip), b_zero);
                rule.of(s, a, b)
            });
        }
    }
}

/// Vector `i` of a side.
#[inline(always)]
fn side<S: Simd>(s: S, bytes: &[u8], along: bool, i: usize) -> S::I {
    if along { s.load_u8(&bytes[i * S::LANES..]) } else { s.splat_i(bytes[0].into()) }
}

/// A [`Rule`] in vectors.
enum Steps<S: Simd> {
    Sum { ratios: [S::F; 2], constant: S::F, low: S::F, high: S::F },
    Product { multiplier: S::F, to: Bytes<S> },
}

impl<S: Simd> Steps<S> {
    #[inline(always)]
    fn new(s: S, rule: Rule, zero: S::I, low: S::I, high: S::I) -> Steps<S> {
        match rule {
            Rule::Sum { ratios, constant } => Steps::Sum {
                ratios: ratios.map(|x| s.splat(x)),
                constant: s.splat(constant),
                low: s.to_f32(low),
                high: s.to_f32(high),
            },
            Rule::Product { multiplier } => {
                Steps::Product { multiplier: s.splat(multiplier), to: Bytes::new(s, zero, low, high) }
            }
        }
    }

    #[inline(always)]
    fn of(&self, s: S, a: S::I, b: S::I) -> S::I {
        match *self {
            Steps::Sum { ratios, constant, low, high } => {
                let sum = s.fused(s.to_f32(b), ratios[1], constant);
                let sum = s.fused(s.to_f32(a), ratios[0], sum);
                // The limits are integers: clamping before or after rounding is the same.
                s.to_small_i32(s.max(low, s.min(high, sum)))
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
            Rule::Sum { ratios, constant } => {
                let sum = (a as f32).mul_add(ratios[0], (b as f32).mul_add(ratios[1], constant));
                sum.round_ties_even().clamp(low as f32, high as f32) as i32 as u8
            }
            Rule::Product { multiplier } => {
                let steps = ((a * b) as f32 * multiplier).round_ties_even();
                let steps = steps.clamp((low - zero) as f32, (high - zero) as f32);
                (zero + steps as i32) as u8
            }
        }
    }

    #[test]
    fn all_rules_all_ends_all_extremes() {
        let sum = |a, b, constant| Rule::Sum { ratios: [a, b], constant };
        let rules = [
            sum(1.0, 1.0, 0.0),
            sum(0.5, 0.25, -3.0),
            sum(0.080_838_32, 0.105_788_42, 118.276_45),
            sum(1.048_872_2, 2.125_939_8, -215.227_44),
            sum(3e4, 0.1, 77.7),
            sum(0.013, -0.7, 1e-5),
            sum(0.0, 0.0, 9.5),
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
                    let is_sum = matches!(rule, Rule::Sum { .. });
                    let zero = if signed { [-128, 127, -3] } else { [0, 255, 7] }[len % 3];
                    let [zero, b_zero] = [zero, 5].map(|zero| if is_sum { 0 } else { zero });
                    let a = Side { bytes: &a, zero, along: still & 1 == 0 };
                    let b = Side { bytes: &b, zero: b_zero, along: still & 2 == 0 };
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
