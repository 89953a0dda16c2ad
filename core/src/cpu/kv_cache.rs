//! What a row of keys or values looks like in a cache: as it is, or quantized.
//!
//! Rows of the step itself go through the cache's form too before they are used, so that a token sees the
//! same keys whether they came in this step or in an earlier one.

use crate::ops::group_query_attention::CacheScale;
use crate::{DType, E4M3Fn, Float, Num, Result, View};

/// The form of a cache.
pub(super) struct CacheForm {
    dtype: DType,
    /// Numbers of a row.
    size: usize,
    /// One, or one per head and channel; none where the cache is not quantized.
    scales: Vec<f32>,
}

impl CacheForm {
    /// For rows of `size` numbers in `heads` heads.
    pub fn of(
        dtype: DType,
        [heads, size]: [usize; 2],
        kind: CacheScale,
        scales: Option<View<'_>>,
    ) -> Result<CacheForm> {
        let plain = matches!(dtype, DType::F32 | DType::F16 | DType::BF16);
        let (expected, scales) = match (kind, scales) {
            (CacheScale::None, _) => (0, vec![]),
            (_, None) => bail!(InvalidModel, "a quantized cache needs its scales"),
            (CacheScale::Tensor, Some(scales)) => (1, scales.to_f32s()?),
            (CacheScale::Channel, Some(scales)) => (heads * size, scales.to_f32s()?),
        };
        ensure!(
            plain == (kind == CacheScale::None)
                && (plain || matches!(dtype, DType::I8 | DType::U8 | DType::F8E4M3FN)),
            InvalidModel,
            "a cache of {dtype} does not go with the quantization {kind:?}"
        );
        ensure!(
            scales.len() == expected,
            InvalidModel,
            "expected {expected} scales of the cache, got {}",
            scales.len()
        );
        Ok(CacheForm { dtype, size, scales })
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        match self.dtype {
            DType::U8 => self.size.div_ceil(2),
            dtype => self.size * (dtype.bits() / 8),
        }
    }

    fn scale(&self, head: usize, i: usize) -> f32 {
        match self.scales.len() {
            1 => self.scales[0],
            _ => self.scales[head * self.size + i],
        }
    }

    /// Writes a row of a head; `T` is the type of a cache that is not quantized.
    pub fn encode<T: Float>(&self, head: usize, row: &[T::Wide], out: &mut [u8]) {
        let quotient = |i: usize, x: T::Wide| x.to_f32() / self.scale(head, i);
        match self.dtype {
            DType::I8 => {
                for (i, (x, y)) in row.iter().zip(out).enumerate() {
                    *y = (quotient(i, *x).round_ties_even().clamp(-128.0, 127.0) as i8) as u8;
                }
            }
            DType::U8 => {
                out.fill(0);
                for (i, x) in row.iter().enumerate() {
                    let code = quotient(i, *x).round_ties_even().clamp(-8.0, 7.0) as i8;
                    out[i / 2] |= ((code + 8) as u8) << (i % 2 * 4);
                }
            }
            DType::F8E4M3FN => {
                for (i, (x, y)) in row.iter().zip(out).enumerate() {
                    *y = E4M3Fn::from_f32(quotient(i, *x), true).0;
                }
            }
            _ => {
                for (x, y) in row.iter().zip(out.chunks_exact_mut(size_of::<T>())) {
                    y.copy_from_slice(bytemuck::bytes_of(&T::narrow(*x)));
                }
            }
        }
    }

    /// Rows as the cache keeps them, those of `heads` heads in turn.
    pub fn encode_all<T: Float>(&self, rows: &[T::Wide], heads: usize) -> Vec<u8> {
        let row_bytes = self.row_bytes();
        let mut bytes = vec![0; rows.len() / self.size.max(1) * row_bytes];
        let both = bytes.chunks_mut(row_bytes.max(1)).zip(rows.chunks(self.size.max(1)));
        both.enumerate().for_each(|(i, (bytes, row))| self.encode::<T>(i % heads, row, bytes));
        bytes
    }

    /// Reads a row of a head.
    pub fn decode<T: Float>(&self, head: usize, row: &[u8], out: &mut [T::Wide]) {
        let wide = |i: usize, x: f32| T::Wide::from_f32(x * self.scale(head, i));
        match self.dtype {
            DType::I8 => {
                out.iter_mut().zip(row).enumerate().for_each(|(i, (y, &x))| *y = wide(i, x as i8 as f32))
            }
            DType::U8 => {
                for (i, y) in out.iter_mut().enumerate() {
                    *y = wide(i, ((row[i / 2] >> (i % 2 * 4)) & 15) as f32 - 8.0);
                }
            }
            DType::F8E4M3FN => {
                out.iter_mut().zip(row).enumerate().for_each(|(i, (y, &x))| *y = wide(i, E4M3Fn(x).to_f32()));
            }
            _ => {
                for (y, x) in out.iter_mut().zip(row.chunks_exact(size_of::<T>())) {
                    *y = bytemuck::pod_read_unaligned::<T>(x).widen();
                }
            }
        }
    }

    /// Rows that lie one after the other as numbers; `head_of` tells the head of a row.
    pub fn decode_all<T: Float>(&self, bytes: &[u8], head_of: impl Fn(usize) -> usize) -> Vec<T::Wide> {
        let (width, row_bytes) = (self.size.max(1), self.row_bytes().max(1));
        let mut out = vec![T::Wide::zero(); bytes.len() / row_bytes * self.size];
        for (i, (out, row)) in out.chunks_mut(width).zip(bytes.chunks(row_bytes)).enumerate() {
            self.decode::<T>(head_of(i), row, out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(dtype: DType, x: [f32; 3]) -> [f32; 3] {
        let scale = crate::Tensor::scalar(0.5f32);
        let form = CacheForm::of(dtype, [1, 3], CacheScale::Tensor, Some(scale.view())).unwrap();
        let mut bytes = vec![0; form.row_bytes()];
        form.encode::<f32>(0, &x, &mut bytes);
        let mut back = [0.0; 3];
        form.decode::<f32>(0, &bytes, &mut back);
        back
    }

    #[test]
    fn quantized_rows_saturate_and_round_to_even() {
        assert_eq!(round_trip(DType::I8, [1000.0, -1.25, 0.75]), [63.5, -1.0, 1.0]);
        assert_eq!(round_trip(DType::U8, [1000.0, -1000.0, 0.75]), [3.5, -4.0, 1.0]);
        assert_eq!(round_trip(DType::F8E4M3FN, [1000.0, -1.25, f32::INFINITY]), [224.0, -1.25, 224.0]);
    }
}
