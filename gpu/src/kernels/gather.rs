//! Gather: slices picked by indices.

use super::Kernel;
use super::shared::{count, groups, input_type, kind, mover, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::gather::Gather;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("gather", 2, 2);

pub fn lower(gpu: &Gpu, op: &Gather, node: &Lowered<'_>) -> Result<Kernel> {
    let Some((unit, units)) = input_type(node, 0).and_then(mover) else {
        return Ok(None);
    };
    let Some(index @ (DType::I32 | DType::I64)) = input_type(node, 1) else {
        return Ok(None);
    };
    let constants = [("KIND", kind(unit)), ("INDEX", kind(index))];
    Ok(Some(Box::new(Lower {
        pipeline: gpu.pipeline(Variant::new(&SHADER, &constants)),
        unit,
        units,
        axis: op.axis,
    })))
}

struct Lower {
    pipeline: PipelineId,
    unit: DType,
    units: usize,
    axis: i64,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, picked) = (cx.input(0)?, count(&cx.input(1)?));
        let axis = normalize_axis(self.axis, x.len())?;
        let size = x.get(axis).copied().unwrap_or(0);
        let inner = count(x.get(axis + 1..).unwrap_or(&[])) * self.units;
        let len = count(&cx.output(0)?) * self.units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        ensure!(size > 0, InvalidInput, "an axis of size 0 has nothing to gather");
        let words = words(self.unit, len);
        let sizes = [len, words, size, picked, inner, cx.word, 0, 0];
        Ok(Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![
                Operand::Input(0),
                Operand::Input(1),
                Operand::Output(0),
                Operand::Status(Check::Index(size)),
            ],
            parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
            groups: groups(words)?,
        }))
    }
}
