//! Images with their channels last go through operators that name axes: Resize, Pad, Slice, Split, Softmax.
//! The axes are named anew, and the Transpose that turned the image back comes behind.

use super::channels_last::{transpose, turns_back};
use super::transpose::{order, source};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{Node, NodeId};
use crate::ops::Op;
use std::sync::Arc;

/// Moves the Transpose that turned an image back behind a node that names axes, if nobody else needs it.
pub fn sink_axes(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let Some(image) = node.input(0) else { return Ok(None) };
    let Some(axes) = order(draft, image)?.filter(|order| turns_back(order)) else { return Ok(None) };
    let alone = draft.users(image).all(|user| user == id) && !draft.is_output(image);
    let (true, Some(source)) = (alone, source(draft, image)) else { return Ok(None) };
    let Some((op, unnamed)) = along(draft, node, &axes)? else { return Ok(None) };
    let mut patch = Patch::new(draft);
    let mut inputs = node.inputs.clone();
    inputs[0] = Some(source);
    // What the operator knows by itself now.
    for &i in unnamed {
        inputs.iter_mut().skip(i).take(1).for_each(|input| *input = None);
    }
    let name = |y| format!("{}_channels_last", draft.name(y));
    let results: Vec<_> = node.outputs.iter().map(|y| y.map(|y| patch.value(name(y)))).collect();
    patch.node(&node.name, (op, &node.op_name), inputs, results.iter().copied());
    for (result, y) in results.into_iter().zip(&node.outputs).filter(|(_, y)| y.is_some()) {
        patch.node(&node.name, transpose(&axes)?, [result], [*y]);
    }
    Ok(Some(patch))
}

/// The operator on tensors before their axes were put into that order, and inputs that it no longer takes.
fn along(draft: &Draft, node: &Node, axes: &[usize]) -> Result<Option<(Op, &'static [usize])>> {
    let ints = |i: usize| node.input(i).and_then(|id| draft.constant(id)?.to_i64s().ok());
    Ok(match &node.op {
        Op::Resize(op) => Some((Op::Resize(Arc::new(op.along(axes)?)), &[])),
        Op::Split(op) => Some((Op::Split(Arc::new(op.along(axes)?)), &[])),
        Op::Pad(op) => op.along(axes, ints).map(|op| (Op::Pad(Arc::new(op)), &[1, 3][..])),
        Op::Slice(op) => op.along(axes, ints).map(|op| (Op::Slice(Arc::new(op)), &[3][..])),
        // Along the channels it gets easier, along other axes it would get harder.
        Op::Softmax(op) if op.slices(axes.len())?.eq([1]) => {
            op.along(axes)?.map(|op| (Op::Softmax(Arc::new(op)), &[][..]))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::LAYOUT;
    use super::super::testing::{Build, rewritten_alike, waves};
    use crate::graph::{Graph, ValueId};
    use crate::ops::Attr;
    use crate::{DType, Tensor};

    /// x → Conv → what `between` does → Conv → y; both convolutions keep the image's size.
    fn between(channels: usize, between: impl Fn(&mut Build, ValueId) -> ValueId) -> Graph {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3, 6, 5]);
        let (v, w) = (b.constant("v", waves(&[8, 3, 1, 1])), b.constant("w", waves(&[4, channels, 1, 1])));
        let p = b.node("Conv", &[x, v], "p");
        let q = between(&mut b, p);
        let y = b.node("Conv", &[q, w], "y");
        b.finish(&[y])
    }

    fn turns_twice(graph: Graph) {
        let text = rewritten_alike(graph, LAYOUT, &[waves(&[2, 3, 6, 5])]);
        assert_eq!(text.matches("= Transpose").count(), 2, "{text}");
    }

    fn ints(b: &mut Build, name: &str, values: &[i64]) -> ValueId {
        b.constant(name, Tensor::new(&[values.len()], values).unwrap())
    }

    #[test]
    fn images_are_resized_with_their_channels_last() {
        for mode in ["nearest", "linear", "cubic"] {
            turns_twice(between(8, |b, p| {
                let roi = b.constant("roi", Tensor::new(&[0], &[] as &[f32]).unwrap());
                let scales = b.constant("scales", Tensor::new(&[4], &[1f32, 1.0, 2.0, 1.5]).unwrap());
                b.node_with("Resize", &[p, roi, scales], &[("mode", Attr::Str(mode.into()))], &["q"])[0]
            }));
        }
        turns_twice(between(8, |b, p| {
            let empty = b.constant("empty", Tensor::new(&[0], &[] as &[f32]).unwrap());
            let sizes = ints(b, "sizes", &[2, 8, 9, 4]);
            b.node("Resize", &[p, empty, empty, sizes], "q")
        }));
    }

    #[test]
    fn images_are_padded_and_cut_with_their_channels_last() {
        for mode in ["constant", "edge", "reflect"] {
            turns_twice(between(9, |b, p| {
                let pads = ints(b, "pads", &[0, 1, 2, 0, 0, 0, 1, -1]);
                let number = b.scalar("number", 0.5f32);
                b.node_with("Pad", &[p, pads, number], &[("mode", Attr::Str(mode.into()))], &["q"])[0]
            }));
        }
        for channel in [false, true] {
            turns_twice(between(if channel { 3 } else { 8 }, |b, p| {
                let (starts, ends) = (ints(b, "starts", &[0, 1]), ints(b, "ends", &[9, 7]));
                let axes = ints(b, "axes", if channel { &[0, 1] } else { &[3, -2] });
                let steps = ints(b, "steps", if channel { &[1, 2] } else { &[2, 1] });
                b.node("Slice", &[p, starts, ends, axes, steps], "q")
            }));
        }
        turns_twice(between(8, |b, p| {
            let (starts, ends) = (ints(b, "starts", &[0, 0, 1]), ints(b, "ends", &[2, 8, 4]));
            b.node("Slice", &[p, starts, ends], "q")
        }));
    }

    #[test]
    fn channels_are_split_and_compared_where_they_lie_side_by_side() {
        turns_twice(between(4, |b, p| {
            let sizes = ints(b, "sizes", &[4, 4]);
            let parts = b.node_with("Split", &[p, sizes], &[("axis", Attr::Int(-3))], &["l", "r"]);
            let s = b.node_with("Softmax", &[parts[1]], &[("axis", Attr::Int(1))], &["s"])[0];
            b.node("Mul", &[parts[0], s], "q")
        }));
    }

    #[test]
    fn slopes_by_channel_and_choices_let_the_image_through() {
        turns_twice(between(8, |b, p| {
            let slope = b.constant("slope", waves(&[8, 1, 1]));
            let q = b.node("PRelu", &[p, slope], "q");
            let zero = b.constant("zero", waves(&[1, 8, 1, 1]));
            let above = b.node("Greater", &[q, zero], "above");
            b.node("Where", &[above, q, zero], "r")
        }));
    }

    #[test]
    fn transposed_convolutions_take_images_as_they_are() {
        turns_twice(between(5, |b, p| {
            let v = b.constant("up", waves(&[8, 5, 2, 2]));
            b.node_with("ConvTranspose", &[p, v], &[("strides", Attr::Ints(vec![2, 2]))], &["q"])[0]
        }));
    }

    #[test]
    fn a_turned_scalar_is_no_image() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[]);
        let t = b.node("Transpose", &[x], "t");
        let y = b.node("Softplus", &[t], "y");
        rewritten_alike(b.finish(&[y]), LAYOUT, &[waves(&[])]);
    }

    #[test]
    fn pads_that_are_computed_and_softmax_along_rows_stay() {
        let mut b = Build::default();
        let (x, pads) = (b.input("x", DType::F32, &[1, 3, 4, 4]), b.input("pads", DType::I64, &[8]));
        let v = b.constant("v", waves(&[8, 3, 1, 1]));
        let p = b.node("Conv", &[x, v], "p");
        let s = b.node_with("Softmax", &[p], &[("axis", Attr::Int(-1))], &["s"])[0];
        let y = b.node("Pad", &[s, pads], "y");
        let pads = Tensor::new(&[8], &[0i64, 0, 1, 0, 0, 0, 0, 2]).unwrap();
        let text = rewritten_alike(b.finish(&[y]), LAYOUT, &[waves(&[1, 3, 4, 4]), pads]);
        assert!(text.ends_with("s = Softmax (p)\ny = Pad (s, pads)\n"), "{text}");
    }
}
