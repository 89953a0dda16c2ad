//! PRelu, SwiGLU, BiasGelu and FastGelu of floats: activations of two inputs.

use super::Kernel;
use super::activation::Function;
use super::binary::{launch, output_type};
use super::shared::{input_type, is_float, kind, ranks_fit};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, PipelineId};
use edgewise_core::ops::activation::Activation;
use edgewise_core::ops::gated::Gated;

pub static SHADER: Shader = shader!("gated", 2, 1);

pub fn lower(gpu: &Gpu, op: &Gated, node: &Lowered<'_>) -> Result<Kernel> {
    if !node.has(1) {
        return Ok(Function::of(&Activation::Gelu { tanh: true }).map(gpu, node, &[]));
    }
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    if input_type(node, 1) != Some(dtype) || !ranks_fit(node) {
        return Ok(None);
    }
    let (number, alpha) = match *op {
        Gated::PRelu { .. } => (0, 0.0),
        Gated::SwiGLU { alpha } => (1, alpha),
        Gated::BiasGelu => (2, 0.0),
        Gated::FastGelu => (3, 0.0),
    };
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype)), ("GATE", number)]));
    Ok(Some(Box::new(Lower { pipeline, alpha, op: *op })))
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
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }
}
