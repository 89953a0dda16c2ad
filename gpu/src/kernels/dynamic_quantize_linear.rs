//! DynamicQuantizeLinear: limits of shares, limits of these, then bytes. Scale and zero point stay on the GPU.

use super::Kernel;
use super::quantize_linear::{Kinds, of_one_scale};
use super::shared::{count, groups, input_type, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{
    Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId, device_bytes,
};
use edgewise_core::ops::dynamic_quantize_linear::DynamicQuantizeLinear;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("dynamic_quantize_linear", 1, 2);

/// Invocations of a group, and groups that look for limits at most: the last one takes these in one step.
const GROUP: usize = 256;

pub fn lower(gpu: &Gpu, _op: &DynamicQuantizeLinear, node: &Lowered<'_>) -> Result<Kernel> {
    if input_type(node, 0) != Some(DType::F32) {
        return Ok(None);
    }
    Ok(Some(Box::new(DynamicQuantize { quantizer: Quantizer::new(gpu)? })))
}

/// What quantizes a tensor of f32 to the bytes that cover it.
pub struct Quantizer {
    limits: PipelineId,
    last: PipelineId,
    quantize: PipelineId,
    /// Whether invocations find limits alone.
    alone: bool,
}

impl Quantizer {
    pub fn new(gpu: &Gpu) -> Result<Quantizer> {
        let (f32, y) = (DType::F32, DType::U8);
        let kinds = Kinds { x: f32, scale: f32, quotient: f32, y, zeros: true, saturate: true };
        let pipeline = |last: bool| gpu.pipeline(Variant::new(&SHADER, &[("LAST", last.into())]));
        let (limits, last, alone) = (pipeline(false), pipeline(true), !gpu.features().barriers);
        Ok(Quantizer { limits, last, quantize: kinds.pipeline(gpu)?, alone })
    }

    /// Input 0, of so many elements, to scale and zero point, and to bytes where they are wanted. Limits go
    /// into scratch that is added.
    pub fn launch(
        &self,
        bound: &mut Bound,
        len: usize,
        (bytes, scale, zero): (Option<Operand>, Operand, Operand),
    ) -> Result<()> {
        let (groups_of_limits, limits_of_group) = if self.alone {
            (len.div_ceil(16 * GROUP).clamp(1, 4), GROUP)
        } else {
            (len.div_ceil(GROUP).clamp(1, GROUP), 1)
        };
        let shares = groups_of_limits * limits_of_group;
        let limits = Operand::Scratch(bound.scratch.len());
        bound.scratch.push(device_bytes(8 * shares));
        let mut launch = |pipeline, buffers, parameters, groups| {
            bound.launches.push(Launch { pipeline, buffers, parameters, groups });
        };
        let found = vec![Operand::Input(0), limits.clone(), zero.clone()];
        launch(self.limits, found, vec![word(len)?], [word(groups_of_limits)?, 1, 1]);
        let found = vec![limits, scale.clone(), zero.clone()];
        launch(self.last, found, vec![word(shares)?], [1, 1, 1]);
        let words = words(DType::U8, len);
        if let (Some(bytes), true) = (bytes, words > 0) {
            let quantized = vec![Operand::Input(0), scale, zero, bytes];
            launch(self.quantize, quantized, of_one_scale(len, DType::U8)?, groups(words)?);
        }
        Ok(())
    }
}

struct DynamicQuantize {
    quantizer: Quantizer,
}

impl DeviceKernel for DynamicQuantize {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let mut bound = Bound::nothing();
        let wanted = |i: usize| cx.outputs.get(i).is_some_and(Option::is_some);
        let mut place = |i: usize| {
            if wanted(i) {
                return Operand::Output(i);
            }
            bound.scratch.push(device_bytes(4));
            Operand::Scratch(bound.scratch.len() - 1)
        };
        let (scale, zero) = (place(1), place(2));
        let bytes = wanted(0).then_some(Operand::Output(0));
        self.quantizer.launch(&mut bound, count(&cx.input(0)?), (bytes, scale, zero))?;
        Ok(bound)
    }
}
