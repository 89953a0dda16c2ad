//! GatherBlockQuantized along the first axis of a table of integers whose blocks lie along the last: an embedding.

use super::Kernel;
use super::gather::wide_indices;
use super::shared::{count, groups, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::gather_block_quantized::GatherBlockQuantized;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("gather_block_quantized", 4, 1);

pub fn lower(gpu: &Gpu, op: &GatherBlockQuantized, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(table), Some(wide), Some(scale)) =
        (input_type(node, 0), wide_indices(node, 1), input_type(node, 2))
    else {
        return Ok(None);
    };
    let Some(rank) = node.fact(0).and_then(|fact| fact.dims.as_ref()).map(|dims| dims.len()) else {
        return Ok(None);
    };
    let bits = match table {
        DType::U8 => op.bits,
        DType::U4 | DType::I4 => 4,
        _ => return Ok(None),
    };
    let along = op.axes(rank)? == (0, rank.saturating_sub(1)) && rank > 1 && op.block > 0;
    if !along || !is_float(scale) {
        return Ok(None);
    }
    let bytes = table == DType::U8;
    let middle = if bytes { 1 << (bits - 1) } else { 0 };
    let constants = [
        ("BITS", bits as u32),
        ("SIGNED", (table == DType::I4).into()),
        ("MIDDLE", middle),
        ("ZEROS", node.has(3).into()),
        ("SCALE", kind(scale)),
        ("WIDE_INDICES", wide.into()),
    ];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    let per_byte = if bytes { 8 / bits } else { 1 };
    Ok(Some(Box::new(Embedding { pipeline, block: op.block, per_byte, scale, zeros: node.has(3) })))
}

struct Embedding {
    pipeline: PipelineId,
    block: usize,
    /// Codes in an element of the table.
    per_byte: usize,
    scale: DType,
    zeros: bool,
}

impl DeviceKernel for Embedding {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (table, y, scales) = (cx.input(0)?, cx.output(0)?, cx.input(2)?);
        let (len, words) = (count(&y), words(self.scale, count(&y)));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let width = table.last().copied().unwrap_or(1) * self.per_byte;
        let inner = count(table.get(1..).unwrap_or_default()) * self.per_byte;
        let blocks = width.div_ceil(self.block);
        let (rows, lines) =
            (table.first().copied().unwrap_or(0), count(&table) * self.per_byte / width.max(1));
        let expected = lines * blocks;
        ensure!(count(&scales) == expected, InvalidModel, "scales must be {expected}, got {scales:?}");
        let zero_row = blocks.next_multiple_of(self.per_byte);
        let sizes = [words, len, inner, width, self.block, blocks, rows, zero_row];
        let zeros = Operand::Input(if self.zeros { 3 } else { 2 });
        let mut buffers: Vec<Operand> = [0, 1, 2].map(Operand::Input).into();
        buffers.extend([zeros, Operand::Output(0)]);
        let parameters = sizes.into_iter().map(word).collect::<Result<Vec<u32>>>()?;
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(words)? }))
    }
}
