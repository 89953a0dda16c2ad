//! ReverseSequence: the first entries of every sample, backward.

use super::Kernel;
use super::gather::wide_indices;
use super::shared::{count, groups, input_type, mover, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::reverse_sequence::ReverseSequence;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("reverse_sequence", 2, 2);

pub fn lower(gpu: &Gpu, op: &ReverseSequence, node: &Lowered<'_>) -> Result<Kernel> {
    let unit = input_type(node, 0).and_then(mover);
    let (Some((unit, units)), Some(wide)) = (unit, wide_indices(node, 1)) else { return Ok(None) };
    let constants =
        [("KIND", unit as u32), ("WIDE_INDICES", wide.into()), ("TIME_FIRST", op.time_first.into())];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    Ok(Some(Box::new(Lower { pipeline, unit, units, time_first: op.time_first })))
}

struct Lower {
    pipeline: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
    time_first: bool,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, lengths) = (cx.input(0)?, count(&cx.input(1)?));
        let &[first, second, ref inner @ ..] = &x[..] else {
            bail!(InvalidModel, "expected at least two axes, got {x:?}");
        };
        let (time, batch) = if self.time_first { (first, second) } else { (second, first) };
        ensure!(lengths == batch, InvalidInput, "there are {lengths} lengths for {batch} samples");
        let len = count(&x) * self.units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let words = words(self.unit, len);
        let sizes = [len, words, first, second, count(inner) * self.units, cx.word, 0, 0];
        let launch = Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0), Operand::Status],
            parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
            groups: groups(words)?,
        };
        Ok(Bound { checks: vec![Check::Entries(time)], ..Bound::one(launch) })
    }
}
