//! Identity goes: whoever took its output takes its input.

use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;

/// Removes an Identity that is not there to give a graph's output its name.
pub fn remove_identity(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Op::Identity(_), [Some(x)], [Some(y)]) = (&node.op, &node.inputs[..], &node.outputs[..]) else {
        return Ok(None);
    };
    if draft.is_output(*y) {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    patch.replace(*y, *x);
    Ok(Some(patch))
}
