//! PackedSwiGLU of floats: the kernel of SwiGLU, whose second input is the other half of each row.

use super::Kernel;
use super::gated::pipeline;
use super::shared::{Axis, Parameters, count, groups, input_type, is_float, word, words};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::gated::Gated;
use edgewise_core::ops::packed_swiglu::PackedSwiGLU;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, op: &PackedSwiGLU, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let alpha = op.alpha;
    Ok(Some(Box::new(Lower { pipeline: pipeline(gpu, dtype, &Gated::SwiGLU { alpha }), dtype, alpha })))
}

struct Lower {
    pipeline: PipelineId,
    dtype: DType,
    alpha: f32,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let y = cx.output(0)?;
        let (len, width) = (count(&y), y.last().copied().unwrap_or(0));
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let row = 2 * width as i64;
        let axes = [Axis { size: len / width, steps: [row; 2] }, Axis { size: width, steps: [1; 2] }];
        let mut parameters = Parameters::walk(self.dtype, len, self.alpha.to_bits(), &axes)?.0;
        parameters.extend([word(width)?, 0, 0, 0]);
        word(2 * len)?;
        let buffers = vec![Operand::Input(0), Operand::Input(0), Operand::Output(0)];
        let groups = groups(words(self.dtype, len))?;
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups }))
    }
}
