//! DequantizeLinear of integers of up to 32 bits and of small floats.

use super::Kernel;
use super::quantize_linear::{no_float_zeros, operands, scales};
use super::shared::{count, groups, input_type, is_float, is_minifloat, kind, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, PipelineId};
use edgewise_core::ops::dequantize_linear::DequantizeLinear;
use edgewise_core::ops::granularity::Granularity;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("dequantize_linear", 3, 1);

pub fn lower(gpu: &Gpu, op: &DequantizeLinear, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(x), Some(scale)) = (input_type(node, 0), input_type(node, 1)) else { return Ok(None) };
    let Some(y) = node.output(0).and_then(|fact| fact.dtype()) else { return Ok(None) };
    let small = x.is_integer() && x.bits() <= 16 || is_minifloat(x) && x != DType::F8E8M0;
    let taken = (small || x == DType::I32) && no_float_zeros(node, x)?;
    if !taken || !is_float(scale) || !is_float(y) {
        return Ok(None);
    }
    let zeros = node.has(2) && !x.is_float();
    let constants = [("X", kind(x)), ("SCALE", kind(scale)), ("Y", kind(y)), ("ZEROS", zeros.into())];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    Ok(Some(Box::new(Dequantize { pipeline, granularity: op.granularity, zeros })))
}

struct Dequantize {
    pipeline: PipelineId,
    granularity: Granularity,
    zeros: bool,
}

impl DeviceKernel for Dequantize {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.input(0)?;
        let len = count(&shape);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let (fours, scales) = (len.div_ceil(4), scales(self.granularity, &shape, &cx.input(1)?)?);
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: operands(self.zeros),
            parameters: [&[word(fours)?, word(len)?, 0, 0], &scales[..]].concat(),
            groups: groups(fours)?,
        }))
    }
}
