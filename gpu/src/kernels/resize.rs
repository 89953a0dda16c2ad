//! Resize and Upsample of floats and of small integers, along one axis after the other, by tables that core computes;
//! those to the nearest element are in `resize_nearest.rs`. Regions must be constants.
//!
//! What a reader would get wrong: sums are taken as on the host, product by product, so that integers come out equal
//! to the bit when they are rounded in the end.

use super::arrange::scratch;
use super::narrow::Narrow;
use super::packed_bytes::held;
use super::quantize_linear::{Kinds, of_one_scale};
use super::resize_nearest::Places;
use super::shared::{
    append, can_be_walked, count, groups, input_type, into, is_float, kind, known_ints, word, words,
};
use super::table::Tables;
use super::{Kernel, resize_nearest};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::cpu::Taps;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Memory, Operand, PipelineId};
use edgewise_core::ops::resize::{Axis, Coordinates, Mode, Resize};
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("resize", 2, 1)];

pub fn lower(gpu: &Gpu, op: &Resize, node: &Lowered<'_>) -> Result<Kernel> {
    let crops = op.coordinates == Coordinates::TfCropAndResize;
    if crops && node.constant(op.roi).is_none() {
        return Ok(None);
    }
    if op.mode == Mode::Nearest {
        return resize_nearest::lower(gpu, op, node);
    }
    let (Some(dtype), [shader], true) = (input_type(node, 0), SHADERS, can_be_walked(node.inputs)) else {
        return Ok(None);
    };
    let last = match dtype {
        dtype if is_float(dtype) => Last::Floats(Narrow::to(gpu, dtype)),
        DType::U8 | DType::I8 | DType::U16 | DType::I16 => Last::Integers(Rounded::to(gpu, dtype)?),
        _ => return Ok(None),
    };
    let Some(tables) = Tables::new(gpu) else { return Ok(None) };
    let outside = if crops { Places::new(gpu, op, dtype)? } else { None };
    let of = |dtype| gpu.pipeline(Variant::new(shader, &[("KIND", kind(dtype))]));
    Ok(Some(Box::new(Resized {
        op: op.clone(),
        first: of(dtype),
        next: of(DType::F32),
        last,
        tables,
        outside,
        dtype,
        on_host: on_host(op, node),
    })))
}

/// The inputs that say how large things become.
pub fn on_host(op: &Resize, node: &Lowered<'_>) -> Vec<usize> {
    [op.roi, op.scales, op.sizes].into_iter().filter(|&i| node.has(i)).collect()
}

struct Resized {
    op: Resize,
    /// From the input.
    first: PipelineId,
    /// From floats of 32 bits.
    next: PipelineId,
    last: Last,
    tables: Tables,
    /// What puts something else where positions lie outside.
    outside: Option<Places>,
    dtype: DType,
    on_host: Vec<usize>,
}

/// What becomes of f32 in the end.
enum Last {
    Floats(Narrow),
    Integers(Rounded),
}

/// f32 rounded to integers, as if they were quantized in steps of one.
struct Rounded {
    pipeline: PipelineId,
    one: Memory,
    dtype: DType,
}

impl Rounded {
    fn to(gpu: &Gpu, y: DType) -> Result<Rounded> {
        let f32 = DType::F32;
        let kinds = Kinds { x: f32, scale: f32, quotient: f32, y, zeros: false, saturate: true };
        let one = held(gpu, &[1f32.to_bits()], "a scale")?;
        Ok(Rounded { pipeline: kinds.pipeline(gpu)?, one, dtype: y })
    }

    /// The launch from scratch 0, of which the place is kept, to output 0.
    fn finish(&self, bound: &mut Bound, len: usize) -> Result<()> {
        if let Some(first) = bound.scratch.first_mut() {
            *first = 4 * len as u64;
        }
        let one = || Operand::Held(self.one.clone());
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Scratch(0), one(), one(), Operand::Output(0)],
            parameters: of_one_scale(len, self.dtype)?,
            groups: groups(words(self.dtype, len))?,
        });
        Ok(())
    }
}

/// What the axes of input 0 become.
pub fn axes_of(op: &Resize, cx: &Binding<'_>, x: &[usize], out: &[usize]) -> Result<Vec<Axis>> {
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

/// Start and end of the region of each axis.
pub fn regions(op: &Resize, cx: &Binding<'_>, rank: usize) -> Result<Vec<(f64, f64)>> {
    if op.coordinates != Coordinates::TfCropAndResize {
        return Ok(vec![(0.0, 1.0); rank]);
    }
    let roi = cx.known(op.roi).ok_or_else(|| err!(Internal, "the region is not known"))?;
    op.regions_of(&roi.to_f32s()?, rank)
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
        let mut places = Vec::with_capacity(out.len());
        let regions = regions(&self.op, cx, x.len())?;
        for (i, (axis, region)) in axes_of(&self.op, cx, &x, &out)?.iter().zip(regions).enumerate() {
            let taps = self.op.spans(axis, region)?;
            let outside = self.op.outside(axis, region)?;
            places.push(outside.into_iter().enumerate().map(|(i, out)| (!out).then_some(i)).collect());
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
        let weighed = match &self.last {
            Last::Floats(narrow) => narrow.after(len, |y| self.along(&x, &steps, &y))?,
            Last::Integers(rounded) => {
                let mut bound = self.along(&x, &steps, &Operand::Scratch(0))?;
                rounded.finish(&mut bound, len)?;
                bound
            }
        };
        let Some(outside) = &self.outside else { return Ok(weighed) };
        let mut bound = Bound::nothing();
        let whole = scratch(&mut bound, 4 * words(self.dtype, len));
        append(&mut bound, weighed, into(&whole));
        outside.take(&mut bound, whole, &out, &places)?;
        Ok(bound)
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
