//! GlobalAveragePool, GlobalMaxPool and GlobalLpPool of floats.

use super::Kernel;
use super::max_pool::numbers;
use super::narrow::Narrow;
use super::shared::{Parameters, count, input_type, is_float, kind, rows_of_groups, word};
use super::windows::image;
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::global_pool::GlobalPool;

pub static SHADERS: &[Shader] = &[shader!("global_pool", 1, 1)];

pub fn lower(gpu: &Gpu, op: &GlobalPool, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(dtype), [shader]) = (input_type(node, 0).filter(|&dtype| is_float(dtype)), SHADERS) else {
        return Ok(None);
    };
    let (pooling, power) = numbers(op.pooling);
    let constants = [("KIND", kind(dtype)), ("POOLING", pooling), ("CHANNELS_LAST", op.channels_last.into())];
    let (pipeline, narrow) = (gpu.pipeline(Variant::new(shader, &constants)), Narrow::to(gpu, dtype));
    Ok(Some(Box::new(Pool { power, channels_last: op.channels_last, pipeline, narrow })))
}

struct Pool {
    power: f32,
    channels_last: bool,
    pipeline: PipelineId,
    narrow: Narrow,
}

impl DeviceKernel for Pool {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let (batch, channels, spatial) = image(&x, self.channels_last)?;
        let len = batch * channels;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        // Outputs of a group, as the shader has them.
        let groups = len.div_ceil(if self.channels_last { 32 } else { 8 });
        let sizes = [len, channels, count(spatial), groups];
        let parameters = Parameters(sizes.into_iter().map(word).collect::<Result<_>>()?);
        word(count(&x))?;
        self.narrow.after(len, |y| {
            Ok(Bound::one(Launch {
                pipeline: self.pipeline,
                buffers: vec![Operand::Input(0), y],
                parameters: parameters.floats(&[self.power]).0,
                groups: rows_of_groups(groups)?,
            }))
        })
    }
}
