//! `x · sigmoid(x)` becomes the operator.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::activation::Activation;
use crate::ops::binary::Function;
use std::sync::Arc;

/// A product of a value and its own sigmoid.
pub fn fuse_swish(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let pattern = Pattern::of(draft);
    let Some((Op::Binary(_), _, y)) = pattern.node(id) else { return Ok(None) };
    let gated = |[x, gate]: &[_; 2]| {
        let maker = draft.maker(*gate);
        maker.is_some_and(|node| match (&node.op, &node.inputs[..]) {
            (Op::Activation(op), [Some(input)]) => **op == Activation::Sigmoid && input == x,
            _ => false,
        })
    };
    let Some([x, _]) = pattern.either(y, Function::Mul).find(gated) else { return Ok(None) };
    let mut patch = Patch::new(draft);
    let op = Op::Activation(Arc::new(Activation::Swish { alpha: 1.0 }));
    patch.node(draft.name(y), (op, "Swish"), [Some(x)], [Some(y)]);
    Ok(Some(patch))
}
