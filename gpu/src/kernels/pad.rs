//! Pad: a tensor in a frame. CenterCropPad goes through the same kernel.

use super::Kernel;
use super::shared::{MOST_AXES, count, groups, input_type, known_ints, mover, ranks_fit, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::pad::{Mode, Pad};
use edgewise_core::{DType, Result, strides};
use std::sync::Arc;

pub static SHADER: Shader = shader!("pad", 2, 1);

pub fn lower(gpu: &Gpu, op: &Arc<Pad>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0) else { return Ok(None) };
    // While the constant was an attribute it was an f32.
    let told = op.value == 0.0 || dtype == DType::F32;
    let given = op.mode == Mode::Constant && node.has(2);
    let fits = told && (!given || input_type(node, 2) == Some(dtype));
    let frame = Frame::of(gpu, dtype, op.mode, given).filter(|frame| fits && frame.takes(node));
    Ok(frame.map(|frame| Box::new(Lower { frame, given, op: op.clone() }) as _))
}

/// What frames elements of one type.
pub struct Frame {
    pipeline: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
    mode: Mode,
}

/// Along an axis: what is put before its elements, and what becomes of their number. Negative ones crop.
pub type Pads = (i64, i64);

impl Frame {
    /// Of elements of that type, if they can be moved; `given` says that the constant is an input.
    pub fn of(gpu: &Gpu, dtype: DType, mode: Mode, given: bool) -> Option<Frame> {
        let (unit, units) = mover(dtype)?;
        let number = match mode {
            Mode::Constant => 0,
            Mode::Reflect => 1,
            Mode::Edge => 2,
            Mode::Wrap => 3,
        };
        let constants = [("KIND", unit as u32), ("MODE", number), ("GIVEN", given.into())];
        Some(Frame { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), unit, units, mode })
    }

    /// Whether the axes of a node's tensors can be walked, with that of an element's units.
    pub fn takes(&self, node: &Lowered<'_>) -> bool {
        let rank = node.fact(0).and_then(|fact| Some(fact.dims.as_ref()?.len()));
        ranks_fit(node) && rank.is_some_and(|rank| rank + usize::from(self.units > 1) <= MOST_AXES)
    }

    /// The launch that makes output 0 of input 0, with pads for each axis and the constant's bits, or with what
    /// holds that.
    pub fn bind(&self, cx: &Binding<'_>, pads: &[Pads], value: u32, given: Option<Operand>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let len = count(&y) * self.units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let (mut start, mut rows) = (0, Vec::with_capacity(4 * MOST_AXES));
        let steps = strides(&x);
        for (((&size, &step), &whole), &(before, after)) in x.iter().zip(&steps).zip(&y).zip(pads) {
            // Negative pads crop first; what is left is what the other modes mirror, extend or repeat.
            let crop = usize::try_from(before.min(0).unsigned_abs()).unwrap_or(usize::MAX).min(size);
            let end = usize::try_from((size as i64).saturating_add(after.min(0)).max(0)).unwrap_or(0);
            let left = end.saturating_sub(crop);
            ensure!(
                left > 0 || self.mode == Mode::Constant,
                InvalidInput,
                "an axis of size {size} has nothing to pad with in mode {:?}",
                self.mode
            );
            start += crop * step * self.units;
            rows.extend([word(whole)?, before.max(0) as u32, word(left)?, word(step * self.units)?]);
        }
        if self.units > 1 {
            rows.extend([self.units as u32, 0, self.units as u32, 1]);
        }
        let (words, axes) = (words(self.unit, len), rows.len() / 4);
        rows.resize(4 * MOST_AXES, 0);
        let mut parameters = vec![word(len)?, word(words)?, word(axes)?, word(start)?];
        parameters.extend([value, self.units as u32, 0, 0]);
        parameters.extend(rows);
        let buffers = vec![Operand::Input(0), given.unwrap_or(Operand::Input(0)), Operand::Output(0)];
        Ok(Bound::one(Launch { pipeline: self.pipeline, buffers, parameters, groups: groups(words)? }))
    }
}

struct Lower {
    frame: Frame,
    /// Whether the constant is an input.
    given: bool,
    op: Arc<Pad>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let rank = cx.input(0)?.len();
        if self.given {
            let shape = cx.input(2)?;
            ensure!(
                count(&shape) == 1,
                InvalidInput,
                "the value must be one element, its shape is {shape:?}"
            );
        }
        let mut pads = vec![(0, 0); rank];
        let told = self.op.given(rank, |i| known_ints(cx, i))?;
        for (axis, before, after) in told.ok_or_else(|| err!(Internal, "the pads are not known"))? {
            pads.get_mut(axis).into_iter().for_each(|pad| *pad = (before, after));
        }
        self.frame.bind(cx, &pads, self.op.value.to_bits(), self.given.then_some(Operand::Input(2)))
    }

    fn on_host(&self) -> &[usize] {
        if self.given { &[1, 3] } else { &[1, 2, 3] }
    }
}
