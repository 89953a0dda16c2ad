//! Comparisons and logic of two tensors that broadcast.

use super::Kernel;
use super::binary::launch;
use super::shared::{input_type, is_float, is_integer, is_wide, kind, ranks_fit};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, PipelineId};
use edgewise_core::ops::align::Align;
use edgewise_core::ops::compare::{Compare, Question};
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("compare", 2, 1);

pub fn lower(gpu: &Gpu, op: &Compare, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0) else { return Ok(None) };
    let number = match op.question {
        Question::Equal => 0,
        Question::Greater => 1,
        Question::GreaterOrEqual => 2,
        Question::Less => 3,
        Question::LessOrEqual => 4,
        Question::And => 5,
        Question::Or => 6,
        Question::Xor => 7,
    };
    let taken =
        dtype == DType::Bool || number < 5 && (is_float(dtype) || is_integer(dtype) || is_wide(dtype));
    if !taken || !ranks_fit(node) {
        return Ok(None);
    }
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype)), ("QUESTION", number)]));
    Ok(Some(Box::new(Lower { pipeline, align: op.align })))
}

struct Lower {
    pipeline: PipelineId,
    align: Align,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (a, b, y) = (cx.input(0)?, cx.input(1)?, cx.output(0)?);
        let b = self.align.second(&a, &b)?;
        let buffers = vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)];
        let launch = launch(self.pipeline, DType::Bool, &y, [&a, &b], 0, buffers)?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }
}
