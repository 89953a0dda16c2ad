//! QuantizeLinear to integers of 8 and 16 bits: IEEE division, rounded half to even.

use super::Kernel;
use super::shared::{groups, input_type, is_float, kind};
use super::{binary::output_type, scales};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::granularity::Granularity;
use edgewise_core::ops::quantize_linear::QuantizeLinear;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("quantize_linear", 3, 1);

pub fn lower(gpu: &Gpu, op: &QuantizeLinear, node: &Lowered<'_>) -> Result<Kernel> {
    let float = |i| input_type(node, i).filter(|&dtype| is_float(dtype));
    let (Some(x), Some(scale)) = (float(0), float(1)) else { return Ok(None) };
    let to = node.output(0).and_then(|fact| fact.dtype());
    let integer = |dtype: &DType| matches!(dtype, DType::U8 | DType::I8 | DType::U16 | DType::I16);
    let Some(to) = to.filter(integer) else { return Ok(None) };
    let precision = op.precision.unwrap_or(scale);
    let pipeline = pipeline(gpu, [x, scale, if is_float(precision) { precision } else { DType::F32 }, to], node.has(2));
    Ok(Some(Box::new(Lower { pipeline, granularity: op.granularity })))
}

/// The pipeline for elements, scales, quotients and results of those types.
pub fn pipeline(gpu: &Gpu, [x, scale, precision, to]: [DType; 4], has_zero: bool) -> PipelineId {
    let constants = [
        ("KIND", kind(x)),
        ("SCALE_KIND", kind(scale)),
        ("PRECISION", kind(precision)),
        ("TO", kind(to)),
        ("HAS_ZERO", has_zero.into()),
    ];
    gpu.pipeline(Variant::new(&SHADER, &constants))
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
