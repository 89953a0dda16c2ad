//! Several QuantizeLinear or DequantizeLinear that do the same to one tensor become one.

use super::parameters::Quantized;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;

/// A tensor that more nodes take is left alone, so that comparing them stays cheap.
const MOST: usize = 64;

/// Gives the users of later conversions the result of the first one.
pub fn share_conversions(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Some(own), Some(&Some(x))) = (parameters(draft, node), node.inputs.first()) else { return Ok(None) };
    let equal = |other: &(NodeId, &Node)| {
        let same = other.0 != id && other.1.op_name == node.op_name;
        same && parameters(draft, other.1).is_some_and(|(q, _)| q.agrees_with(&own.0))
    };
    let users: Vec<NodeId> = draft.users(x).take(MOST + 1).collect();
    if users.len() > MOST {
        return Ok(None);
    }
    let others = users.into_iter().filter_map(|id| Some((id, draft.get(id)?)));
    // Nodes are visited in order: what is equal and was not merged yet comes later.
    let later: Vec<ValueId> = others.filter(equal).filter_map(|(_, other)| other.outputs[0]).collect();
    let later: Vec<ValueId> = later.into_iter().filter(|&y| !draft.is_output(y)).collect();
    if later.is_empty() {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    patch.moved(node, node.inputs.iter().copied(), node.outputs.iter().copied());
    later.into_iter().for_each(|y| patch.replace(y, own.1));
    Ok(Some(patch))
}

/// What a conversion converts by, and what it makes.
fn parameters(draft: &Draft, node: &Node) -> Option<(Quantized, ValueId)> {
    let y = *node.outputs.first()?.as_ref()?;
    match &node.op {
        Op::QuantizeLinear(_) => Some((Quantized::made_by(draft, node).ok()?, y)),
        Op::DequantizeLinear(_) => Some((Quantized::behind(draft, y).ok()?, y)),
        _ => None,
    }
}
