//! BatchNormalization of floats with given statistics; training is left to the host.

use super::Kernel;
use super::shared::{Parameters, count, groups, input_type, is_float, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::batch_normalization::BatchNormalization;
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("batch_normalization", 5, 1)];

pub fn lower(gpu: &Gpu, op: &BatchNormalization, node: &Lowered<'_>) -> Result<Kernel> {
    let types = [0, 1, 2, 3, 4].map(|i| input_type(node, i).filter(|&dtype| is_float(dtype)));
    let ([Some(dtype), Some(scale), Some(shift), Some(mean), Some(variance)], [shader]) = (types, SHADERS)
    else {
        return Ok(None);
    };
    if op.training || scale != shift || mean != variance {
        return Ok(None);
    }
    let constants = [("KIND", kind(dtype)), ("SCALE_KIND", kind(scale)), ("MEAN_KIND", kind(mean))];
    let pipeline = gpu.pipeline(Variant::new(shader, &constants));
    Ok(Some(Box::new(Normalization { op: op.clone(), dtype, pipeline })))
}

struct Normalization {
    op: BatchNormalization,
    dtype: DType,
    pipeline: PipelineId,
}

impl DeviceKernel for Normalization {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let [_, channels, positions] = self.op.blocks(&x);
        for i in 1..5 {
            let shape = cx.input(i)?;
            ensure!(
                count(&shape) == channels,
                InvalidInput,
                "input {i} has {shape:?} for {channels} channels"
            );
        }
        let len = count(&x);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let parameters = Parameters(vec![word(len)?, word(channels)?, word(positions)?, 0]);
        let buffers = (0..5).map(Operand::Input).chain([Operand::Output(0)]).collect();
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers,
            parameters: parameters.floats(&[self.op.epsilon]).0,
            groups: groups(words(self.dtype, len))?,
        }))
    }
}
