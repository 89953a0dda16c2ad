//! A QuantizeLinear behind operators that only move elements goes before them, so that bytes are moved and
//! not floats, and meets what made the floats.

use super::movers::{Moves, moves};
use super::parameters::Quantized;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;

/// So many operators are passed at once.
const MOST: usize = 16;

/// Quantizes before elements are moved.
pub fn hoist_quantize(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Op::QuantizeLinear(_), Some(&Some(x)), Some(&Some(y))) =
        (&node.op, node.inputs.first(), node.outputs.first())
    else {
        return Ok(None);
    };
    if !Quantized::made_by(draft, node).is_ok_and(|q| q.scales.len() == 1) {
        return Ok(None);
    }
    // From the last to the first.
    let (mut passed, mut from) = (Vec::new(), x);
    while let Some(mover) = draft.maker(from).filter(|node| moves(node) == Some(Moves::All)) {
        let (Some(&Some(before)), true) = (mover.inputs.first(), passed.len() < MOST) else { break };
        if draft.only_user(from).is_none() || draft.constant(before).is_some() {
            break;
        }
        passed.push(mover);
        from = before;
    }
    if passed.is_empty() {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    let mut bytes = patch.value(format!("{}_quantized", draft.name(from)));
    let inputs = [Some(from)].into_iter().chain(node.inputs.iter().skip(1).copied());
    patch.moved(node, inputs, [Some(bytes)]);
    for (left, mover) in passed.iter().enumerate().rev() {
        let to = if left == 0 { y } else { patch.value(format!("{}_moved", draft.name(y))) };
        let inputs = [Some(bytes)].into_iter().chain(mover.inputs.iter().skip(1).copied());
        patch.moved(mover, inputs, [Some(to)]);
        bytes = to;
    }
    Ok(Some(patch))
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::super::share_conversions::share_conversions;
    use super::hoist_quantize;
    use crate::optimize::testing::{Build, expect};
    use crate::{DType, Tensor};

    #[test]
    fn conversions_meet_before_what_only_moves_and_become_one() {
        let rules: &[(&str, Rule)] =
            &[("hoist_quantize", hoist_quantize), ("share_conversions", share_conversions)];
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3]);
        let n = b.node("Neg", &[x], "n");
        let shape = b.constant("shape", Tensor::new(&[1], &[6i64]).unwrap());
        let mut outputs = Vec::new();
        for name in ["p", "r"] {
            let y = b.node("Transpose", &[n], &format!("{name}_t"));
            let y = b.node("Reshape", &[y, shape], name);
            outputs.push(b.quantize(y, 0.1, 3u8));
        }
        let nodes = [
            "n = Neg (x)",
            "n_quantized = QuantizeLinear (n, p_q_scale, p_q_zero)",
            "p_q_moved = Transpose (n_quantized)",
            "p_q = Reshape (p_q_moved, shape)",
            "r_q_moved = Transpose (n_quantized)",
            "r_q = Reshape (r_q_moved, shape)",
        ];
        let x = [Tensor::new(&[2, 3], &[1f32, -2.0, 30.0, 0.0, f32::NAN, -0.25]).unwrap()];
        expect(b.finish(&outputs), rules, &x, 0, &nodes);
    }
}
