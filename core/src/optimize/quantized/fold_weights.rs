//! Constants of any size that a model quantizes, or moves around, are made so once, while it is loaded.

use super::movers::{Moves, moves};
use super::{Draft, Patch};
use crate::Result;
use crate::cpu::eval_one;
use crate::graph::NodeId;
use crate::ops::Op;

/// Replaces a QuantizeLinear, a Transpose or a Reshape of a constant by its result, which is no larger.
pub fn fold_weights(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let quantizes = matches!(node.op, Op::QuantizeLinear(_));
    // The first constant goes, unless others need it: then there would be two.
    let alone = || node.input(0).is_some_and(|x| draft.only_user(x).is_some());
    let turns = || moves(node) == Some(Moves::All) && alone();
    if quantizes || turns() { fold(draft, id) } else { Ok(None) }
}

/// Replaces a DequantizeLinear of a constant by its result, once no integer operator can take the constant.
pub fn fold_dequantized(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    match draft.get(id) {
        Some(node) if matches!(node.op, Op::DequantizeLinear(_)) => fold(draft, id),
        _ => Ok(None),
    }
}

fn fold(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let [Some(y)] = node.outputs[..] else { return Ok(None) };
    let Some((dtype, shape)) = draft.fact(y).and_then(|fact| Some((fact.dtype()?, fact.shape()?))) else {
        return Ok(None);
    };
    let inputs = node.inputs.iter().map(|input| match input {
        Some(id) => draft.stored(*id).cloned().map(Some),
        None => Some(None),
    });
    let inputs = inputs.collect::<Option<Vec<_>>>().filter(|_| !draft.is_output(y));
    let Some(inputs) = inputs else { return Ok(None) };
    let (mut patch, op) = (Patch::new(draft), node.op.clone());
    let constant =
        patch.derived_of_all(draft.name(y), inputs, (dtype, &shape), move |of| eval_one(&op, of))?;
    patch.replace(y, constant);
    Ok(Some(patch))
}
