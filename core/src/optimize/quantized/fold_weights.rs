//! Constants of any size that a model quantizes, or moves around, are made so once, while it is loaded.

use super::movers::{Moves, moves};
use super::{Draft, Patch};
use crate::graph::NodeId;
use crate::ops::Op;
use crate::{Result, Value, cpu};

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
    if draft.is_output(y) {
        return Ok(None);
    }
    let constant = |id: &crate::graph::ValueId| draft.constant(*id)?.to_tensor().ok();
    let inputs: Option<Vec<Option<Value>>> = node
        .inputs
        .iter()
        .map(|input| {
            input.as_ref().map(|id| constant(id).map(Value::from)).map_or(Some(None), |x| x.map(Some))
        })
        .collect();
    let Some(inputs) = inputs else { return Ok(None) };
    let Some(Value::Tensor(tensor)) = cpu::eval(&node.op, &inputs, &[true])?.into_iter().next().flatten()
    else {
        return Ok(None);
    };
    let mut patch = Patch::new(draft);
    let constant = patch.constant(draft.name(y), tensor);
    patch.replace(y, constant);
    Ok(Some(patch))
}
