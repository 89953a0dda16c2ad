//! Cast between floats of 32 and 16 bits, integers and bool.

use super::Kernel;
use super::shared::{count, groups, in_words, input_type, is_wide, kind, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::cast::Cast;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("cast", 1, 1);

pub fn lower(gpu: &Gpu, _: &Cast, node: &Lowered<'_>) -> Result<Kernel> {
    let from = input_type(node, 0);
    let to = node.output(0).and_then(|fact| fact.dtype());
    let taken = |dtype: &DType| in_words(*dtype) || is_wide(*dtype);
    let (Some(from), Some(to)) = (from.filter(taken), to.filter(taken)) else { return Ok(None) };
    Ok(Some(Box::new(Lower { pipeline: pipeline(gpu, from, to), to })))
}

/// The pipeline from one type to another.
pub fn pipeline(gpu: &Gpu, from: DType, to: DType) -> PipelineId {
    gpu.pipeline(Variant::new(&SHADER, &[("FROM", kind(from)), ("TO", kind(to))]))
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
