//! PRelu, SwiGLU, BiasGelu and FastGelu of floats: activations of two inputs.

use super::Kernel;
use super::activation::Function;
use super::binary::{launch, output_type};
use super::shared::{input_type, is_float, kind, ranks_fit};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::activation::Activation;
use edgewise_core::ops::gated::Gated;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("gated", 2, 1);

pub fn lower(gpu: &Gpu, op: &Gated, node: &Lowered<'_>) -> Result<Kernel> {
    if !node.has(1) {
        return Ok(Function::of(&Activation::Gelu { tanh: true }).map(gpu, node, &[]));
    }
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    if input_type(node, 1) != Some(dtype) || !ranks_fit(node) {
        return Ok(None);
    }
    let alpha = if let Gated::SwiGLU { alpha } = *op { alpha } else { 0.0 };
    Ok(Some(Box::new(Lower { pipeline: pipeline(gpu, dtype, op), alpha, op: *op })))
}

/// What computes it, of elements of that type.
pub fn pipeline(gpu: &Gpu, dtype: DType, op: &Gated) -> PipelineId {
    let number = match op {
        Gated::PRelu { .. } => 0,
        Gated::SwiGLU { .. } => 1,
        Gated::BiasGelu => 2,
        Gated::FastGelu => 3,
    };
    gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype)), ("GATE", number)]))
}

struct Lower {
    pipeline: PipelineId,
    alpha: f32,
    op: Gated,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (a, dtype) = (cx.input(0)?, output_type(cx)?);
        let b = self.op.second_shape(&a, &cx.input(1)?)?;
        let buffers = vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)];
        let launch = launch(self.pipeline, dtype, &a, [&a, &b], self.alpha.to_bits(), buffers)?;
        let begins = |mut launch: Launch<Operand>| {
            launch.parameters.extend([0; 4]);
            Bound::one(launch)
        };
        Ok(launch.map_or_else(Bound::nothing, begins))
    }
}
