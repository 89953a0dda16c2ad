//! OneHot: `on` at the place that an index names, `off` elsewhere.

use super::Kernel;
use super::shared::{count, groups, input_type, is_float, is_integer, is_wide, kind, mover, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::one_hot::OneHot;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("one_hot", 2, 1);

pub fn lower(gpu: &Gpu, op: &OneHot, node: &Lowered<'_>) -> Result<Kernel> {
    let indices = input_type(node, 0).filter(|&dtype| is_float(dtype) || is_integer(dtype) || is_wide(dtype));
    let values = input_type(node, 2).and_then(mover);
    let (Some(indices), Some((unit, units))) = (indices, values) else { return Ok(None) };
    let constants = [("KIND", unit as u32), ("INDEX_KIND", kind(indices))];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    Ok(Some(Box::new(Lower { pipeline, unit, units, op: op.clone() })))
}

struct Lower {
    pipeline: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
    op: OneHot,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (indices, values, y) = (cx.input(0)?, cx.input(2)?, cx.output(0)?);
        ensure!(count(&values) == 2, InvalidInput, "the values must be [off, on], their shape is {values:?}");
        let axis = self.op.axis(indices.len())?;
        let len = count(&y) * self.units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let depth = y.get(axis).copied().unwrap_or(1);
        let inner = count(indices.get(axis..).unwrap_or(&[]));
        let words = words(self.unit, len);
        let sizes = [len, words, depth, inner, self.units, 0, 0, 0];
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(2), Operand::Output(0)],
            parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
            groups: groups(words)?,
        }))
    }

    /// The depth is a size of the output.
    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
