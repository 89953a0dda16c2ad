//! Rows of f32 as 8-bit integers with a scale per block: `x ≈ code * scale`, `scale = largest |x| / 127`.
//!
//! This is onnxruntime's rule for accuracy level 4. A block with an infinity or a NaN in it has no scale: its
//! scale becomes that and its codes 0, so that the products become NaN.

use super::{Format, Weights, pack::PackedZeros};
use crate::{Isa, Simd, Task, dispatch};

/// Quantized rows.
#[derive(Clone, Copy, Debug)]
pub struct Quantized<'a> {
    /// [rows, depth filled up to whole blocks].
    pub codes: &'a [i8],
    /// [rows, blocks].
    pub scales: &'a [f32],
    /// The sum of each block's codes times what the weights make of it: see [`Weights::zero_factor`].
    pub offsets: &'a [i32],
}

/// Where quantized rows go, laid out as in [`Quantized`].
#[derive(Debug)]
#[allow(missing_docs, reason = "the names are those of Quantized")]
pub struct QuantizedMut<'a> {
    pub codes: &'a mut [i8],
    pub scales: &'a mut [f32],
    pub offsets: &'a mut [i32],
}

impl Weights {
    /// What offsets are the sums of codes times: minus the zero point where all have the same, else -1.
    pub fn zero_factor(&self) -> i32 {
        match &self.zeros {
            PackedZeros::Middle => -i32::from(self.format.middle()),
            _ => -1,
        }
    }
}

/// Quantizes rows of `k` numbers for those weights.
pub fn quantize(isa: Isa, weights: &Weights, rows: &[f32], to: QuantizedMut<'_>) {
    let format = weights.format;
    let (padded, blocks) = (format.padded_k(), format.blocks());
    let QuantizedMut { codes, scales, offsets } = to;
    let count = rows.len() / format.k;
    assert_eq!(rows.len(), count * format.k);
    assert_eq!((codes.len(), scales.len(), offsets.len()), (count * padded, count * blocks, count * blocks));
    let factor = weights.zero_factor();
    dispatch(isa, Rows { format, rows, codes, scales, offsets, factor });
}

struct Rows<'a> {
    format: Format,
    rows: &'a [f32],
    codes: &'a mut [i8],
    scales: &'a mut [f32],
    offsets: &'a mut [i32],
    factor: i32,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Format { k, block, .. } = self.format;
        let (padded, blocks) = (self.format.padded_k(), self.format.blocks());
        let codes = self.codes.chunks_exact_mut(padded);
        let scales = self.scales.chunks_exact_mut(blocks).zip(self.offsets.chunks_exact_mut(blocks));
        for ((row, codes), (scales, offsets)) in self.rows.chunks_exact(k).zip(codes).zip(scales) {
            let blocks = row.chunks(block).zip(codes.chunks_exact_mut(block));
            for ((x, codes), (scale, offset)) in blocks.zip(scales.iter_mut().zip(offsets)) {
                let (s, sum) = quantize_block(s, x, codes);
                (*scale, *offset) = (s, sum.wrapping_mul(self.factor));
            }
        }
    }
}

/// A block's codes; its scale and the sum of its codes.
#[inline(always)]
fn quantize_block<S: Simd>(s: S, x: &[f32], codes: &mut [i8]) -> (f32, i32) {
    // As integers, the bits of numbers without their sign are in the numbers' order, infinity and NaN last.
    let unsigned = s.splat_i(i32::MAX);
    let mut largest = s.splat_i(0);
    for x in x.chunks(S::LANES) {
        largest = s.max_i(largest, s.and(s.bits(s.load_some(x)), unsigned));
    }
    let mut lanes = [0; 16];
    s.store_i(largest, &mut lanes);
    let largest = f32::from_bits(lanes[..S::LANES].iter().copied().fold(0, i32::max) as u32);
    let scale = largest / 127.0;
    let inverse = s.splat(if largest == 0.0 { 0.0 } else { 127.0 / largest });
    let (low, high, zero) = (s.splat(-127.0), s.splat(127.0), s.splat(0.0));
    let mut sum = s.splat_i(0);
    let bytes: &mut [u8] = as_bytes(codes);
    for (x, to) in x.chunks(S::LANES).zip(bytes.chunks_mut(S::LANES)) {
        let x = s.mul(s.load_some(x), inverse);
        let x = s.select(s.is_nan(x), zero, s.min(s.max(x, low), high));
        let code = s.to_i32(x);
        sum = s.add_i(sum, code);
        s.store_bytes(code, to);
    }
    if let Some(rest) = bytes.get_mut(x.len().next_multiple_of(S::LANES)..) {
        rest.fill(0);
    }
    s.store_i(sum, &mut lanes);
    (scale, lanes[..S::LANES].iter().sum())
}

fn as_bytes(codes: &mut [i8]) -> &mut [u8] {
    // SAFETY: both are bytes.
    unsafe { std::slice::from_raw_parts_mut(codes.as_mut_ptr().cast(), codes.len()) }
}
