//! Resize and Upsample of floats, along one axis after the other, by tables that core computes. Regions are left
//! to the host.

use super::Kernel;
use super::narrow::Narrow;
use super::shared::{count, groups, input_type, is_float, kind, known_ints, ranks_fit, word};
use super::table::Tables;
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::cpu::Taps;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::resize::{Axis, Coordinates, Resize};
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("resize", 2, 1)];

pub fn lower(gpu: &Gpu, op: &Resize, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(dtype), [shader]) = (input_type(node, 0).filter(|&dtype| is_float(dtype)), SHADERS) else {
        return Ok(None);
    };
    if op.coordinates == Coordinates::TfCropAndResize || !ranks_fit(node) {
        return Ok(None);
    }
    let Some(tables) = Tables::new(gpu) else { return Ok(None) };
    let of = |dtype| gpu.pipeline(Variant::new(shader, &[("KIND", kind(dtype))]));
    Ok(Some(Box::new(Resized {
        op: op.clone(),
        first: of(dtype),
        next: of(DType::F32),
        narrow: Narrow::to(gpu, dtype),
        tables,
        on_host: [op.roi, op.scales, op.sizes].into_iter().filter(|&i| node.has(i)).collect(),
    })))
}

struct Resized {
    op: Resize,
    /// From the input.
    first: PipelineId,
    /// From floats of 32 bits.
    next: PipelineId,
    narrow: Narrow,
    tables: Tables,
    on_host: Vec<usize>,
}

impl Resized {
    fn axes(&self, cx: &Binding<'_>, x: &[usize], out: &[usize]) -> Result<Vec<Axis>> {
        let op = &self.op;
        if let Some(scales) = &op.fixed_scales {
            return op.by_scales(x, scales);
        }
        // An input without elements says nothing.
        if cx.optional(op.sizes).is_some_and(|shape| count(&shape) > 0) {
            // Sizes that are known nowhere are those of the result.
            let size = |&axis: &usize| out.get(axis).map_or(0, |&size| size as i64);
            let of_result: Vec<i64> = op.axes(x.len())?.iter().map(size).collect();
            return op.by_sizes(x, &known_ints(cx, op.sizes).unwrap_or(of_result));
        }
        match cx.known(op.scales) {
            Some(scales) if !scales.is_empty() => op.by_scales(x, &scales.to_f32s()?),
            _ if x.is_empty() => Ok(Vec::new()),
            _ => Err(err!(InvalidModel, "either scales or sizes must be given")),
        }
    }
}

impl DeviceKernel for Resized {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, out) = (cx.input(0)?, cx.output(0)?);
        let len = count(&out);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        ensure!(count(&x) != 0, InvalidInput, "cannot resize {x:?}, which has no elements, to {out:?}");
        let mut steps: Vec<(usize, Taps)> = Vec::new();
        for (i, axis) in self.axes(cx, &x, &out)?.iter().enumerate() {
            let taps = self.op.spans(axis)?;
            let same =
                axis.len == axis.out && taps.spans().enumerate().all(|(i, span)| span == (i, &[1.0][..]));
            if !same {
                steps.push((i, taps));
            }
        }
        if steps.is_empty() {
            // Nothing changes: one step along any axis copies.
            steps.push((0, Taps::single(0..x.first().copied().unwrap_or(1))));
        }
        self.narrow.after(len, |y| self.along(&x, &steps, &y))
    }

    fn on_host(&self) -> &[usize] {
        &self.on_host
    }
}

impl Resized {
    /// The launches along those axes, one after the other.
    fn along(&self, x: &[usize], steps: &[(usize, Taps)], y: &Operand) -> Result<Bound> {
        let mut bound = Bound::default();
        if let Operand::Scratch(_) = y {
            // Its place is kept, and its size told by who asked for it.
            bound.scratch.push(0);
        }
        let mut shape = x.to_vec();
        let (mut from, mut pipeline) = (Operand::Input(0), self.first);
        word(count(x))?;
        for (i, (axis, taps)) in steps.iter().enumerate() {
            let most = taps.spans().map(|(_, weights)| weights.len()).max().unwrap_or(0);
            let mut words = Vec::new();
            for (start, weights) in taps.spans() {
                words.extend([word(start)?, word(weights.len())?]);
                words.extend(weights.iter().map(|&w| (w as f32).to_bits()));
                words.resize(words.len() + most - weights.len(), 0);
            }
            let positions = taps.spans().count();
            let len = shape.get(*axis).copied().unwrap_or(1);
            if let Some(size) = shape.get_mut(*axis) {
                *size = positions;
            }
            let inner = count(shape.get(axis + 1..).unwrap_or(&[]));
            let elements = count(&shape);
            let table = self.tables.write(&mut bound, &words)?;
            let to = match i + 1 == steps.len() {
                true => y.clone(),
                false => {
                    bound.scratch.push(4 * elements as u64);
                    Operand::Scratch(bound.scratch.len() - 1)
                }
            };
            let sizes = [elements, len, positions, inner, most + 2, 0, 0, 0];
            bound.launches.push(Launch {
                pipeline,
                buffers: vec![from, table, to.clone()],
                parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
                groups: groups(elements)?,
            });
            (from, pipeline) = (to, self.next);
        }
        Ok(bound)
    }
}
