//! Softmax, LogSoftmax and Hardmax.

use super::Kernel;
use super::narrow::Narrow;
use super::shared::{count, input_type, is_float, kind, rows_of_groups, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::softmax::{Mode, Softmax};
use edgewise_core::{DType, Result};
use std::sync::Arc;

pub static SHADER: Shader = shader!("softmax", 1, 1);

pub fn lower(gpu: &Gpu, op: &Arc<Softmax>, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_float(dtype)) else { return Ok(None) };
    Ok(Some(Box::new(Lower { slices: Slices::of(gpu, dtype, dtype, op.mode), op: op.clone() })))
}

/// What makes distributions of slices.
pub struct Slices {
    pipeline: PipelineId,
    narrow: Narrow,
}

impl Slices {
    /// From floats of one type to those of another.
    pub fn of(gpu: &Gpu, from: DType, to: DType, mode: Mode) -> Slices {
        let mode = match mode {
            Mode::Soft => 0,
            Mode::Log => 1,
            Mode::Hard => 2,
        };
        let constants = [("KIND", kind(from)), ("MODE", mode)];
        Slices { pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)), narrow: Narrow::to(gpu, to) }
    }

    /// The launches that make an output of so many elements, of which a slice has `len`, with `step` from one to the
    /// next. They give what f32 they have written, too.
    pub fn launches(
        &self,
        bound: &mut Bound,
        (total, len, step): (usize, usize, usize),
        x: Operand,
        output: usize,
    ) -> Result<Operand> {
        let y = self.narrow.output(bound, output, total);
        self.launch(bound, (total, len, step), x, y.clone())?;
        self.narrow.finish(bound, &y, output, total)?;
        Ok(y)
    }

    /// The launch that writes f32 alone.
    pub fn launch(
        &self,
        bound: &mut Bound,
        (total, len, step): (usize, usize, usize),
        x: Operand,
        y: Operand,
    ) -> Result<()> {
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![x, y],
            parameters: vec![word(total / len)?, word(len)?, word(step)?, 0],
            groups: rows_of_groups(total / len)?,
        });
        Ok(())
    }
}

struct Lower {
    slices: Slices,
    op: Arc<Softmax>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let slices = self.op.slices(x.len())?;
        let total = count(&x);
        let mut bound = Bound::nothing();
        if total > 0 {
            let len = count(x.get(slices.clone()).unwrap_or(&[]));
            let step = count(x.get(slices.end..).unwrap_or(&[]));
            self.slices.launches(&mut bound, (total, len, step), Operand::Input(0), 0)?;
        }
        Ok(bound)
    }
}
