//! What MatMul, Gemm and Linear share: a product by tiles, and what follows it.

use super::activation::Function;
use super::matmul::SHADER;
use super::narrow::Narrow;
use super::shared::{Axis, Parameters, count, is_float, kind, merged, ranks_fit, word};
use crate::Gpu;
use crate::shader::Variant;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::matmul::{Factor, Flip};
use edgewise_core::{Result, strides};

/// Rows and columns of a tile.
const TILE: usize = 64;
/// Groups along one dimension that every GPU can launch.
const MOST_GROUPS: usize = 65_535;

/// What is multiplied and what follows.
#[derive(Clone, Copy)]
pub struct Product {
    pub left: Flip,
    pub right: Flip,
    pub alpha: f32,
    /// What the addend is multiplied with.
    pub beta: f32,
    pub activation: Function,
    /// An input that is one row of the result.
    pub row: Option<usize>,
    /// An input that broadcasts to the result.
    pub addend: Option<usize>,
}

impl Product {
    /// Two factors and nothing else.
    pub fn plain(left: Flip, right: Flip, alpha: f32) -> Product {
        let activation = Function { number: 0, parameters: [0.0; 4] };
        Product { left, right, alpha, beta: 1.0, activation, row: None, addend: None }
    }

    /// The kernel, where all inputs are floats of one type.
    pub fn lower(self, gpu: &Gpu, node: &Lowered<'_>) -> Option<Box<dyn DeviceKernel>> {
        let dtype = node.fact(0)?.dtype().filter(|&dtype| is_float(dtype))?;
        let same =
            (1..node.inputs.len()).all(|i| node.fact(i).is_none_or(|fact| fact.dtype() == Some(dtype)));
        let variant = Variant::new(
            &SHADER,
            &[
                ("KIND", kind(dtype)),
                ("HAS_ROW", self.row.is_some().into()),
                ("HAS_ADDEND", self.addend.is_some().into()),
                ("ACTIVATION", self.activation.number),
            ],
        );
        (same && ranks_fit(node)).then(|| {
            Box::new(Lower { pipeline: gpu.pipeline(variant), narrow: Narrow::to(gpu, dtype), of: self }) as _
        })
    }
}

struct Lower {
    pipeline: PipelineId,
    narrow: Narrow,
    of: Product,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (a, b, total) = (cx.input(0)?, cx.input(1)?, count(&cx.output(0)?));
        if total == 0 {
            return Ok(Bound::nothing());
        }
        let (left, right) = (Factor::left(&a, self.of.left)?, Factor::right(&b, self.of.right)?);
        let (rows, cols, depth) = (left.rows, right.cols, left.cols);
        let left = Lies::of(&a, self.of.left, true);
        let right = Lies::of(&b, self.of.right, false);
        let addend = match self.of.addend {
            Some(i) => Lies::of(&cx.input(i)?, Flip::default(), true),
            None => Lies::default(),
        };
        let batches = total / (rows * cols);
        let axes = batch_axes([&left, &right, &addend]);
        let head = [rows, cols, depth, batches].map(word).into_iter().collect::<Result<Vec<u32>>>()?;
        let mut parameters = Parameters(head);
        for lies in [&left, &right, &addend] {
            parameters.0.extend(lies.matrix.map(|step| step as u32));
        }
        let mut parameters = parameters.floats(&[self.of.alpha, self.of.beta]);
        parameters = parameters.floats(&self.of.activation.parameters);
        parameters.0.extend([word(axes.len())?, 0, 0, 0]);
        let parameters = parameters.axes(&axes)?.0;

        let mut bound = Bound::nothing();
        let y = self.narrow.output(&mut bound, 0, total);
        // What is left out is bound all the same: as a factor, which nobody reads there.
        let operand = |i: Option<usize>| Operand::Input(i.unwrap_or(0));
        let (x, z) = (cols.div_ceil(TILE), rows.div_ceil(TILE));
        ensure!(
            x.max(z) <= MOST_GROUPS,
            LimitExceeded,
            "a product of {rows} rows and {cols} columns is too large"
        );
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![
                Operand::Input(0),
                Operand::Input(1),
                operand(self.of.row),
                operand(self.of.addend),
                y.clone(),
            ],
            parameters,
            groups: [x as u32, z as u32, batches.min(MOST_GROUPS) as u32],
        });
        self.narrow.finish(&mut bound, &y, 0, total)?;
        Ok(bound)
    }
}

/// How a factor lies in memory.
#[derive(Debug, Default, PartialEq)]
pub struct Lies {
    /// The batch's axes, and their steps.
    batch: Vec<(usize, usize)>,
    /// From row to row, from column to column.
    pub matrix: [usize; 2],
}

impl Lies {
    /// A dense tensor whose axes are flipped; one axis alone is a row on the left, a column on the right.
    pub fn of(shape: &[usize], flip: Flip, left: bool) -> Lies {
        let steps = strides(shape);
        // Along one element there is no step, so that it broadcasts.
        let axis = |(&size, step): (&usize, usize)| (size, if size == 1 { 0 } else { step });
        let mut axes: Vec<(usize, usize)> = shape.iter().zip(steps).map(axis).collect();
        match axes.len() {
            0 => axes = vec![(1, 0), (1, 0)],
            1 if left => axes.insert(0, (1, 0)),
            1 => axes.push((1, 0)),
            n if flip.batch => axes.get_mut(..n - 1).into_iter().for_each(|outer| outer.rotate_left(1)),
            _ => {}
        }
        let (last, row) = (axes.pop().unwrap_or_default(), axes.pop().unwrap_or_default());
        let matrix = if flip.matrix { [last.1, row.1] } else { [row.1, last.1] };
        Lies { batch: axes, matrix }
    }
}

/// The batch's axes, to which those of all three broadcast.
pub fn batch_axes(all: [&Lies; 3]) -> Vec<Axis<3>> {
    let rank = all.iter().map(|lies| lies.batch.len()).max().unwrap_or(0);
    let mut axes = vec![Axis { size: 1, steps: [0; 3] }; rank];
    for (n, lies) in all.into_iter().enumerate() {
        for (axis, &(size, step)) in axes.iter_mut().rev().zip(lies.batch.iter().rev()) {
            if size != 1
                && let Some(at) = axis.steps.get_mut(n)
            {
                (axis.size, *at) = (size, step as i64);
            }
        }
    }
    merged(axes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_read_where_they_lie() {
        let lies = |shape: &[usize], matrix, batch, left| Lies::of(shape, Flip { matrix, batch }, left);
        assert_eq!(lies(&[2, 3, 5], false, false, true), Lies { batch: vec![(2, 15)], matrix: [5, 1] });
        assert_eq!(lies(&[2, 3, 5], true, false, true), Lies { batch: vec![(2, 15)], matrix: [1, 5] });
        assert_eq!(lies(&[2, 3, 5], false, true, true), Lies { batch: vec![(3, 5)], matrix: [15, 1] });
        assert_eq!(lies(&[7], false, false, true), Lies { batch: vec![], matrix: [0, 1] });
        assert_eq!(lies(&[7], false, false, false), Lies { batch: vec![], matrix: [1, 0] });
    }
}
