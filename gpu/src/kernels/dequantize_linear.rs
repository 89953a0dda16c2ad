//! DequantizeLinear from integers of 8, 16 and 32 bits.

use super::Kernel;
use super::shared::{groups, input_type, is_float, kind};
use super::{binary::output_type, scales};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::dequantize_linear::DequantizeLinear;
use edgewise_core::ops::granularity::Granularity;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("dequantize_linear", 3, 1);

pub fn lower(gpu: &Gpu, op: &DequantizeLinear, node: &Lowered<'_>) -> Result<Kernel> {
    let integer = |dtype: &DType| matches!(dtype, DType::U8 | DType::I8 | DType::U16 | DType::I16 | DType::I32);
    let float = |dtype: &DType| is_float(*dtype);
    let (x, scale) = (input_type(node, 0).filter(integer), input_type(node, 1).filter(float));
    let to = node.output(0).and_then(|fact| fact.dtype()).filter(float);
    let (Some(x), Some(scale), Some(to)) = (x, scale, to) else { return Ok(None) };
    let constants =
        [("KIND", kind(x)), ("SCALE_KIND", kind(scale)), ("TO", kind(to)), ("HAS_ZERO", node.has(2).into())];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    Ok(Some(Box::new(Lower { pipeline, granularity: op.granularity })))
}

struct Lower {
    pipeline: PipelineId,
    granularity: Granularity,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, scale) = (cx.input(0)?, cx.input(1)?);
        let parameters = scales::parameters(&self.granularity, output_type(cx)?, &x, &scale)?;
        let words = parameters.get(1).copied().unwrap_or(0) as usize;
        if words == 0 {
            return Ok(Bound::nothing());
        }
        let zero = Operand::Input(if cx.optional(2).is_some() { 2 } else { 1 });
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(1), zero, Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        }))
    }
}
