//! A QuantizeLinear behind operators that only move elements goes before them, so that bytes are moved and
//! not floats, and meets what made the floats.

use super::movers::{Moves, fill, inputs_with, moves};
use super::parameters::Quantized;
use super::{Draft, Patch};
use crate::graph::{Node, NodeId};
use crate::ops::Op;
use crate::{DType, Result};

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
    let Ok(to) = Quantized::made_by(draft, node) else { return Ok(None) };
    if to.scales.len() != 1 {
        return Ok(None);
    }
    let byte = matches!(to.dtype, DType::U8 | DType::I8);
    // What puts a number around its input puts the integer around that the number becomes.
    let passes = |mover: &&Node| {
        matches!(moves(mover), Some(Moves::All | Moves::Copies)) || byte && fill(draft, mover).is_some()
    };
    // From the last to the first.
    let (mut passed, mut from) = (Vec::new(), x);
    while let Some(mover) = draft.maker(from).filter(passes) {
        let (Some(&Some(before)), true) = (mover.inputs.first(), passed.len() < MOST) else { break };
        if draft.only_user(from).is_none() || draft.is_constant(before) {
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
        let next = if left == 0 { y } else { patch.value(format!("{}_moved", draft.name(y))) };
        let around = fill(draft, mover).map(|x| to.integer(x)).transpose()?;
        let around = around.map(|x| patch.constant(format!("{}_around", draft.name(y)), x));
        patch.moved(mover, inputs_with(mover, Some(bytes), around), [Some(next)]);
        bytes = next;
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

    #[test]
    fn bytes_are_padded_and_copied_and_not_floats() {
        let rules: &[(&str, Rule)] = &[("hoist_quantize", hoist_quantize)];
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3]);
        let n = b.node("Neg", &[x], "n");
        let pads = b.constant("pads", Tensor::new(&[4], &[0i64, 1, 1, 0]).unwrap());
        let number = b.scalar("number", 0.77f32);
        let y = b.node("Pad", &[n, pads, number], "p");
        let repeats = b.constant("repeats", Tensor::new(&[2], &[2i64, 1]).unwrap());
        let y = b.node("Tile", &[y, repeats], "y");
        let y = b.quantize(y, 0.1, 3u8);
        let nodes = [
            "n = Neg (x)",
            "n_quantized = QuantizeLinear (n, y_q_scale, y_q_zero)",
            "y_q_moved = Pad (n_quantized, pads, y_q_around)",
            "y_q = Tile (y_q_moved, repeats)",
        ];
        let x = [Tensor::new(&[2, 3], &[1f32, -2.0, 30.0, 0.0, f32::NAN, -0.25]).unwrap()];
        expect(b.finish(&[y]), rules, &x, 0, &nodes);
    }
}
