//! Operators that only move elements, so that they may change places with QuantizeLinear and
//! DequantizeLinear, which know elements one by one.

use super::Draft;
use crate::graph::{Node, ValueId};
use crate::ops::Op;
use crate::ops::max_pool::Pooling;
use crate::ops::pad;
use crate::ops::reduce::Reduction;
use crate::ops::resize;

/// What a mover does to the number of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// All of them come out, once.
    All,
    /// Some come out. Maxima of quantized numbers are some of them.
    Some,
    /// They may come out several times.
    Copies,
}

/// How a node moves the elements of its input 0 to its outputs; `None` if it does more than that.
pub fn moves(node: &Node) -> Option<Moves> {
    let single = node.outputs.len() == 1;
    match &node.op {
        Op::Reshape(_)
        | Op::Flatten(_)
        | Op::Squeeze(_)
        | Op::Transpose(_)
        | Op::DepthToSpace(_)
        | Op::ReverseSequence(_) => Some(Moves::All),
        Op::Slice(_)
        | Op::Split(_)
        | Op::Gather(_)
        | Op::GatherElements(_)
        | Op::GatherNd(_)
        | Op::Compress(_) => Some(Moves::Some),
        Op::MaxPool(pool) if single && pool.pooling == Pooling::Max => Some(Moves::Some),
        Op::GlobalPool(pool) if pool.pooling == Pooling::Max => Some(Moves::Some),
        Op::Reduce(reduce) if matches!(reduce.kind, Reduction::ReduceMax | Reduction::ReduceMin) => {
            Some(Moves::Some)
        }
        Op::Expand(_) | Op::Tile(_) => Some(Moves::Copies),
        Op::Pad(pad) if pad.mode != pad::Mode::Constant => Some(Moves::Copies),
        Op::Resize(op) => {
            let inside = op.coordinates != resize::Coordinates::TfCropAndResize;
            (op.mode == resize::Mode::Nearest && inside).then_some(Moves::Copies)
        }
        _ => None,
    }
}

/// The known number that a Pad puts around its input.
pub fn fill(draft: &Draft, node: &Node) -> Option<f32> {
    let Op::Pad(pad) = &node.op else { return None };
    let value = match node.input(2) {
        None => pad.value,
        Some(value) => draft.single(value)?.scalar_f32().ok()?,
    };
    (pad.mode == pad::Mode::Constant).then_some(value)
}

/// The inputs of a mover that is to move something else, and to put something else around it.
pub fn inputs_with(node: &Node, moved: Option<ValueId>, fill: Option<ValueId>) -> Vec<Option<ValueId>> {
    let mut inputs = node.inputs.clone();
    inputs.resize(inputs.len().max(if fill.is_some() { 3 } else { 1 }), None);
    inputs[0] = moved;
    if fill.is_some() {
        inputs[2] = fill;
    }
    inputs
}
