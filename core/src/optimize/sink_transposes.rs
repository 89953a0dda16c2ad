//! Transposes move past operators that do not care for the order of axes, until they meet one that takes
//! them, or another that undoes them.

use super::channels_last::transpose;
use super::transpose::{order, source};
use super::{Draft, Patch};
use crate::cpu::eval_one;
use crate::graph::{Constant, Node, NodeId, ValueId, normalize_axis};
use crate::ops::Op;
use crate::ops::align::Align;
use crate::ops::concat::Concat;
use crate::ops::gated::Gated;
use crate::ops::qlinear_concat::QLinearConcat;
use crate::{Result, Tensor};
use std::sync::Arc;

/// A node that takes transposed tensors takes them as they were, and its result is transposed. Only where a
/// Transpose goes for the one that comes.
pub fn sink_transposes(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let Some((&Some(y), others)) = node.outputs.split_first() else { return Ok(None) };
    let Some(places) = tensors(draft, node) else { return Ok(None) };
    let of = |i: &usize| node.inputs.get(*i).copied().flatten();
    let orders = places.iter().filter_map(of).map(|value| order(draft, value));
    let Some(axes) = orders.collect::<Result<Vec<_>>>()?.into_iter().flatten().next() else {
        return Ok(None);
    };
    if draft.rank(y) != Some(axes.len()) {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    let mut inputs = node.inputs.clone();
    let mut goes = false;
    for &i in &places {
        let Some(value) = of(&i) else { continue };
        inputs[i] = match order(draft, value)? {
            Some(same) if same == axes => {
                // Others that take it may follow in turn.
                let follows =
                    |user| user == id || draft.get(user).is_some_and(|n| tensors(draft, n).is_some());
                goes |= draft.users(value).all(follows) && !draft.is_output(value);
                source(draft, value)
            }
            _ => match undone(draft, value, &axes, &mut patch)? {
                Some(turned) => Some(turned),
                None if draft.single(value).is_some() => Some(value),
                None => return Ok(None),
            },
        };
    }
    let Some(op) = along(&node.op, &axes)?.filter(|_| goes) else { return Ok(None) };
    let result = patch.value(format!("{}_before", draft.name(y)));
    patch.node(
        &node.name,
        (op, &node.op_name),
        inputs,
        [Some(result)].into_iter().chain(others.iter().copied()),
    );
    patch.node(draft.name(y), transpose(&axes)?, [Some(result)], [Some(y)]);
    Ok(Some(patch))
}

/// Which inputs of a node are tensors of the result's axes; `None` where it is no such operator, or its other
/// inputs are not what they must be.
fn tensors(draft: &Draft, node: &Node) -> Option<Vec<usize>> {
    let single = |i: usize| match node.inputs.get(i).copied().flatten() {
        Some(value) => draft.single(value).is_some(),
        None => true,
    };
    match &node.op {
        // Its other outputs do not depend on the order.
        Op::DynamicQuantizeLinear(_) => Some(vec![0]),
        _ if node.outputs.len() != 1 => None,
        Op::Activation(_) | Op::Unary(_) | Op::Clip(_) => Some(vec![0]),
        Op::ByteTable(_) | Op::QLinearActivation(_) | Op::Cast(_) => Some(vec![0]),
        Op::Gated(op) if **op == (Gated::PRelu { by_channel: false }) => Some(vec![0, 1]),
        Op::Compare(op) if op.align == Align::Numpy => Some(vec![0, 1]),
        Op::Where(_) => Some(vec![0, 1, 2]),
        Op::QLinearWhere(_) => Some(vec![0, 1, 4]),
        Op::Binary(op) if op.align == Align::Numpy => Some(vec![0, 1]),
        Op::Variadic(_) | Op::Concat(_) => Some((0..node.inputs.len()).collect()),
        Op::QLinearElementwise(_) => Some(vec![0, 3]),
        Op::QLinearConcat(_) => Some((2..node.inputs.len()).step_by(3).collect()),
        Op::QuantizeLinear(_) | Op::DequantizeLinear(_) if single(1) && single(2) => Some(vec![0]),
        _ => None,
    }
}

/// The operator on tensors before their axes were put into that order.
fn along(op: &Op, axes: &[usize]) -> Result<Option<Op>> {
    let moved = |axis: i64| normalize_axis(axis, axes.len()).map(|axis| axes[axis] as i64);
    Ok(Some(match op {
        Op::Concat(op) => Op::Concat(Arc::new(Concat { axis: moved(op.axis)? })),
        Op::QLinearConcat(op) => Op::QLinearConcat(Arc::new(QLinearConcat { axis: moved(op.axis)? })),
        other => other.clone(),
    }))
}

/// The constant that becomes this one, broadcast, when its axes are put into that order.
fn undone(draft: &Draft, value: ValueId, axes: &[usize], patch: &mut Patch) -> Result<Option<ValueId>> {
    let fits = |constant: &&Constant| constant.shape().len() <= axes.len() && draft.single(value).is_none();
    let Some(constant) = draft.stored(value).filter(fits) else { return Ok(None) };
    let mut shape = vec![1; axes.len() - constant.shape().len()];
    shape.extend(constant.shape());
    let mut back = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    let turned: Vec<usize> = back.iter().map(|&from| shape[from]).collect();
    let ((op, _), kind) = (transpose(&back)?, (constant.dtype(), &turned[..]));
    let turn = move |of: &Tensor| eval_one(&op, &[Some(of.clone().reshaped(&shape)?)]);
    patch.derived(draft.name(value), constant, kind, turn).map(Some)
}
