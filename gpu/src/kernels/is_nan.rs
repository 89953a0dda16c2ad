//! IsNaN and IsInf, by the bits of floats.

use super::Kernel;
use super::shared::{count, groups, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::is_nan::IsNaN;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("is_nan", 1, 1);

pub fn lower(gpu: &Gpu, op: &IsNaN, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let (nan, negative, positive) = match *op {
        IsNaN::NaN => (true, false, false),
        IsNaN::Inf { negative, positive } => (false, negative, positive),
    };
    let constants = [
        ("KIND", kind(dtype)),
        ("NAN", nan.into()),
        ("NEGATIVE", negative.into()),
        ("POSITIVE", positive.into()),
    ];
    Ok(Some(Box::new(Lower(gpu.pipeline(Variant::new(&SHADER, &constants))))))
}

struct Lower(PipelineId);

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let len = count(&cx.output(0)?);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        Ok(Bound::one(Launch {
            pipeline: self.0,
            buffers: vec![Operand::Input(0), Operand::Output(0)],
            parameters: vec![word(len)?, 0, 0, 0],
            groups: groups(words(DType::Bool, len))?,
        }))
    }
}
