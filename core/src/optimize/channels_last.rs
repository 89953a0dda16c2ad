//! Images get their channels last where kernels are fastest so: a convolution takes a turned image and its
//! result is turned back. Pools follow where the image in front of them was turned back.
//!
//! Every rule here leaves Transposes at the borders; [`sink_transposes`](super::sink_transposes) and
//! [`merge_transposes`](super::transpose) move them on until they meet and vanish.

use super::transpose::{order, source};
use super::{Draft, Patch};
use crate::Result;
use crate::cpu::{packed_conv_f32, packed_conv_transpose, phases};
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::conv::Conv;
use crate::ops::global_pool::GlobalPool;
use crate::ops::max_pool::MaxPool;
use crate::ops::qlinear_average_pool::QLinearAveragePool;
use crate::ops::qlinear_conv::{Gives, QLinearConv};
use crate::ops::qlinear_conv_transpose::{QLinearConvTranspose, WEIGHTS};
use crate::ops::{Attr, Attrs, Op};
use std::sync::Arc;

/// A convolution, or a pool behind one, on images with their channels last.
pub fn move_channels_last(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Some(&Some(x)), [Some(y)]) = (node.inputs.first(), &node.outputs[..]) else { return Ok(None) };
    let Some(rank) = draft.rank(x).filter(|rank| *rank >= 3) else { return Ok(None) };
    let Some((op, images)) = channels_last(draft, node, x)? else { return Ok(None) };
    let mut patch = Patch::new(draft);
    let mut inputs = node.inputs.clone();
    for &i in images {
        if let Some(Some(image)) = inputs.get(i).copied() {
            inputs[i] = Some(match turned_back(draft, image)? {
                Some(source) => source,
                None => {
                    let turned = patch.value(format!("{}_channels_last", draft.name(image)));
                    patch.node(draft.name(image), transpose(&to_last(rank))?, [Some(image)], [Some(turned)]);
                    turned
                }
            });
        }
    }
    let result = patch.value(format!("{}_channels_last", draft.name(*y)));
    patch.node(&node.name, (op, &node.op_name), inputs, [Some(result)]);
    patch.node(draft.name(*y), transpose(&to_first(rank))?, [Some(result)], [Some(*y)]);
    Ok(Some(patch))
}

/// The operator with its channels last, and which of its inputs are images.
fn channels_last(draft: &Draft, node: &Node, x: ValueId) -> Result<Option<(Op, &'static [usize])>> {
    let constant = |i: usize| node.inputs.get(i).copied().flatten().and_then(|w| draft.stored(w));
    Ok(match &node.op {
        Op::Conv(op) if !op.channels_last => constant(1)
            .filter(|w| packed_conv_f32::suits(&op.windows, w.dtype(), w.shape()))
            .map(|_| (Op::Conv(Arc::new(Conv { channels_last: true, ..(**op).clone() })), &[0, 3][..])),
        Op::QLinearConv(op) if !op.channels_last && op.gives != Gives::Sums => constant(op.gives.places()[0])
            .map(|_| {
                (Op::QLinearConv(Arc::new(QLinearConv { channels_last: true, ..(**op).clone() })), &[0][..])
            }),
        Op::ConvTranspose(op) if !op.channels_last => constant(1)
            .filter(|w| packed_conv_transpose::suits(op, w.dtype(), w.shape()))
            .map(|_| (Op::ConvTranspose(Arc::new(op.on_channels_last())), &[0][..])),
        Op::QLinearConvTranspose(op) if !op.conv.channels_last => {
            constant(WEIGHTS).filter(|w| phases::suits(&op.conv, w.shape())).map(|_| {
                let op = QLinearConvTranspose { conv: op.conv.on_channels_last() };
                (Op::QLinearConvTranspose(Arc::new(op)), &[0][..])
            })
        }
        _ if turned_back(draft, x)?.is_none() => None,
        Op::MaxPool(op) if !op.channels_last => {
            Some((Op::MaxPool(Arc::new(MaxPool { channels_last: true, ..(**op).clone() })), &[0]))
        }
        Op::GlobalPool(op) if !op.channels_last => {
            Some((Op::GlobalPool(Arc::new(GlobalPool { channels_last: true, ..(**op).clone() })), &[0]))
        }
        Op::QLinearAveragePool(op) if !op.channels_last => {
            let op = QLinearAveragePool { channels_last: true, ..(**op).clone() };
            Some((Op::QLinearAveragePool(Arc::new(op)), &[0]))
        }
        _ => None,
    })
}

/// The image with its channels last that was turned back to make a value.
pub fn turned_back(draft: &Draft, image: ValueId) -> Result<Option<ValueId>> {
    let back = order(draft, image)?.filter(|order| turns_back(order));
    Ok(back.and_then(|_| source(draft, image)))
}

/// Whether axes in that order are those of an image that was turned back.
pub fn turns_back(order: &[usize]) -> bool {
    order.len() >= 3 && *order == to_first(order.len())
}

/// N×C×D1×… to N×D1×…×C.
fn to_last(rank: usize) -> Vec<usize> {
    [0].into_iter().chain(2..rank).chain([1]).collect()
}

/// N×D1×…×C to N×C×D1×….
pub fn to_first(rank: usize) -> Vec<usize> {
    [0, rank - 1].into_iter().chain(1..rank - 1).collect()
}

/// A Transpose.
pub fn transpose(order: &[usize]) -> Result<(Op, &'static str)> {
    let perm = Attr::Ints(order.iter().map(|&axis| axis as i64).collect());
    let attrs = [("perm".to_string(), perm)].into_iter().collect();
    Ok((Op::parse(Attrs::new("", "Transpose", 13, vec![true], vec![true], attrs))?, "Transpose"))
}

#[cfg(test)]
mod tests {
    use super::super::sink_transposes::sink_transposes;
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::super::transpose::merge_transposes;
    use super::*;
    use crate::DType;
    use crate::optimize::Rule;

    const RULES: &[(&str, Rule)] = &[
        ("move_channels_last", move_channels_last),
        ("sink_transposes", sink_transposes),
        ("merge_transposes", merge_transposes),
    ];

    fn ints(name: &'static str, values: &[i64]) -> (&'static str, Attr) {
        (name, Attr::Ints(values.to_vec()))
    }

    #[test]
    fn a_residual_block_turns_its_image_once_and_back_once() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3, 8, 8]);
        let (v, w) = (b.constant("v", waves(&[16, 3, 3, 3])), b.constant("w", waves(&[16, 16, 1, 1])));
        let (c, d) = (b.constant("c", waves(&[16, 1, 1])), b.constant("d", waves(&[16, 1, 3, 3])));
        let pads = ints("pads", &[1, 1, 1, 1]);
        let p = b.node_with("Conv", &[x, v], std::slice::from_ref(&pads), &["p"])[0];
        let q = b.node("Relu", &[p], "q");
        let r = b.node("Conv", &[q, w], "r");
        let s = b.node_with("Conv", &[r, d], &[pads, ("group", Attr::Int(16))], &["s"])[0];
        let t = b.node("Add", &[s, q], "t");
        let u = b.node("Mul", &[t, c], "u");
        let m =
            b.node_with("MaxPool", &[u], &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])], &["m"])
                [0];
        let g = b.node("GlobalAveragePool", &[m], "g");
        let y = b.node_with("Flatten", &[g], &[], &["y"])[0];
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[2, 3, 8, 8])]);
        assert_eq!(text.matches("Transpose").count(), 2, "{text}");
    }

    #[test]
    fn outputs_keep_their_layout_and_branches_join() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[1, 4, 5, 6]);
        let (v, w) = (b.constant("v", waves(&[4, 4, 1, 1])), b.constant("w", waves(&[7, 4, 1, 1])));
        let p = b.node("Conv", &[x, v], "p");
        let q = b.node("Conv", &[x, w], "q");
        let y = b.node_with("Concat", &[p, q], &[("axis", Attr::Int(1))], &["y"])[0];
        let z = b.node("Sigmoid", &[y], "z");
        let text = rewritten_alike(b.finish(&[z, y]), RULES, &[waves(&[1, 4, 5, 6])]);
        // The image twice (each convolution by itself), and each output once.
        assert!(text.matches("Transpose").count() <= 4, "{text}");
    }

    #[test]
    fn what_no_kernel_is_made_for_stays() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[1, 4, 5, 6]);
        let w = b.input("w", DType::F32, &[4, 4, 1, 1]);
        let p = b.node("Conv", &[x, w], "p");
        let y = b.node_with("MaxPool", &[p], &[ints("kernel_shape", &[2, 2])], &["y"])[0];
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[1, 4, 5, 6]), waves(&[4, 4, 1, 1])]);
        assert_eq!(text, "p = Conv (x, w)\ny = MaxPool (p)\n");
    }
}
