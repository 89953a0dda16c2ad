//! Cast between floats of up to 32 bits, integers and bool.

use super::Kernel;
use super::shared::{count, groups, in_words, input_type, is_minifloat, is_wide, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::cast::Cast;
use edgewise_core::{DType, PowerRound, Result};

pub static SHADER: Shader = shader!("cast", 1, 1);

pub fn lower(gpu: &Gpu, op: &Cast, node: &Lowered<'_>) -> Result<Kernel> {
    let taken =
        |dtype: &DType| in_words(*dtype) || is_wide(*dtype) || is_minifloat(*dtype) || dtype.is_packed();
    let to = node.output(0).and_then(|fact| fact.dtype()).filter(taken);
    let (Some(from), Some(to)) = (input_type(node, 0).filter(taken), to) else { return Ok(None) };
    // Through f32 such integers would be rounded twice.
    if is_minifloat(to) && !from.is_float() && from.bits() > 16 {
        return Ok(None);
    }
    let round = match op.rule.round {
        PowerRound::Up => 0,
        PowerRound::Down => 1,
        PowerRound::Nearest => 2,
    };
    let mut constants = constants(from, to);
    if is_minifloat(to) {
        constants.extend([("SATURATE", op.rule.saturate.into()), ("ROUND", round)]);
    }
    Ok(Some(Box::new(Lower { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), to })))
}

fn constants(from: DType, to: DType) -> Vec<(&'static str, u32)> {
    vec![("FROM", kind(from)), ("TO", kind(to))]
}

/// The pipeline from one type to another, neither of them smaller than a byte.
pub fn pipeline(gpu: &Gpu, from: DType, to: DType) -> PipelineId {
    gpu.pipeline(Variant::new(&SHADER, &constants(from, to)))
}

/// A launch of it, for so many elements; none for none.
pub fn launch(
    pipeline: PipelineId,
    to: DType,
    len: usize,
    buffers: [Operand; 2],
) -> Result<Option<Launch<Operand>>> {
    if len == 0 {
        return Ok(None);
    }
    let work = if is_wide(to) { len } else { words(to, len) };
    let parameters = vec![word(len)?, word(words(to, len))?, 0, 0];
    Ok(Some(Launch { pipeline, buffers: buffers.to_vec(), parameters, groups: groups(work)? }))
}

struct Lower {
    pipeline: PipelineId,
    to: DType,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let buffers = [Operand::Input(0), Operand::Output(0)];
        let launch = launch(self.pipeline, self.to, count(&cx.output(0)?), buffers)?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }

    /// The type of CastLike is all that is asked of its second input.
    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
