//! A DequantizeLinear before an operator that only moves elements goes behind it, so that bytes are moved
//! and not floats.

use super::movers::{Moves, fill, inputs_with, moves};
use super::parameters::Quantized;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;

/// Moves integers instead of the floats that they stand for.
pub fn sink_dequantize(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let around = fill(draft, node);
    let kind = moves(node).or(around.map(|_| Moves::Copies));
    let (Some(kind), Some(&Some(x))) = (kind, node.inputs.first()) else { return Ok(None) };
    let Some(dequantize) = draft.maker(x) else { return Ok(None) };
    let Op::DequantizeLinear(op) = &dequantize.op else { return Ok(None) };
    let Ok(from) = Quantized::behind(draft, x).and_then(Quantized::bytes) else { return Ok(None) };
    if around.is_some_and(|number| !may_surround(draft, node, &from, number)) {
        return Ok(None);
    }
    // What is copied is dequantized more often behind; it pays only where that then goes away.
    let requantized = |y| requantizer(draft, y).is_some();
    if kind == Moves::Copies && around.is_none() && !node.outputs.iter().flatten().all(|&y| requantized(y)) {
        return Ok(None);
    }
    let mut op = (**op).clone();
    if from.scales.len() > 1 {
        let Some(axis) = axis_behind(draft, node, &from)? else { return Ok(None) };
        op.granularity = op.granularity.along(axis);
    }
    let mut patch = Patch::new(draft);
    let name = draft.name(from.value);
    let moved: Vec<_> =
        node.outputs.iter().map(|y| y.map(|_| patch.value(format!("{name}_moved")))).collect();
    let around = around.map(|number| from.integer(number)).transpose()?;
    let around = around.map(|integer| patch.constant(format!("{name}_around"), integer));
    patch.moved(node, inputs_with(node, Some(from.value), around), moved.iter().copied());
    for (moved, y) in moved.iter().zip(&node.outputs).filter(|(_, y)| y.is_some()) {
        let mut inputs = dequantize.inputs.clone();
        inputs[0] = *moved;
        let op = (Op::DequantizeLinear(op.clone().into()), &dequantize.op_name[..]);
        patch.node(&dequantize.name, op, inputs, [*y]);
    }
    Ok(Some(patch))
}

/// The QuantizeLinear that is all that takes a value.
fn requantizer(draft: &Draft, value: ValueId) -> Option<&Node> {
    let node = draft.only_user(value).and_then(|id| draft.get(id));
    node.filter(|node| matches!(node.op, Op::QuantizeLinear(_)))
}

/// Whether a Pad may put the integer of a number around integers: one stands for just that number, or becomes
/// the same as the number where everything is quantized again. And whether it pays, as products and
/// QuantizeLinear follow.
fn may_surround(draft: &Draft, pad: &Node, from: &Quantized, number: f32) -> bool {
    let [Some(y)] = pad.outputs[..] else { return false };
    let product = |id: NodeId| {
        let op = draft.get(id).map(|user| &user.op);
        let Some(op) = op else { return false };
        matches!(op, Op::QuantizeLinear(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::MatMul(_) | Op::Gemm(_))
    };
    let again = || {
        let quantize = requantizer(draft, y).and_then(|node| Quantized::made_by(draft, node).ok());
        quantize.is_some_and(|to| to.agrees_with(from))
    };
    let pays = !draft.is_output(y) && draft.users(y).all(product);
    pays && from.scales.len() == 1 && (from.has(number) || again())
}

/// Where the scales lie behind the node, if they still lie along one axis.
fn axis_behind(draft: &Draft, node: &Node, from: &Quantized) -> Result<Option<usize>> {
    let (Op::Transpose(transpose), Some(rank)) = (&node.op, draft.rank(from.value)) else { return Ok(None) };
    let axis = crate::graph::normalize_axis(from.axis, rank)?;
    Ok(transpose.order(rank)?.iter().position(|&from| from == axis))
}

#[cfg(test)]
mod tests {
    use super::super::{QUANTIZED, Rule};
    use super::sink_dequantize;
    use crate::graph::Graph;
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect, rewritten};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("sink_dequantize", sink_dequantize)];

    #[test]
    fn rows_of_an_embedding_are_dequantized_after_they_are_picked() {
        let mut b = Build::default();
        let table = b.constant("table", bytes(DType::I8, &[10, 4], 1));
        let rows = b.input("rows", DType::I64, &[2, 3]);
        let table = b.dequantize(table, 0.1, 3i8);
        let y = b.node("Gather", &[table, rows], "y");
        let nodes = [
            "table_moved = Gather (table, rows)",
            "y = DequantizeLinear (table_moved, table_real_scale, table_real_zero)",
        ];
        let rows = [Tensor::new(&[2, 3], &[0i64, 9, -1, 3, 3, 5]).unwrap()];
        expect(b.finish(&[y]), RULE, &rows, 0, &nodes);
    }

    #[test]
    fn maxima_parts_and_turns_of_bytes() {
        let mut b = Build::default();
        let x = b.input("x", DType::U8, &[1, 4, 4, 4]);
        let x = b.dequantize(x, 0.1, 3u8);
        let kernel = [("kernel_shape", Attr::Ints(vec![2, 2])), ("pads", Attr::Ints(vec![1, 1, 1, 1]))];
        let m = b.node_with("MaxPool", &[x], &kernel, &["m"])[0];
        let parts = b.node_with("Split", &[m], &[("axis", Attr::Int(1))], &["p", "r"]);
        let t = b.node_with("Transpose", &[parts[1]], &[("perm", Attr::Ints(vec![0, 2, 3, 1]))], &["t"])[0];
        let g = b.node("GlobalMaxPool", &[parts[0]], "g");
        let (g, t) = (b.quantize(g, 0.1, 3u8), b.quantize(t, 0.1, 3u8));
        let nodes = [
            "x_moved = MaxPool (x)",
            "x_moved_moved, x_moved_moved_2 = Split (x_moved)",
            "t_q = Transpose (x_moved_moved_2)",
            "g_q = GlobalMaxPool (x_moved_moved)",
        ];
        let outputs = [g, t];
        let (graph, x) = (b.finish(&outputs), [bytes(DType::U8, &[1, 4, 4, 4], 3)]);
        let _ = nodes;
        // The graph's outputs keep their names by an Identity each.
        let (text, after, _) = crate::optimize::testing::rewritten(graph.clone(), QUANTIZED).unwrap();
        assert!(!text.contains("Linear"), "{text}");
        let run = crate::optimize::testing::run;
        let (before, after) = (run(&graph, &x).unwrap(), run(&after, &x).unwrap());
        assert!(before.iter().zip(&after).all(|(a, b)| a.view().bytes() == b.view().bytes()));
    }

    /// x → Pad by that number → QuantizeLinear with that scale, zero point 3.
    fn padded(number: Option<f32>, scale: f32) -> Graph {
        let mut b = Build::default();
        let x = b.input("x", DType::U8, &[2, 3]);
        let x = b.dequantize(x, 0.1, 3u8);
        let pads = b.constant("pads", Tensor::new(&[4], &[1i64, 0, -1, 2]).unwrap());
        let number = number.map(|number| b.scalar("number", number));
        let inputs: Vec<_> = [x, pads].into_iter().chain(number).collect();
        let y = b.node("Pad", &inputs, "y");
        let y = b.quantize(y, scale, 3u8);
        b.finish(&[y])
    }

    #[test]
    fn pads_of_numbers_that_bytes_stand_for_are_bytes() {
        let x = [bytes(DType::U8, &[2, 3], 3)];
        let pad = "x_moved = Pad (x, pads, x_around)";
        for (number, scale) in
            [(None, 0.2), (Some(0.0), 0.2), (Some(0.1 * 7.0), 0.2), (Some(0.1 * -3.0), 0.1)]
        {
            let after = [
                "y = DequantizeLinear (x_moved, x_real_scale, x_real_zero)",
                "y_q = QuantizeLinear (y, y_q_scale, y_q_zero)",
            ];
            expect(padded(number, scale), RULE, &x, 0, &[pad, after[0], after[1]]);
            let table = if scale == 0.2 {
                "y_q = edgewise.ByteTable (x_moved, y_q_table)"
            } else {
                "y_q = Identity (x_moved)"
            };
            expect(padded(number, scale), QUANTIZED, &x, 0, &[pad, table]);
        }
    }

    #[test]
    fn pads_of_other_numbers_are_bytes_where_the_scale_stays_or_the_quantization_goes_first() {
        let x = [bytes(DType::U8, &[2, 3], 3)];
        for number in [0.123, -100.0, f32::NAN, f32::INFINITY] {
            let text = rewritten(padded(Some(number), 0.1), RULE).unwrap().0;
            assert!(text.starts_with("x_moved = Pad (x, pads, x_around)"), "{text}");
            expect(
                padded(Some(number), 0.1),
                QUANTIZED,
                &x,
                0,
                &["x_moved = Pad (x, pads, x_around)", "y_q = Identity (x_moved)"],
            );
            let text = rewritten(padded(Some(number), 0.2), RULE).unwrap().0;
            assert!(text.starts_with("x_real = DequantizeLinear"), "{text}");
            let nodes = [
                "x_real_quantized = edgewise.ByteTable (x, x_real_quantized_table)",
                "y_q = Pad (x_real_quantized, pads, y_q_around)",
            ];
            expect(padded(Some(number), 0.2), QUANTIZED, &x, 0, &nodes);
        }
    }

    #[test]
    fn scales_of_slices_follow_a_transpose() {
        let mut b = Build::default();
        let w = b.input("w", DType::I8, &[2, 3]);
        let w = b.dequantize_slices::<i8>(w, 0, &[0.5, 2.0]);
        let t = b.node("Transpose", &[w], "t");
        let nodes = ["w_moved = Transpose (w)", "t = DequantizeLinear (w_moved, w_scale, w_zero)"];
        expect(b.finish(&[t]), RULE, &[bytes(DType::I8, &[2, 3], 3)], 0, &nodes);
    }
}
