//! Rows of f32 as 8-bit integers with a scale per block: `x ≈ code * scale`, `scale = largest |x| / 127`.
//!
//! This is onnxruntime's rule for accuracy level 4. A block with an infinity or a NaN in it has no scale: its
//! scale becomes that and its codes 0, so that the products become NaN.

use super::{Format, Weights, pack::PackedZeros};
use crate::{Isa, Simd, Task, dispatch};

/// Quantizes rows of `k` numbers for those weights. A row becomes [`Format::row_bytes`] bytes: the codes, filled
/// up to whole blocks with zeros, the blocks' scales (f32), and their offsets (i32): the sums of their codes
/// times what the weights make of it, minus the zero point where all have the same, else -1.
pub fn quantize(isa: Isa, weights: &Weights, rows: &[f32], to: &mut [u8]) {
    let format = weights.format;
    assert!(rows.len().is_multiple_of(format.k));
    assert_eq!(to.len(), rows.len() / format.k * format.row_bytes());
    let factor = match &weights.zeros {
        PackedZeros::Middle => -i32::from(format.middle()),
        _ => -1,
    };
    dispatch(isa, Rows { format, rows, to, factor });
}

struct Rows<'a> {
    format: Format,
    rows: &'a [f32],
    to: &'a mut [u8],
    factor: i32,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Format { k, block, .. } = self.format;
        let rows = self.rows.chunks_exact(k).zip(self.to.chunks_exact_mut(self.format.row_bytes()));
        for (row, to) in rows {
            let (codes, rest) = to.split_at_mut(self.format.padded_k());
            let (scales, offsets) = rest.split_at_mut(4 * self.format.blocks());
            let (scales, offsets) = (scales.as_chunks_mut().0, offsets.as_chunks_mut().0);
            let blocks = row.chunks(block).zip(codes.chunks_exact_mut(block));
            for ((x, codes), (scale, offset)) in blocks.zip(scales.iter_mut().zip(offsets)) {
                let (of_block, sum) = quantize_block(s, x, codes);
                *scale = of_block.to_ne_bytes();
                *offset = sum.wrapping_mul(self.factor).to_ne_bytes();
            }
        }
    }
}

/// A block's codes; its scale and the sum of its codes.
#[inline(always)]
fn quantize_block<S: Simd>(s: S, x: &[f32], codes: &mut [u8]) -> (f32, i32) {
    let largest = largest(s, x);
    let scale = largest / 127.0;
    let inverse = s.splat(if largest == 0.0 { 0.0 } else { 127.0 / largest });
    let mut sum = s.splat_i(0);
    let (fours, rest) = x.split_at(x.len() / (4 * S::LANES) * (4 * S::LANES));
    let (codes_of_fours, codes) = codes.split_at_mut(fours.len());
    for (x, codes) in fours.chunks_exact(4 * S::LANES).zip(codes_of_fours.chunks_exact_mut(4 * S::LANES)) {
        let mut four = [s.splat_i(0); 4];
        for (v, four) in four.iter_mut().enumerate() {
            *four = code(s, s.load(&x[v * S::LANES..]), inverse);
            sum = s.add_i(sum, *four);
        }
        s.store_four::<true>(four, codes);
    }
    let (codes, zeros) = codes.split_at_mut(rest.len());
    for (x, codes) in rest.chunks(S::LANES).zip(codes.chunks_mut(S::LANES)) {
        let code = code(s, s.load_some(x), inverse);
        sum = s.add_i(sum, code);
        s.store_bytes(code, codes);
    }
    zeros.fill(0);
    let mut lanes = [0; 16];
    s.store_i(sum, &mut lanes);
    (scale, lanes[..S::LANES].iter().sum())
}

/// The largest size of a number; infinite or NaN where one is.
#[inline(always)]
fn largest<S: Simd>(s: S, x: &[f32]) -> f32 {
    // As integers, the bits of numbers without their sign are in the numbers' order, infinity and NaN last.
    let unsigned = s.splat_i(i32::MAX);
    let mut largest = s.splat_i(0);
    let wholes = x.chunks_exact(S::LANES);
    let end = wholes.remainder();
    for x in wholes {
        largest = s.max_i(largest, s.and(s.bits(s.load(x)), unsigned));
    }
    if !end.is_empty() {
        largest = s.max_i(largest, s.and(s.bits(s.load_some(end)), unsigned));
    }
    let mut lanes = [0; 16];
    s.store_i(largest, &mut lanes);
    f32::from_bits(lanes[..S::LANES].iter().copied().fold(0, i32::max) as u32)
}

#[inline(always)]
fn code<S: Simd>(s: S, x: S::F, inverse: S::F) -> S::I {
    let steps = s.without_nan(s.mul(x, inverse));
    s.to_small_i32(s.min(s.max(steps, s.splat(-127.0)), s.splat(127.0)))
}
