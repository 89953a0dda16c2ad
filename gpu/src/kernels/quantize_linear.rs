//! QuantizeLinear to integers of up to 16 bits and to small floats, and how scales lie, for DequantizeLinear too.

use super::Kernel;
use super::shared::{count, groups, input_type, is_float, is_minifloat, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::granularity::Granularity;
use edgewise_core::ops::quantize_linear::QuantizeLinear;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("quantize_linear", 3, 1);

pub fn lower(gpu: &Gpu, op: &QuantizeLinear, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(x), Some(scale)) = (input_type(node, 0), input_type(node, 1)) else { return Ok(None) };
    let Some(y) = node.output(0).and_then(|fact| fact.dtype()) else { return Ok(None) };
    let quotient = op.precision.unwrap_or(scale);
    let small = y.is_integer() && y.bits() <= 16 || is_minifloat(y) && y != DType::F8E8M0;
    if !small || !no_float_zeros(node, y)? || ![x, scale, quotient].into_iter().all(is_float) {
        return Ok(None);
    }
    let zeros = node.has(2) && !y.is_float();
    let kinds = Kinds { x, scale, quotient, y, zeros, saturate: op.saturate };
    Ok(Some(Box::new(Quantize {
        pipeline: kinds.pipeline(gpu)?,
        y,
        granularity: op.granularity,
        zeros: kinds.zeros,
    })))
}

/// The types of a QuantizeLinear.
pub struct Kinds {
    pub x: DType,
    pub scale: DType,
    pub quotient: DType,
    pub y: DType,
    pub zeros: bool,
    /// Of small floats: whether what is too large becomes the largest one.
    pub saturate: bool,
}

/// Zero points of floats must be zero: whether that is known, where there are any.
pub fn no_float_zeros(node: &Lowered<'_>, of: DType) -> Result<bool> {
    if !of.is_float() || !node.has(2) {
        return Ok(true);
    }
    let Some(zeros) = node.constant(2) else { return Ok(false) };
    Ok(zeros.to_f32s()?.iter().all(|&zero| zero == 0.0))
}

impl Kinds {
    pub fn pipeline(&self, gpu: &Gpu) -> Result<PipelineId> {
        let constants = [
            ("X", kind(self.x)),
            ("SCALE", kind(self.scale)),
            ("QUOTIENT", kind(self.quotient)),
            ("Y", kind(self.y)),
            ("ZEROS", self.zeros.into()),
            ("SATURATE", self.saturate.into()),
        ];
        Ok(gpu.pipeline(Variant::new(&SHADER, &constants)))
    }
}

struct Quantize {
    pipeline: PipelineId,
    y: DType,
    granularity: Granularity,
    zeros: bool,
}

impl DeviceKernel for Quantize {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.input(0)?;
        let (len, words) = (count(&shape), words(self.y, count(&shape)));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let scales = scales(self.granularity, &shape, &cx.input(1)?)?;
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: operands(self.zeros),
            parameters: [&[word(words)?, word(len)?, 0, 0], &scales[..]].concat(),
            groups: groups(words)?,
        }))
    }
}

/// Tensor, scales and zero points, and the result. Where there are no zero points nothing reads them.
pub fn operands(zeros: bool) -> Vec<Operand> {
    let zero = Operand::Input(if zeros { 2 } else { 1 });
    vec![Operand::Input(0), Operand::Input(1), zero, Operand::Output(0)]
}

/// How scales of that shape lie over a tensor that is not empty, as `common/scales.wgsl` wants it.
pub fn scales(granularity: Granularity, x: &[usize], scales: &[usize]) -> Result<[u32; 8]> {
    granularity.layout(x, scales)?;
    let (axis, block) = match (granularity.axis(), granularity.blocks()) {
        _ if count(scales) == 1 => return Ok([1, 1, 1, 0, 0, 0, 0, 0]),
        (Some(axis), _) => (axis, None),
        (_, Some((axis, block))) => (axis, Some(block)),
        _ => bail!(Internal, "scales lie along an axis, or in blocks"),
    };
    let axis = normalize_axis(axis, x.len())?;
    let size = x.get(axis).copied().unwrap_or(1);
    let inner: usize = x.iter().skip(axis + 1).product();
    let Some(block) = block else { return Ok([word(inner)?, word(size)?, 1, 0, 1, 0, 0, 0]) };
    let outer = word(size.div_ceil(block) * inner)?;
    // A block that is longer than the axis is as long as it.
    Ok([word(inner)?, word(size)?, word(block.min(size))?, outer, word(inner)?, 1, 0, 0])
}

/// Parameters of one scale for a tensor of so many elements.
pub fn of_one_scale(len: usize, y: DType) -> Result<Vec<u32>> {
    Ok(vec![word(words(y, len))?, word(len)?, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0])
}
