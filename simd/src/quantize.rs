//! Between real numbers and bytes.
//!
//! A number becomes `saturate(round_half_even(x / scale) + zero)` by IEEE's division; NaN becomes the zero
//! point. A byte stands for `(byte - zero) · scale`. Both are the same to the bit on every instruction set.

use crate::Isa;
use crate::vector::{Simd, Task, dispatch_plain};

/// The scales and zero points of a tensor of bytes, and their places in it.
#[derive(Clone, Copy, Debug)]
pub struct Scales<'a> {
    /// Steps between neighboring bytes.
    pub scale: &'a [f32],
    /// Which number 0.0 is; as many as there are scales, each in the range of the bytes.
    pub zero: &'a [i32],
    /// Whether they move along with the elements of a run; else one of each serves all of it.
    pub along: bool,
    /// Whether the bytes are from -128 to 127.
    pub signed: bool,
}

/// The next so many elements, and where their scales begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// How many elements.
    pub len: usize,
    /// The first scale.
    pub at: usize,
}

/// The smallest and the largest of 0 and all numbers; NaN is passed over.
pub fn range(isa: Isa, x: &[f32]) -> (f32, f32) {
    dispatch_plain(isa, Range(x))
}

/// Numbers become bytes. Panics where the spans reach past them or past the scales.
pub fn quantize(
    isa: Isa,
    scales: Scales<'_>,
    x: &[f32],
    y: &mut [u8],
    spans: &mut dyn Iterator<Item = Span>,
) {
    dispatch_plain(isa, Quantize { scales, x, y, spans });
}

/// Bytes become numbers. Panics where the spans reach past them or past the scales.
pub fn dequantize(
    isa: Isa,
    scales: Scales<'_>,
    x: &[u8],
    y: &mut [f32],
    spans: &mut dyn Iterator<Item = Span>,
) {
    dispatch_plain(isa, Dequantize { scales, x, y, spans });
}

struct Range<'a>(&'a [f32]);

impl Task for Range<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> (f32, f32) {
        let (mut low, mut high) = ([s.splat(0.0); 2], [s.splat(0.0); 2]);
        let pairs = self.0.chunks_exact(2 * S::LANES);
        // Where one is NaN, the second operand is taken: what was found so far.
        for x in pairs.remainder().chunks(S::LANES) {
            let x = s.load_some(x);
            (low[0], high[0]) = (s.min(x, low[0]), s.max(x, high[0]));
        }
        for x in pairs {
            for i in 0..2 {
                let x = s.load(&x[i * S::LANES..]);
                (low[i], high[i]) = (s.min(x, low[i]), s.max(x, high[i]));
            }
        }
        (-s.largest(s.neg(s.min(low[0], low[1]))), s.largest(s.max(high[0], high[1])))
    }
}

impl Scales<'_> {
    fn limits(&self) -> (i32, i32) {
        if self.signed { (-128, 127) } else { (0, 255) }
    }

    /// What flips the top bit of signed bytes, so that they come as unsigned ones that are 128 too large,
    /// and how much too large they are.
    fn bias(&self) -> (i32, i32) {
        if self.signed { (0x80, 128) } else { (0, 0) }
    }
}

struct Quantize<'a> {
    scales: Scales<'a>,
    x: &'a [f32],
    y: &'a mut [u8],
    spans: &'a mut dyn Iterator<Item = Span>,
}

impl Task for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Quantize { scales: Scales { scale, zero, along, signed }, mut x, mut y, spans } = self;
        let (low, high) = self.scales.limits();
        let (low, high) = (s.splat_i(low), s.splat_i(high));
        for Span { len, at } in spans {
            let (some, rest) = x.split_at(len);
            let (out, out_rest) = std::mem::take(&mut y).split_at_mut(len);
            (x, y) = (rest, out_rest);
            if along {
                let (scale, zero) = (&scale[at..][..len], &zero[at..][..len]);
                store_all!(s, out, signed, i => {
                    let at = i * S::LANES;
                    let to = Bytes::new(s, s.load_i_some(&zero[at..]), low, high);
                    to.round(s, s.div(s.load_some(&some[at..]), s.load_some(&scale[at..])))
                });
            } else if len > 0 {
                let (scale, to) = (s.splat(scale[at]), Bytes::new(s, s.splat_i(zero[at]), low, high));
                store_all!(s, out, signed, i => to.round(s, s.div(s.load_some(&some[i * S::LANES..]), scale)));
            }
        }
    }
}

/// How numbers of steps become bytes.
pub(crate) struct Bytes<S: Simd> {
    zero: S::I,
    low: S::F,
    high: S::F,
}

impl<S: Simd> Bytes<S> {
    /// With that zero point, into a range that holds it.
    #[inline(always)]
    pub fn new(s: S, zero: S::I, low: S::I, high: S::I) -> Bytes<S> {
        Bytes { zero, low: s.to_f32(s.sub_i(low, zero)), high: s.to_f32(s.sub_i(high, zero)) }
    }

    /// `saturate(round_half_even(x) + zero)`; NaN gives the zero point.
    #[inline(always)]
    pub fn round(&self, s: S, x: S::F) -> S::I {
        // The limits are integers: clamping before or after rounding is the same.
        let steps = s.min(s.max(s.without_nan(x), self.low), self.high);
        s.add_i(s.to_small_i32(steps), self.zero)
    }
}

/// Writes bytes: `$vector` has those of vector `$i` of `$y`, in the range of the bytes. No function that takes
/// another, because one that is not inlined would be compiled without the set's instructions.
macro_rules! store_all {
    ($s:expr, $y:expr, $signed:expr, $i:ident => $vector:expr) => {{
        let s = $s;
        let (fours, rest) = $y.split_at_mut($y.len() / (4 * S::LANES) * (4 * S::LANES));
        let whole = fours.len() / S::LANES;
        for (n, y) in fours.chunks_exact_mut(4 * S::LANES).enumerate() {
            let mut x = [s.splat_i(0); 4];
            for (v, x) in x.iter_mut().enumerate() {
                let $i = 4 * n + v;
                *x = $vector;
            }
            if $signed { s.store_four::<true>(x, y) } else { s.store_four::<false>(x, y) }
        }
        for (n, y) in rest.chunks_mut(S::LANES).enumerate() {
            let $i = whole + n;
            s.store_bytes($vector, y);
        }
    }};
}
pub(crate) use store_all;

struct Dequantize<'a> {
    scales: Scales<'a>,
    x: &'a [u8],
    y: &'a mut [f32],
    spans: &'a mut dyn Iterator<Item = Span>,
}

impl Task for Dequantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Dequantize { scales: Scales { scale, zero, along, .. }, mut x, mut y, spans } = self;
        let (flip, bias) = self.scales.bias();
        let (flip, bias) = (s.splat_i(flip), s.splat_i(bias));
        for Span { len, at } in spans {
            let (some, rest) = x.split_at(len);
            let (out, out_rest) = std::mem::take(&mut y).split_at_mut(len);
            (x, y) = (rest, out_rest);
            if along {
                let (scale, zero) = (&scale[at..][..len], &zero[at..][..len]);
                let chunks = some.chunks(S::LANES).zip(out.chunks_mut(S::LANES));
                for (i, (x, y)) in chunks.enumerate() {
                    let at = i * S::LANES;
                    let zero = s.add_i(s.load_i_some(&zero[at..]), bias);
                    let steps = s.sub_i(s.xor(s.load_u8(x), flip), zero);
                    s.store_some(s.mul(s.to_f32(steps), s.load_some(&scale[at..])), y);
                }
            } else if len > 0 {
                let (scale, zero) = (s.splat(scale[at]), s.add_i(s.splat_i(zero[at]), bias));
                for (x, y) in some.chunks(S::LANES).zip(out.chunks_mut(S::LANES)) {
                    let steps = s.sub_i(s.xor(s.load_u8(x), flip), zero);
                    s.store_some(s.mul(s.to_f32(steps), scale), y);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byte(x: f32, zero: i32, signed: bool) -> u8 {
        let (low, high) = if signed { (-128, 127) } else { (0, 255) };
        let steps = x.round_ties_even().clamp((low - zero) as f32, (high - zero) as f32);
        (zero + steps as i32) as u8
    }

    fn nasty(len: usize) -> Vec<f32> {
        let some = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 127.5, -128.5, 1e30, -1e30, 254.5, 255.5, 3e38];
        let more = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -1e-45, 0.49999997, 8388609.0, -3.3];
        let all = [&some[..], &more[..]].concat();
        (0..len).map(|i| all[(i * 13 + len) % all.len()]).collect()
    }

    #[test]
    fn numbers_become_bytes_and_bytes_numbers_to_the_bit() {
        let scale = [1.0, 0.1, 3e-40, 0.0, -2.0, f32::INFINITY, f32::NAN, 255.0, 1e30];
        for (isa, signed) in Isa::supported().flat_map(|isa| [false, true].map(|signed| (isa, signed))) {
            for len in (0..40).chain([100]) {
                let x = nasty(2 * len);
                let low = if signed { -128 } else { 0 };
                let scale: Vec<f32> = (0..len + 2).map(|i| scale[i % scale.len()]).collect();
                let zero: Vec<i32> = (0..len + 2).map(|i| (i as i32 * 101) % 256 + low).collect();
                for along in [false, true] {
                    let scales = Scales { scale: &scale, zero: &zero, along, signed };
                    let spans = [Span { len, at: 2 }, Span { len, at: 1 }];
                    let mut y = vec![0; 2 * len];
                    quantize(isa, scales, &x, &mut y, &mut spans.into_iter());
                    let mut back = vec![0.0; 2 * len];
                    dequantize(isa, scales, &y, &mut back, &mut spans.into_iter());
                    for i in 0..2 * len {
                        let at = spans[i / len].at + if along { i % len } else { 0 };
                        let expected = byte(x[i] / scale[at], zero[at], signed);
                        assert_eq!(y[i], expected, "{isa:?} {} / {} + {}", x[i], scale[at], zero[at]);
                        let code = if signed { i32::from(y[i] as i8) } else { i32::from(y[i]) };
                        let expected = (code - zero[at]) as f32 * scale[at];
                        assert!(back[i].to_bits() == expected.to_bits() || expected.is_nan(), "{isa:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn ranges_hold_zero_and_pass_over_nan() {
        for (isa, len) in Isa::supported().flat_map(|isa| (0..70).map(move |len| (isa, len))) {
            let x: Vec<f32> =
                nasty(len).into_iter().map(|x| if x.is_finite() { x } else { f32::NAN }).collect();
            let expected = (x.iter().copied().fold(0f32, f32::min), x.iter().copied().fold(0f32, f32::max));
            assert_eq!(range(isa, &x), expected, "{isa:?} {len}");
            let x: Vec<f32> = (1..=len).map(|i| i as f32).collect();
            assert_eq!(range(isa, &x), (0.0, len as f32));
        }
    }
}
