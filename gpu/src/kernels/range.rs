//! Range of floats, and of integers from 16 to 64 bits. The host has its ends, from which the size follows.

use super::Kernel;
use super::shared::{count, groups, input_type, is_float, is_wide, kind, known_ints, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::range::Range;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("range", 0, 1);

pub fn lower(gpu: &Gpu, _: &Range, node: &Lowered<'_>) -> Result<Kernel> {
    let taken =
        |&dtype: &DType| is_float(dtype) || is_wide(dtype) || matches!(dtype, DType::I16 | DType::I32);
    let Some(dtype) = input_type(node, 0).filter(taken) else { return Ok(None) };
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype))]));
    Ok(Some(Box::new(Lower { pipeline, dtype, has_delta: node.has(2) })))
}

struct Lower {
    pipeline: PipelineId,
    dtype: DType,
    has_delta: bool,
}

impl Lower {
    /// The words of start or delta.
    fn end(&self, cx: &Binding<'_>, i: usize) -> Result<[u32; 2]> {
        let missing = || err!(Internal, "input {i} of a range is not known");
        if is_float(self.dtype) {
            let one = cx.known(i).ok_or_else(missing)?.to_f32s()?;
            return Ok([one.first().ok_or_else(missing)?.to_bits(), 0]);
        }
        let one = *known_ints(cx, i).ok_or_else(missing)?.first().ok_or_else(missing)?;
        Ok([one as u32, (one >> 32) as u32])
    }
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let len = count(&cx.output(0)?);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let one = if is_float(self.dtype) { [1f32.to_bits(), 0] } else { [1, 0] };
        let delta = if self.has_delta { self.end(cx, 2)? } else { one };
        let words = words(self.dtype, len);
        let mut parameters = vec![word(len)?, word(words)?, 0, 0];
        parameters.extend(self.end(cx, 0)?.into_iter().chain(delta));
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Output(0)],
            parameters,
            groups: groups(if is_wide(self.dtype) { len } else { words })?,
        }))
    }

    fn on_host(&self) -> &[usize] {
        &[0, 1, 2]
    }
}
