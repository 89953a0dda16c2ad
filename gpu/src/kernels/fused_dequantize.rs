//! FusedDequantize whose scales and zero points are known; the softmax is a kernel of its own.
//!
//! What a reader would get wrong: a result of bytes is equal to the bit or left to the host. So of the functions that a
//! GPU rounds in its own way, bytes are looked up in a table that the host makes of all bytes, by its own operator;
//! where something is added that is not known, or not the same for whole columns, they go only as far as floats.

use super::Kernel;
use super::activation::Function;
use super::byte_softmax;
use super::byte_table::by_columns;
use super::packed_bytes::{held, is_byte, one, scales, words_of, zeros};
use super::qlinear_elementwise::made_of;
use super::shared::{Parameters, broadcast, count, groups, input_type, kind, ranks_fit, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::fused_activation::FusedActivation;
use edgewise_core::ops::fused_dequantize::{self, FusedDequantize};
use edgewise_core::{DType, Result, Tensor};

pub static SHADER: Shader = shader!("fused_dequantize", 4, 1);

/// Bytes that there are.
const BYTES: usize = 256;
/// Columns that may have a table each: 4 MiB in all.
const MOST_COLUMNS: usize = 1 << 14;

pub fn lower(gpu: &Gpu, op: &FusedDequantize, node: &Lowered<'_>) -> Result<Kernel> {
    let fused_dequantize::Function::Activation(activation) = op.function else {
        return byte_softmax::lower(gpu, op, node);
    };
    let (Some(x), Some(y)) = (input_type(node, 0), node.output(0).and_then(|fact| fact.dtype())) else {
        return Ok(None);
    };
    let (Some(x_scale), Some(x_zero)) = (one(scales(node, 1)), one(zeros(node, 2))) else { return Ok(None) };
    let y_scale = if node.has(6) { one(scales(node, 6)) } else { Some(1.0) };
    let (Some(y_scale), Some(y_zero)) = (y_scale, one(zeros(node, 7))) else { return Ok(None) };
    let exact = matches!(
        activation,
        FusedActivation::None
            | FusedActivation::Relu
            | FusedActivation::LeakyRelu { .. }
            | FusedActivation::Clip { .. }
    );
    if !is_byte(x) || !ranks_fit(node) {
        return Ok(None);
    }
    if is_byte(y) && !exact {
        return by_tables(gpu, node, x);
    }
    if y != DType::F32 && !is_byte(y) {
        return Ok(None);
    }
    let function = Function::fused(&activation);
    let factor = match node.has(3) {
        false => 0,
        true => 1 + u32::from(op.divide),
    };
    let there = [node.has(3), node.has(4), node.has(5)];
    let constants = [
        ("X", kind(x)),
        ("Y", kind(y)),
        ("FUNCTION", function.number),
        ("FACTOR", factor),
        ("BIAS", node.has(4).into()),
        ("SUM", node.has(5).into()),
    ];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    let scales = [x_scale.to_bits(), y_scale.to_bits(), x_zero as u32, y_zero as u32];
    Ok(Some(Box::new(Fused { pipeline, scales, function, there })))
}

/// Bytes to bytes by a table for every column, where all else is known.
fn by_tables(gpu: &Gpu, node: &Lowered<'_>, x: DType) -> Result<Kernel> {
    let (mut columns, mut rank) = (1, 1);
    for addend in [4, 5].into_iter().filter_map(|i| node.constant(i)) {
        let shape = addend.shape();
        if count(shape) != shape.last().copied().unwrap_or(1) {
            return Ok(None);
        }
        columns = columns.max(count(shape));
        rank = rank.max(shape.len());
    }
    if columns > MOST_COLUMNS {
        return Ok(None);
    }
    // Every byte in every column: a row for each byte.
    let mut shape = vec![1; rank + 1];
    shape.first_mut().into_iter().for_each(|rows| *rows = BYTES);
    shape.last_mut().into_iter().for_each(|last| *last = columns);
    let bytes: Vec<u8> = (0..=u8::MAX).flat_map(|byte| std::iter::repeat_n(byte, columns)).collect();
    let rows = Tensor::from_bytes(x, &shape, &bytes)?;
    let Some(table) = made_of(node, &[(0, rows)])? else { return Ok(None) };
    let table = held(gpu, &words_of(table.view().bytes()), "a table for every column")?;
    by_columns(gpu, table, columns, &[1, 2, 3, 4, 5, 6, 7])
}

struct Fused {
    pipeline: PipelineId,
    /// As the shader wants them.
    scales: [u32; 4],
    function: Function,
    /// Whether there are a factor and addends.
    there: [bool; 3],
}

impl DeviceKernel for Fused {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.input(0)?;
        let len = count(&shape);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let (bias, sum) = (cx.optional(4).unwrap_or_default(), cx.optional(5).unwrap_or_default());
        let axes = broadcast(&shape, [&bias, &sum]);
        let fours = len.div_ceil(4);
        let mut head = vec![word(fours)?, word(len)?, word(axes.len())?, 0];
        head.extend(self.scales);
        let parameters = Parameters(head.to_vec()).floats(&self.function.parameters).axes(&axes)?.0;
        // What is missing is not read.
        let given = |(i, is_there): (usize, bool)| Operand::Input(if is_there { i } else { 0 });
        let mut buffers = vec![Operand::Input(0)];
        buffers.extend((3..).zip(self.there).map(given));
        buffers.push(Operand::Output(0));
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(fours)? }))
    }

    fn packed(&self) -> &[usize] {
        &[1, 2, 6, 7]
    }
}
