//! MatMul and FusedMatMul of floats, and the product that every operator around a matrix shares.
//!
//! With few rows on the left the right factor is what takes time, and `matmul_rows` reads it once; with more,
//! `matmul` works tile by tile, and splits the depth while there is one tile of rows. Which of them it is is known
//! when sizes are. What a reader would get wrong: these are three orders of summation, so rows may differ in their
//! last bits between few rows, one tile of them, and more; within each, they depend on nothing beside them.

use super::Kernel;
use super::activation::Function;
use super::join::{Join, Split};
use super::narrow::Narrow;
use super::shared::{
    Parameters, broadcast, count, input_type, is_float, kind, ranks_fit, rows_of_groups, word,
};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::matmul::{Factor, Flip, MatMul};
use edgewise_core::{DType, Dim, Result};

pub static SHADERS: &[Shader] = &[shader!("matmul", 4, 1), shader!("matmul_rows", 4, 1)];

/// So many rows are few.
const FEW: usize = 8;
/// Lines of a tile, along both sides.
const TILE: usize = 64;

pub fn lower(gpu: &Gpu, op: &MatMul, node: &Lowered<'_>) -> Result<Kernel> {
    let last = Last { alpha: op.alpha, ..Last::default() };
    Ok(Product::new(gpu, node, [op.left, op.right], last).map(|product| Box::new(product) as _))
}

/// What follows a product.
pub struct Last {
    /// What it is multiplied with.
    pub alpha: f32,
    /// The input that is added, and what that is multiplied with. It broadcasts to the rows and columns.
    pub addend: Option<(usize, f32)>,
    /// The input of the output's shape that is added.
    pub residual: Option<usize>,
    /// What the sum goes through.
    pub function: Function,
}

impl Default for Last {
    fn default() -> Last {
        Last { alpha: 1.0, addend: None, residual: None, function: Function::NONE }
    }
}

impl Last {
    /// The constants by which `common/finish.wgsl` is specialized.
    pub fn constants(&self, dtype: DType) -> [(&'static str, u32); 2] {
        [("KIND", kind(dtype)), ("FUNCTION", self.function.number)]
    }

    /// Its `Finish`, of a product that is split that way and has `len` elements.
    pub fn parameters(&self, split: Split, len: usize) -> Result<Parameters> {
        let beta = self.addend.map_or(0.0, |(_, beta)| beta);
        let floats = self.function.parameters.into_iter().chain([self.alpha, beta, 0.0, 0.0]);
        let mut parameters = Parameters::default().floats(&floats.collect::<Vec<f32>>());
        parameters.0.extend([self.addend.is_some().into(), self.residual.is_some().into(), 0, 0]);
        parameters.0.extend(split.words(len)?);
        Ok(parameters)
    }

    /// The buffers of addend and residual; where there is none, one that is there anyway.
    pub fn buffers(&self, other: &Operand) -> [Operand; 2] {
        let input = |i: Option<usize>| i.map_or_else(|| other.clone(), Operand::Input);
        [input(self.addend.map(|(i, _)| i)), input(self.residual)]
    }
}

/// A product of inputs 0 and 1.
pub struct Product {
    flips: [Flip; 2],
    last: Last,
    tiles: PipelineId,
    rows: PipelineId,
    join: Join,
    narrow: Narrow,
}

impl Product {
    /// For a node whose inputs are floats of one type.
    pub fn new(gpu: &Gpu, node: &Lowered<'_>, flips: [Flip; 2], last: Last) -> Option<Product> {
        let (dtype, [tiles, rows]) = (input_type(node, 0).filter(|&dtype| is_float(dtype))?, SHADERS) else {
            return None;
        };
        let same = node.inputs.iter().flatten().all(|fact| fact.dtype() == Some(dtype));
        if !same || !ranks_fit(node) {
            return None;
        }
        // A vector's one axis is the depth.
        let [left, right] = [0, 1].map(|i| {
            let matrix = flips.get(i).is_some_and(|flip| flip.matrix);
            (node.fact(i).and_then(|fact| fact.dims.as_ref()).map(|dims| dims.len()), matrix)
        });
        let left_deep = left.0 == Some(1) || !left.1;
        let right_deep = right.0 == Some(1) || right.1;
        let mut constants = last.constants(dtype).to_vec();
        constants.extend([("LEFT_DEEP", left_deep.into()), ("RIGHT_DEEP", right_deep.into())]);
        let whole = |i: usize| {
            let dims = node.fact(i).and_then(|fact| fact.dims.as_ref());
            let last = dims.and_then(|dims| dims.last()).and_then(Dim::known);
            u32::from(last.is_some_and(|len| len % 4 == 0))
        };
        constants.extend([("LEFT_WHOLE", whole(0)), ("RIGHT_WHOLE", whole(1))]);
        let pipeline = |shader| gpu.pipeline(Variant::new(shader, &constants));
        let (tiles, rows, join) = (pipeline(tiles), pipeline(rows), Join::new(gpu, &last, dtype)?);
        Some(Product { flips, last, tiles, rows, join, narrow: Narrow::to(gpu, dtype) })
    }
}

impl DeviceKernel for Product {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let [left_flip, right_flip] = self.flips;
        let (a, b, out) = (cx.input(0)?, cx.input(1)?, cx.output(0)?);
        let (left, right) = (Factor::left(&a, left_flip)?, Factor::right(&b, right_flip)?);
        ensure!(left.cols == right.rows, InvalidInput, "{a:?} and {b:?} do not multiply");
        let len = count(&out);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let (depth, cols) = (left.cols, right.cols);
        let left_side = Side::new(&left, left_flip, !left_flip.matrix);
        let right_side = Side::new(&right, right_flip, right_flip.matrix);
        let (mut rows, mut axes) = (left.rows, Vec::new());
        if right.batch.iter().all(|&d| d == 1) && !left_flip.any() {
            // All rows meet the same matrix: one tall product instead of many.
            rows *= count(&left.batch);
        } else {
            let batch = out.get(..out.len() - usize::from(!left.vector) - usize::from(!right.vector));
            axes = broadcast(batch.unwrap_or(&[]), [&left.batch, &right.batch]);
            for axis in &mut axes {
                axis.steps =
                    [axis.steps[0] * left_side.matrix as i64, axis.steps[1] * right_side.matrix as i64];
            }
        }
        let batch: usize = axes.iter().map(|axis| axis.size).product();
        let few = rows <= FEW;
        let cols_of_group = match (few, right_side.deep) {
            (false, _) => TILE,
            (true, true) => 8,
            (true, false) => 32,
        };
        let split = match few || rows > TILE {
            true => Split { depth, slices: 1 },
            // Whatever the number of rows and the batch, so that rows do not depend on each other.
            false => Split::of(cols.div_ceil(TILE), depth),
        };
        let tiles = rows.div_ceil(if few { 4 } else { TILE }) * cols.div_ceil(cols_of_group);
        let groups = tiles * batch * split.slices;
        let addend = self.addend_steps(cx, &out)?;
        let mut parameters = self.last.parameters(split, len)?;
        for size in [rows, cols, depth, groups] {
            parameters.0.push(word(size)?);
        }
        parameters.0.extend([word(left_side.step)?, word(right_side.step)?, 0, 0]);
        parameters.0.extend([addend[0], addend[1], word(batch)?, axes.len() as u32]);
        let parameters = parameters.axes(&axes)?.0;
        for size in [count(&a), count(&b), len] {
            word(size)?;
        }
        let lines = [[cols, rows, addend[0] as usize], [1, cols, addend[1] as usize]];
        self.narrow.after(len, |y| {
            self.join.after((&self.last, split, len), lines, y, |y| {
                let [addend, residual] = self.last.buffers(&Operand::Input(0));
                Ok(Launch {
                    pipeline: if few { self.rows } else { self.tiles },
                    buffers: vec![Operand::Input(0), Operand::Input(1), addend, residual, y],
                    parameters,
                    groups: rows_of_groups(groups)?,
                })
            })
        })
    }
}

impl Product {
    /// The addend's steps between rows and columns of the output.
    fn addend_steps(&self, cx: &Binding<'_>, out: &[usize]) -> Result<[u32; 2]> {
        if let Some(i) = self.last.residual {
            let shape = cx.input(i)?;
            ensure!(shape[..] == *out, InvalidInput, "a sum of shape {shape:?} for outputs of {out:?}");
        }
        let Some((i, _)) = self.last.addend else { return Ok([0, 0]) };
        let shape = cx.input(i)?;
        let fits = |(&c, &s): (&usize, &usize)| c == s || c == 1;
        ensure!(
            shape.len() <= 2
                && shape.len() <= out.len()
                && shape.iter().rev().zip(out.iter().rev()).all(fits),
            InvalidInput,
            "an addend of {shape:?} does not broadcast to {out:?}"
        );
        let size = |from_last: usize| shape.iter().rev().nth(from_last).copied().unwrap_or(1);
        let step = |size: usize, step: usize| if size == 1 { 0 } else { step };
        Ok([word(step(size(1), size(0)))?, word(step(size(0), 1))?])
    }
}

/// How a factor lies in memory.
struct Side {
    /// Whether elements along the depth lie side by side.
    deep: bool,
    /// Elements from one of those runs to the next.
    step: usize,
    /// Elements from one matrix to the next.
    matrix: usize,
}

impl Side {
    /// `deep` says it for a matrix; a vector always does so.
    fn new(factor: &Factor<usize>, flip: Flip, deep: bool) -> Side {
        if factor.vector {
            let len = factor.rows * factor.cols;
            return Side { deep: true, step: len, matrix: len };
        }
        let (rows, cols) = if flip.matrix { (factor.cols, factor.rows) } else { (factor.rows, factor.cols) };
        // With the batch behind the rows, a row is followed by the same row of the next matrix.
        let (step, matrix) = match flip.batch {
            true => (cols * count(&factor.batch), cols),
            false => (cols, rows * cols),
        };
        Side { deep, step, matrix }
    }
}
