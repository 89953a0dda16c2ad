//! MatMulNBits (com.microsoft): A times a matrix whose weights are stored in 2, 4 or 8 bits by blocks.
//!
//! Inputs: A [.., K], B [N, blocks, bytes of a block], scales [N, blocks], zero points (packed as B, or
//! floats; default 2^(bits-1)), the block of each k (`g_idx`), bias `[N]`. A is f32, f16 or bf16.
//! `accuracy_level` is the least accuracy that is asked for. As in onnxruntime, level 4 rounds each row of A to
//! 8-bit integers with a scale per block, the largest magnitude over 127, where the weights' blocks are in
//! order (no `g_idx`) and their zero points are integers; everything else computes in f32.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Dim, Result};

/// MatMulNBits.
#[derive(Clone, Debug)]
pub struct MatMulNBits {
    /// Rows of the stored matrix: columns of the result.
    pub n: usize,
    /// Weights in each of them.
    pub k: usize,
    /// Bits of a weight.
    pub bits: usize,
    /// Weights of a block.
    pub block: usize,
    /// Whether A may be rounded to 8 bits.
    pub eight_bits: bool,
}

impl Operator for MatMulNBits {
    fn parse(a: &mut Attrs) -> Result<MatMulNBits> {
        a.arity(3..=6, 1..=1)?;
        let mut size = |name: &str, default: Option<i64>| {
            let value = a.int(name)?.or(default);
            let value = a.required(name, value)?;
            ensure!(value > 0, InvalidModel, "attribute '{name}' must be positive, got {value}");
            Ok(value as usize)
        };
        let (n, k) = (size("N", None)?, size("K", None)?);
        let (bits, block) = (size("bits", Some(4))?, size("block_size", None)?);
        ensure!(matches!(bits, 2 | 4 | 8), Unsupported, "bits must be 2, 4 or 8, got {bits}");
        ensure!(
            block.is_power_of_two() && block >= 16,
            InvalidModel,
            "block_size must be a power of two from 16 on, got {block}"
        );
        let eight_bits = a.int_or("accuracy_level", 0)? == 4;
        let prepacked = a.int_or("weight_prepacked", 0)?;
        ensure!(prepacked == 0, Unsupported, "weights prepacked for one kind of GPU cannot be read");
        Ok(MatMulNBits { n, k, bits, block, eight_bits })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let b = cx.dtype(1)?;
        ensure!(b == DType::U8, InvalidModel, "input 1 must hold packed weights as u8, got {b}");
        let mut dims = cx.dims(0).cloned();
        if let Some(dims) = &mut dims {
            let Some(last) = dims.last_mut() else { bail!(InvalidModel, "input 0 must not be a scalar") };
            ensure!(
                last.known().is_none_or(|k| k == self.k as i64),
                InvalidModel,
                "the last axis of input 0 must have K = {} elements, got {last}",
                self.k
            );
            *last = Dim::from(self.n);
        }
        cx.set_tensor(0, cx.dtype(0)?, dims);
        Ok(())
    }
}
