//! Softmax, LogSoftmax and Hardmax.

use super::Kernel;
use super::narrow::Narrow;
use super::shared::{count, input_type, is_float, kind, rows_of_groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::softmax::{Mode, Softmax};
use std::sync::Arc;

pub static SHADER: Shader = shader!("softmax", 1, 1);

pub fn lower(gpu: &Gpu, op: &Arc<Softmax>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    let mode = match op.mode {
        Mode::Soft => 0,
        Mode::Log => 1,
        Mode::Hard => 2,
    };
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype)), ("MODE", mode)]));
    Ok(Some(Box::new(Lower { pipeline, narrow: Narrow::to(gpu, dtype), op: op.clone() })))
}

struct Lower {
    pipeline: PipelineId,
    narrow: Narrow,
    op: Arc<Softmax>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let slices = self.op.slices(x.len())?;
        let total = count(&x);
        if total == 0 {
            return Ok(Bound::nothing());
        }
        let len = count(x.get(slices.clone()).unwrap_or(&[]));
        let step = count(x.get(slices.end..).unwrap_or(&[]));
        let mut bound = Bound::nothing();
        let output = self.narrow.output(&mut bound, 0, total);
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), output.clone()],
            parameters: vec![word(total / len)?, word(len)?, word(step)?, 0],
            groups: rows_of_groups(total / len)?,
        });
        self.narrow.finish(&mut bound, &output, 0, total)?;
        Ok(bound)
    }
}
