//! Resize and Upsample to the nearest element, of every type: one launch for all axes.

use super::resize::{axes_of, regions};
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

pub fn lower(gpu: &Gpu, op: &Resize, node: &Lowered<'_>) -> Result<Kernel> {
    let rank = node.fact(0).and_then(|fact| Some(fact.dims.as_ref()?.len()));
    let (Some(dtype), Some(rank), true) = (input_type(node, 0), rank, can_be_walked(node.inputs)) else {
        return Ok(None);
    };
    let Some(places) = Places::new(gpu, op, dtype)?.filter(|p| rank + usize::from(p.units > 1) <= MOST_AXES)
    else {
        return Ok(None);
    };
    Ok(Some(Box::new(Lower { op: op.clone(), places, on_host: resize::on_host(op, node) })))
}

/// Elements taken from places along every axis, or put where there is none.
pub struct Places {
    pipeline: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
    tables: Tables,
    /// The bits of what stands for what lies outside.
    outside: u32,
}

impl Places {
    /// For elements of that type, where they can be moved; what lies outside must be one word or zero.
    pub fn new(gpu: &Gpu, op: &Resize, dtype: DType) -> Result<Option<Places>> {
        let (Some((unit, units)), [shader], Some(tables)) = (mover(dtype), SHADERS, Tables::new(gpu)) else {
            return Ok(None);
        };
        let value = op.extrapolated(dtype)?;
        let bytes = value.view().bytes().iter().rev();
        if units > 1 && bytes.clone().any(|&byte| byte != 0) {
            return Ok(None);
        }
        let outside = bytes.fold(0u32, |bits, &byte| bits << 8 | u32::from(byte));
        let pipeline = gpu.pipeline(Variant::new(shader, &[("KIND", unit as u32)]));
        Ok(Some(Places { pipeline, unit, units, tables, outside }))
    }

    /// The launch that takes elements of a tensor of shape `x` from the places of each axis.
    pub fn take(
        &self,
        bound: &mut Bound,
        from: Operand,
        x: &[usize],
        places: &[Vec<Option<usize>>],
    ) -> Result<()> {
        let (mut table, mut rows) = (Vec::new(), Vec::with_capacity(4 * MOST_AXES));
        for ((places, &len), &step) in places.iter().zip(x).zip(&strides(x)) {
            let unchanged = places.iter().copied().eq((0..len).map(Some));
            let begin = if unchanged { NONE } else { word(table.len())? };
            if !unchanged {
                let place = |place: &Option<usize>| place.map_or(Ok(NONE), word);
                table.extend(places.iter().map(place).collect::<Result<Vec<u32>>>()?);
            }
            rows.extend([word(places.len())?, word(step * self.units)?, begin, 0]);
        }
        if self.units > 1 {
            rows.extend([self.units as u32, 1, NONE, 0]);
        }
        let len = places.iter().map(Vec::len).product::<usize>() * self.units;
        let table = self.tables.write(bound, &table)?;
        let words = words(self.unit, len);
        let mut parameters = vec![word(len)?, word(words)?, (rows.len() / 4) as u32, self.outside];
        rows.resize(4 * MOST_AXES, 0);
        parameters.extend(rows);
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![from, table, Operand::Output(0)],
            parameters,
            groups: groups(words)?,
        });
        Ok(())
    }
}

struct Lower {
    op: Resize,
    places: Places,
    on_host: Vec<usize>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, out) = (cx.input(0)?, cx.output(0)?);
        let mut bound = Bound::nothing();
        if count(&out) == 0 {
            return Ok(bound);
        }
        ensure!(count(&x) != 0, InvalidInput, "cannot resize {x:?}, which has no elements, to {out:?}");
        let axes = axes_of(&self.op, cx, &x, &out)?;
        let places = axes.iter().zip(regions(&self.op, cx, x.len())?).map(|(axis, region)| {
            let (spans, outside) = (self.op.spans(axis, region)?, self.op.outside(axis, region)?);
            let places = spans.spans().zip(outside).map(|((place, _), outside)| (!outside).then_some(place));
            Ok(places.collect())
        });
        let places = places.collect::<Result<Vec<Vec<Option<usize>>>>>()?;
        self.places.take(&mut bound, Operand::Input(0), &x, &places)?;
        Ok(bound)
    }

    fn on_host(&self) -> &[usize] {
        &self.on_host
    }
}
