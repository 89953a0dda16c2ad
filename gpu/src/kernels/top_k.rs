//! TopK: rows are sorted in blocks, of which no more entries are kept than are asked for, until one block is left.
//! Where more are asked for than a block can give away, steps between blocks sort the rows whole.

use super::Kernel;
use super::arrange::scratch;
use super::shared::{count, groups, input_type, is_float, is_integer, is_wide, kind, mover};
use super::shared::{rows_of_groups, word, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::top_k::TopK;
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[
    shader!("top_k_first", 1, 1),
    shader!("top_k_next", 1, 1),
    shader!("top_k_step", 0, 1),
    shader!("top_k", 2, 1),
];

/// Entries of a block, as the shaders have them.
const BLOCK: usize = 512;
/// Bytes of an entry.
const ENTRY: usize = 16;
/// Entries that every GPU can see.
const MOST_ENTRIES: usize = (128 << 20) / ENTRY;

pub fn lower(gpu: &Gpu, op: &TopK, node: &Lowered<'_>) -> Result<Kernel> {
    let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype) || is_integer(dtype) || is_wide(dtype));
    let (Some(dtype), [first, next, step, last]) = (dtype, SHADERS) else { return Ok(None) };
    let Some((unit, units)) = mover(dtype) else { return Ok(None) };
    let of = |shader, constants: &[(&'static str, u32)]| gpu.pipeline(Variant::new(shader, constants));
    let sort = Sort {
        first: of(first, &[("KIND", kind(dtype)), ("LARGEST", op.largest.into())]),
        next: of(next, &[("MERGE", 0)]),
        merge: of(next, &[("MERGE", 1)]),
        step: of(step, &[]),
    };
    let values = of(last, &[("KIND", unit as u32)]);
    let places = of(last, &[("KIND", kind(DType::U32)), ("PLACES", 1)]);
    Ok(Some(Box::new(Lower { sort, values, places, unit, units, axis: op.axis })))
}

struct Lower {
    sort: Sort,
    values: PipelineId,
    places: PipelineId,
    unit: DType,
    /// Units of an element.
    units: usize,
    axis: i64,
}

struct Sort {
    first: PipelineId,
    next: PipelineId,
    merge: PipelineId,
    step: PipelineId,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let wants = |i: usize| cx.outputs.get(i).is_some_and(Option::is_some);
        let (x, y) = (cx.input(0)?, cx.output(if wants(0) { 0 } else { 1 })?);
        let axis = normalize_axis(self.axis, x.len())?;
        let size = |shape: &[usize]| shape.get(axis).copied().unwrap_or(0);
        let (row, k) = (size(&x), size(&y));
        let mut bound = Bound::nothing();
        if count(&y) == 0 {
            return Ok(bound);
        }
        let step = count(x.get(axis + 1..).unwrap_or(&[]));
        let rows = Rows { rows: count(&x) / row, row, step };
        let (entries, kept) = self.sort.launches(&mut bound, rows, k)?;
        for (i, pipeline, unit, units) in
            [(0, self.values, self.unit, self.units), (1, self.places, DType::U32, 2)]
        {
            if !wants(i) {
                continue;
            }
            let len = count(&y) * units;
            let words = words(unit, len);
            let sizes = [len, words, k, kept, row, step, units, 0];
            bound.launches.push(Launch {
                pipeline,
                buffers: vec![Operand::Input(0), entries.clone(), Operand::Output(i)],
                parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
                groups: groups(words)?,
            });
        }
        Ok(bound)
    }

    /// How many are asked for is a size of the output.
    fn on_host(&self) -> &[usize] {
        &[1]
    }
}

/// What is sorted: how many rows, elements of each, and from one of those to the next.
#[derive(Clone, Copy)]
struct Rows {
    rows: usize,
    row: usize,
    step: usize,
}

impl Sort {
    /// The launches behind which the first `k` entries of every row are in order: where, and how many each has.
    fn launches(&self, bound: &mut Bound, rows: Rows, k: usize) -> Result<(Operand, usize)> {
        // Half a block at most, so that every time fewer are left.
        let whole = k > BLOCK / 2;
        let mut blocks = rows.row.div_ceil(BLOCK);
        if whole {
            blocks = blocks.next_power_of_two();
        }
        let keep = |blocks: usize| if whole || blocks == 1 { BLOCK } else { k };
        let mut kept = keep(blocks);
        let mut entries = self.entries(bound, rows.rows * blocks * kept)?;
        let sizes = [rows.rows, rows.row, rows.step, blocks, kept, 0, 0, 0];
        bound.launches.push(Launch {
            pipeline: self.first,
            buffers: vec![Operand::Input(0), entries.clone()],
            parameters: sizes.into_iter().map(word).collect::<Result<_>>()?,
            groups: rows_of_groups(rows.rows * blocks)?,
        });
        if whole {
            entries = self.between_blocks(bound, entries, rows.rows, blocks)?;
            return Ok((entries, blocks * BLOCK));
        }
        while blocks > 1 {
            let len = blocks * kept;
            blocks = len.div_ceil(BLOCK);
            kept = keep(blocks);
            let to = self.entries(bound, rows.rows * blocks * kept)?;
            let sizes = [rows.rows, len, blocks, kept];
            bound.launches.push(self.blocks(self.next, [entries, to.clone()], sizes)?);
            entries = to;
        }
        Ok((entries, kept))
    }

    /// The rest of a sort of rows whose blocks are in order, of which there is a power of two.
    fn between_blocks(
        &self,
        bound: &mut Bound,
        mut entries: Operand,
        rows: usize,
        blocks: usize,
    ) -> Result<Operand> {
        let len = blocks * BLOCK;
        let pairs = rows * len / 2;
        let mut spare = if blocks > 1 { self.entries(bound, rows * len)? } else { entries.clone() };
        let mut size = BLOCK;
        while size < len {
            let mut half = size;
            while half >= BLOCK {
                let mirrored = usize::from(half == size);
                bound.launches.push(Launch {
                    pipeline: self.step,
                    buffers: vec![entries.clone()],
                    parameters: vec![word(pairs)?, word(half)?, word(mirrored)?, 0],
                    groups: groups(pairs)?,
                });
                half /= 2;
            }
            let buffers = [entries.clone(), spare.clone()];
            bound.launches.push(self.blocks(self.merge, buffers, [rows, len, blocks, BLOCK])?);
            std::mem::swap(&mut entries, &mut spare);
            size *= 2;
        }
        Ok(entries)
    }

    /// Entries that blocks give away: `sizes` are rows, entries of each, its blocks, and how many each keeps.
    fn blocks(
        &self,
        pipeline: PipelineId,
        buffers: [Operand; 2],
        sizes: [usize; 4],
    ) -> Result<Launch<Operand>> {
        let [rows, _, blocks, _] = sizes;
        let parameters = sizes.into_iter().map(word).collect::<Result<_>>()?;
        Ok(Launch { pipeline, buffers: buffers.to_vec(), parameters, groups: rows_of_groups(rows * blocks)? })
    }

    fn entries(&self, bound: &mut Bound, len: usize) -> Result<Operand> {
        ensure!(len <= MOST_ENTRIES, LimitExceeded, "{len} entries are too many for the GPU to sort");
        Ok(scratch(bound, len * ENTRY))
    }
}
