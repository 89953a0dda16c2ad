//! LRN of floats.

use super::Kernel;
use super::shared::{Parameters, count, groups, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::lrn::Lrn;
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("lrn", 1, 1)];

pub fn lower(gpu: &Gpu, op: &Lrn, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(dtype), [shader]) = (input_type(node, 0).filter(|&dtype| is_float(dtype)), SHADERS) else {
        return Ok(None);
    };
    let pipeline = gpu.pipeline(Variant::new(shader, &[("KIND", kind(dtype))]));
    Ok(Some(Box::new(Normalization { op: op.clone(), dtype, pipeline })))
}

struct Normalization {
    op: Lrn,
    dtype: DType,
    pipeline: PipelineId,
}

impl DeviceKernel for Normalization {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let [_, channels, positions @ ..] = &x[..] else {
            bail!(InvalidInput, "expected a batch and a channel axis, got {x:?}");
        };
        let len = count(&x);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let Lrn { alpha, beta, bias, size } = self.op;
        // Beyond the channels there is nothing, however far a window reaches.
        let (before, after) = (((size - 1) / 2).min(*channels), (size / 2).min(*channels));
        let sizes = [len, *channels, count(positions), 0, before, after, 0, 0];
        let parameters = Parameters(sizes.into_iter().map(word).collect::<Result<_>>()?);
        let weight = (f64::from(alpha) / size as f64) as f32;
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Output(0)],
            parameters: parameters.floats(&[weight, beta, bias]).0,
            groups: groups(words(self.dtype, len))?,
        }))
    }
}
