//! ConvInteger → Cast → Mul by the product of both scales, as dynamic quantization writes it, becomes
//! ConvIntegerToFloat, with the bias and the activation behind it.
//!
//! The order of the operations on floats stays what it was, and so does every bit.

use super::parameters::{Found, answer, reason};
use super::{Draft, Patch};
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::binary::Function;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::qlinear_conv::{Gives, QLinearConv};
use crate::optimize::pattern::Pattern;
use crate::optimize::product::{activation, channel_bias};
use crate::{DType, Result, Tensor};

const NAME: &str = "edgewise.ConvIntegerToFloat";

/// ConvInteger → Cast → Mul.
pub fn scaled_convolution(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((Op::Binary(_), _, y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    for [sum, scale] in Pattern::of(draft).either(y, Function::Mul) {
        if let Some((node, conv)) = integer_convolution(draft, sum) {
            return answer(draft, id, scaled(draft, node, conv, [sum, scale, y]));
        }
    }
    Ok(None)
}

/// The ConvInteger whose result a value is, cast to f32, if nobody else needs it.
fn integer_convolution(draft: &Draft, value: ValueId) -> Option<(&Node, &QLinearConv)> {
    let cast = draft.maker(value).filter(|node| matches!(node.op, Op::Cast(_)))?;
    let sums = cast.input(0)?;
    let node = draft.maker(sums)?;
    let alone = draft.only_user(value).is_some() && draft.only_user(sums).is_some();
    match &node.op {
        Op::QLinearConv(op) if op.gives == Gives::Sums => {
            (alone && draft.dtype(value) == Some(DType::F32)).then_some((node, op))
        }
        _ => None,
    }
}

fn scaled(draft: &Draft, node: &Node, conv: &QLinearConv, [sum, scale, y]: [ValueId; 3]) -> Found<Patch> {
    let mut patch = Patch::new(draft);
    let one =
        |id: ValueId| draft.fact(id).and_then(|fact| fact.shape()).is_some_and(|s| s.iter().all(|&n| n == 1));
    let fits = |id: ValueId| {
        let ranks = draft.rank(id).zip(draft.rank(sum));
        draft.dtype(id) == Some(DType::F32) && ranks.is_some_and(|(own, image)| own <= image)
    };
    if !fits(scale) {
        return Err("it is not multiplied with scales of f32".into());
    }
    // One of two scales may be the weights', with a number for each output channel.
    let factors = Pattern::of(draft).binary(scale, Function::Mul).into_iter();
    let mut factors = factors
        .flat_map(|[a, b]| [[a, b], [b, a]])
        .filter(|[x, w]| one(*x) && fits(*x) && fits(*w) && (one(*w) || draft.is_constant(*w)));
    let [x_scale, w_scale] = match factors.find(|[_, w]| draft.is_constant(*w)) {
        Some([x, w]) if one(w) => [x, w],
        Some([x, w]) => {
            let by_channel = channel_bias(draft, w, sum).map_err(reason)?;
            let by_channel = by_channel.ok_or("its scales do not lie along the output channels")?;
            [x, patch.constant(format!("{}_by_channel", draft.name(w)), by_channel)]
        }
        // A number times 1 is the number.
        None if one(scale) => [scale, patch.constant("one", Tensor::scalar(1f32))],
        None => return Err("it is not multiplied with the product of two scales".into()),
    };
    let zeros = [node.input(2), node.input(3)];
    let inputs = [node.input(0), node.input(1), Some(x_scale), Some(w_scale), zeros[0], zeros[1]];
    let op = QLinearConv { gives: Gives::Floats(FusedActivation::None), ..conv.clone() };
    patch.node(&node.name, (Op::QLinearConv(op.into()), NAME), inputs, [Some(y)]);
    Ok(patch)
}

/// The ConvIntegerToFloat that made a value which nobody else needs, and on which no activation follows yet.
fn convolution(draft: &Draft, value: ValueId) -> Option<(&Node, &QLinearConv)> {
    let node = draft.maker(value).filter(|_| draft.only_user(value).is_some())?;
    match &node.op {
        Op::QLinearConv(op) if op.gives == Gives::Floats(FusedActivation::None) => Some((node, op)),
        _ => None,
    }
}

/// ConvIntegerToFloat → Add of a constant with an element for each channel.
pub fn convolution_and_bias(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((Op::Binary(_), _, y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    for [x, bias] in Pattern::of(draft).either(y, Function::Add) {
        let Some((node, _)) = convolution(draft, x).filter(|(node, _)| node.input(6).is_none()) else {
            continue;
        };
        let Some(tensor) = channel_bias(draft, bias, x)? else { continue };
        let mut patch = Patch::new(draft);
        let mut inputs = node.inputs.clone();
        inputs.resize(6, None);
        inputs.push(Some(patch.constant(draft.name(bias), tensor)));
        patch.moved(node, inputs, [Some(y)]);
        return Ok(Some(patch));
    }
    Ok(None)
}

/// ConvIntegerToFloat → Relu.
pub fn convolution_and_activation(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((op, inputs, y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    let Some(x) = inputs.first().copied().flatten() else { return Ok(None) };
    let (Some(FusedActivation::Relu), Some((node, conv))) =
        (activation(draft, op, inputs), convolution(draft, x))
    else {
        return Ok(None);
    };
    let mut patch = Patch::new(draft);
    let op = QLinearConv { gives: Gives::Floats(FusedActivation::Relu), ..conv.clone() };
    patch.node(&node.name, (Op::QLinearConv(op.into()), NAME), node.inputs.iter().copied(), [Some(y)]);
    Ok(Some(patch))
}

#[cfg(test)]
mod tests {
    use super::super::UNQUANTIZED;
    use crate::graph::Graph;
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, rewritten, run, waves};
    use crate::{DType, Tensor};

    /// What dynamic quantization writes, with weights of that shape and so many scales.
    fn dynamic(weights: &[usize], group: i64, scales: &[usize], relu: bool) -> Graph {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, weights[1] * group as usize, 7, 6]);
        let w = b.constant("w", bytes(DType::I8, weights, 1));
        let count = scales.iter().product::<usize>();
        let numbers: Vec<f32> = (0..count).map(|i| 0.013 + 0.007 * i as f32).collect();
        let w_scale = b.constant("w_scale", Tensor::new(scales, &numbers).unwrap());
        let w_zero = b.scalar("w_zero", 3i8);
        let q = b.node_with("DynamicQuantizeLinear", &[x], &[], &["q", "q_scale", "q_zero"]);
        let window = [("pads", Attr::Ints(vec![1, 0, 1, 1])), ("group", Attr::Int(group))];
        let sum = b.node_with("ConvInteger", &[q[0], w, q[2], w_zero], &window, &["sum"])[0];
        let real = b.node_with("Cast", &[sum], &[("to", Attr::Int(1))], &["real"])[0];
        let scale = b.node("Mul", &[w_scale, q[1]], "scale");
        let scaled = b.node("Mul", &[real, scale], "scaled");
        let bias = b.constant("bias", waves(&[1, weights[0], 1, 1]));
        let y = b.node("Add", &[scaled, bias], "y");
        let y = if relu { b.node("Relu", &[y], "z") } else { y };
        b.finish(&[y])
    }

    #[test]
    fn dynamic_convolutions_are_equal_to_the_bit() {
        for (weights, group, scales) in [
            (&[5, 3, 3, 2][..], 1, &[][..]),
            (&[18, 4, 1, 1], 2, &[1]),
            (&[6, 1, 3, 3], 6, &[6, 1, 1]),
            (&[33, 8, 3, 3], 1, &[1, 33, 1, 1]),
        ] {
            let x = [waves(&[2, weights[1] * group as usize, 7, 6])];
            for relu in [false, true] {
                let graph = dynamic(weights, group, scales, relu);
                let (text, after, _) = rewritten(graph.clone(), UNQUANTIZED).unwrap();
                let lines: Vec<&str> = text.lines().collect();
                assert_eq!(lines.len(), 2, "{text}");
                assert!(lines[1].contains("edgewise.ConvIntegerToFloat (q, w, q_scale, w_scale"), "{text}");
                let mut all = graph.clone();
                crate::optimize::optimize(&mut all, false).unwrap();
                assert!(all.text().contains("ConvIntegerToFloat"), "{}", all.text());
                let before = run(&graph, &x).unwrap();
                for after in [run(&after, &x).unwrap(), run(&all, &x).unwrap()] {
                    assert_eq!(before[0].shape(), after[0].shape());
                    assert_eq!(before[0].view().bytes(), after[0].view().bytes(), "{weights:?}");
                }
            }
        }
    }

    #[test]
    fn scales_that_lie_elsewhere_stay() {
        let graph = dynamic(&[5, 3, 3, 3], 1, &[5], false);
        let (text, _, remarks) = rewritten(graph, UNQUANTIZED).unwrap();
        assert!(text.contains("ConvInteger (q, w"), "{text}");
        assert!(
            remarks.iter().any(|r| r.why.contains("do not lie along the output channels")),
            "{remarks:?}"
        );
    }
}
