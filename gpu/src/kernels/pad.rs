//! Pad of elements of at most a word, where the pads are known.

use super::Kernel;
use super::shared::{
    MOST_AXES, count, groups, input_type, known_ints, mover, ranks_fit, will_be_known, word, words,
};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::pad::{Mode, Pad};
use edgewise_core::{DType, Result, strides};
use std::sync::Arc;

pub static SHADER: Shader = shader!("pad", 1, 1);

pub fn lower(gpu: &Gpu, op: &Arc<Pad>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0) else { return Ok(None) };
    let Some((unit, 1)) = mover(dtype) else { return Ok(None) };
    let known = will_be_known(node, 1) && will_be_known(node, 3);
    let value = match node.constant(2) {
        Some(value) if value.len() == 1 && value.dtype() == dtype => Some(bits(value.bytes())),
        Some(_) => None,
        None if node.has(2) && op.mode == Mode::Constant => None,
        None if op.value == 0.0 => Some(0),
        None => (dtype == DType::F32).then(|| op.value.to_bits()),
    };
    let (Some(value), true) = (value, known && ranks_fit(node)) else { return Ok(None) };
    let mode = match op.mode {
        Mode::Constant => 0,
        Mode::Reflect => 1,
        Mode::Edge => 2,
        Mode::Wrap => 3,
    };
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", unit as u32), ("MODE", mode)]));
    Ok(Some(Box::new(Lower { pipeline, unit, value, op: op.clone() })))
}

/// The bits of an element of at most a word.
fn bits(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u32::from(byte))
}

struct Lower {
    pipeline: PipelineId,
    unit: DType,
    value: u32,
    op: Arc<Pad>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let len = count(&y);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let pads = self.op.given(x.len(), |i| known_ints(cx, i))?;
        let pads = pads.ok_or_else(|| err!(Internal, "the pads are not known"))?;
        let (mut before, mut after) = (vec![0; x.len()], vec![0; x.len()]);
        for (axis, first, last) in pads {
            before.get_mut(axis).into_iter().for_each(|pad| *pad = first);
            after.get_mut(axis).into_iter().for_each(|pad| *pad = last);
        }
        let (mut start, mut rows) = (0, Vec::with_capacity(4 * MOST_AXES));
        let pads = before.iter().zip(&after);
        for (((&size, &step), &whole), (&before, &after)) in x.iter().zip(&strides(&x)).zip(&y).zip(pads) {
            // Negative pads crop first; what is left is what the other modes mirror, extend or repeat.
            let crop = usize::try_from(before.min(0).unsigned_abs()).unwrap_or(usize::MAX).min(size);
            let end = usize::try_from((size as i64).saturating_add(after.min(0)).max(0)).unwrap_or(0);
            let left = end.saturating_sub(crop);
            ensure!(
                left > 0 || self.op.mode == Mode::Constant,
                InvalidInput,
                "an axis of size {size} has nothing to pad with in mode {:?}",
                self.op.mode
            );
            start += crop * step;
            rows.extend([word(whole)?, before.max(0) as u32, word(left)?, word(step)?]);
        }
        rows.resize(4 * MOST_AXES, 0);
        let words = words(self.unit, len);
        let mut parameters =
            vec![word(len)?, word(words)?, word(x.len())?, word(start)?, self.value, 0, 0, 0];
        parameters.extend(rows);
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        }))
    }

    fn on_host(&self) -> &[usize] {
        &[1, 2, 3]
    }
}
