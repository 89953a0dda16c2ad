//! Resize and Upsample to the nearest element, of every type: one launch for all axes.

use super::resize::axes_of;
use super::shared::{MOST_AXES, can_be_walked, count, groups, input_type, mover, word, words};
use super::table::Tables;
use super::{Kernel, resize};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::resize::Resize;
use edgewise_core::{DType, Result, strides};

pub static SHADERS: &[Shader] = &[shader!("resize_nearest", 2, 1)];

/// An axis without a table.
const NONE: u32 = u32::MAX;

pub fn lower(gpu: &Gpu, op: &Resize, node: &Lowered<'_>) -> Kernel {
    let ((unit, units), [shader]) = (input_type(node, 0).and_then(mover)?, SHADERS) else { return None };
    let rank = node.fact(0)?.dims.as_ref()?.len() + usize::from(units > 1);
    if !can_be_walked(node.inputs) || rank > MOST_AXES {
        return None;
    }
    let pipeline = gpu.pipeline(Variant::new(shader, &[("KIND", unit as u32)]));
    let (tables, on_host) = (Tables::new(gpu)?, resize::on_host(op, node));
    Some(Box::new(Lower { op: op.clone(), pipeline, unit, units, tables, on_host }))
}

struct Lower {
    op: Resize,
    pipeline: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
    tables: Tables,
    on_host: Vec<usize>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, out) = (cx.input(0)?, cx.output(0)?);
        let len = count(&out) * self.units;
        if len == 0 {
            return Ok(Bound::nothing());
        }
        ensure!(count(&x) != 0, InvalidInput, "cannot resize {x:?}, which has no elements, to {out:?}");
        let (mut table, mut rows) = (Vec::new(), Vec::with_capacity(4 * MOST_AXES));
        for (axis, &step) in axes_of(&self.op, cx, &x, &out)?.iter().zip(&strides(&x)) {
            let places: Vec<usize> = self.op.spans(axis)?.spans().map(|(place, _)| place).collect();
            let unchanged = places.iter().copied().eq(0..axis.len);
            let begin = if unchanged { NONE } else { word(table.len())? };
            if !unchanged {
                table.extend(places.into_iter().map(word).collect::<Result<Vec<u32>>>()?);
            }
            rows.extend([word(axis.out)?, word(step * self.units)?, begin, 0]);
        }
        if self.units > 1 {
            rows.extend([self.units as u32, 1, NONE, 0]);
        }
        let mut bound = Bound::nothing();
        let table = self.tables.write(&mut bound, &table)?;
        let words = words(self.unit, len);
        let mut parameters = vec![word(len)?, word(words)?, (rows.len() / 4) as u32, 0];
        rows.resize(4 * MOST_AXES, 0);
        parameters.extend(rows);
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), table, Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        });
        Ok(bound)
    }

    fn on_host(&self) -> &[usize] {
        &self.on_host
    }
}
