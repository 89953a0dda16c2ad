//! What comes after a product with weights is done with its sums while they are at hand: a bias, a tensor of
//! the same shape, an activation. MatMul and Gemm become [`Linear`], Conv stays what it is.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::activation::Activation;
use crate::ops::binary::Function;
use crate::ops::conv::Conv;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::linear::Linear;
use crate::ops::unary::Unary;
use crate::{Result, Tensor};
use std::sync::Arc;

/// A product with weights: image or rows, weights, bias, and a tensor to be added.
struct Product<'a> {
    node: &'a Node,
    kind: Kind<'a>,
    inputs: [Option<ValueId>; 4],
}

enum Kind<'a> {
    Linear { transposed: bool, narrow: bool },
    Conv(&'a Conv),
}

impl<'a> Product<'a> {
    /// The product that made a value which nobody else needs, and on which nothing follows yet.
    fn that_made(draft: &'a Draft, value: ValueId) -> Option<Product<'a>> {
        let node = draft.maker(value).filter(|_| draft.only_user(value).is_some())?;
        let at = |i: usize| node.inputs.get(i).copied().flatten();
        let mut inputs = [at(0), at(1), at(2), at(3)];
        let kind = match &node.op {
            Op::Linear(op) if op.activation == FusedActivation::None => {
                Kind::Linear { transposed: op.transposed, narrow: op.narrow }
            }
            Op::MatMul(op) if op.alpha == 1.0 && !op.left.any() && !op.right.batch => {
                Kind::Linear { transposed: op.right.matrix, narrow: false }
            }
            Op::Gemm(op) => {
                let plain = op.alpha == 1.0 && op.activation == FusedActivation::None && !op.left.any();
                let bias = at(2).is_none_or(|c| op.beta == 1.0 && Pattern::of(draft).is_row_of(c, value));
                inputs[3] = None;
                (plain && bias).then_some(Kind::Linear { transposed: op.right.matrix, narrow: false })?
            }
            Op::Conv(op) if op.activation == FusedActivation::None => Kind::Conv(op),
            _ => return None,
        };
        // It is the packing of the weights that pays; and a row alone on the left would lose its axis.
        let weights = inputs[1].filter(|w| draft.is_constant(*w))?;
        let matrices = matches!(kind, Kind::Conv(_))
            || draft.rank(weights) == Some(2) && draft.rank(value).is_some_and(|rank| rank >= 2);
        let floats = draft.dtype(value).is_some_and(|dtype| dtype.is_float());
        (matrices && floats).then_some(Product { node, kind, inputs })
    }

    /// The product with what now follows it, in place of the node that made `y`.
    fn patch(self, draft: &Draft, activation: FusedActivation, y: ValueId, mut patch: Patch) -> Patch {
        let op = match self.kind {
            Kind::Linear { transposed, narrow } => {
                (Op::Linear(Arc::new(Linear { transposed, activation, narrow })), "Linear")
            }
            Kind::Conv(conv) => {
                (Op::Conv(Arc::new(Conv { activation, ..conv.clone() })), "com.microsoft.FusedConv")
            }
        };
        let name = if self.node.name.is_empty() { draft.name(y) } else { &self.node.name };
        patch.node(name, op, self.inputs, [Some(y)]);
        patch
    }
}

/// A product, and the addition of a constant row.
pub fn fuse_bias(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let pattern = Pattern::of(draft);
    let Some((Op::Binary(_), _, y)) = pattern.node(id) else { return Ok(None) };
    for [x, bias] in pattern.either(y, Function::Add) {
        let free = |p: &Product<'_>| p.inputs[2].is_none() && p.inputs[3].is_none();
        let Some(mut product) = Product::that_made(draft, x).filter(free) else { continue };
        let mut patch = Patch::new(draft);
        let bias = match product.kind {
            Kind::Linear { .. } => {
                let row = draft.is_constant(bias) && pattern.is_row_of(bias, x);
                row.then_some(bias)
            }
            Kind::Conv(_) => {
                channel_bias(draft, bias, x)?.map(|tensor| patch.constant(draft.name(bias), tensor))
            }
        };
        if bias.is_some() {
            product.inputs[2] = bias;
            return Ok(Some(product.patch(draft, FusedActivation::None, y, patch)));
        }
    }
    Ok(None)
}

/// A constant with one element per channel of an image, as a vector.
pub fn channel_bias(draft: &Draft, bias: ValueId, image: ValueId) -> Result<Option<Tensor>> {
    let dims = draft.fact(image).and_then(|fact| fact.dims.as_ref());
    let (Some(constant), Some([_, channels, inner @ ..])) = (draft.stored(bias), dims.map(|d| &d[..])) else {
        return Ok(None);
    };
    let Some(channels) = channels.size() else { return Ok(None) };
    let mut shape = vec![channels];
    shape.resize(1 + inner.len(), 1);
    let fits = constant.shape() == shape || constant.shape().split_first() == Some((&1, &shape[..]));
    if !fits || draft.dtype(bias) != draft.dtype(image) {
        return Ok(None);
    }
    draft.constant(bias).map(|view| view.reshaped(&[channels]).to_tensor()).transpose()
}

/// A product, and the addition of a tensor of its shape.
pub fn fuse_sum(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let pattern = Pattern::of(draft);
    let Some((Op::Binary(_), _, y)) = pattern.node(id) else { return Ok(None) };
    for [x, sum] in pattern.either(y, Function::Add) {
        let free = |p: &Product<'_>| p.inputs[3].is_none();
        let Some(mut product) = Product::that_made(draft, x).filter(free) else { continue };
        if x != sum && pattern.same_shape(x, sum) {
            product.inputs[3] = Some(sum);
            return Ok(Some(product.patch(draft, FusedActivation::None, y, Patch::new(draft))));
        }
    }
    Ok(None)
}

/// A product, and an activation.
pub fn fuse_activation(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((op, inputs, y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    let Some(x) = inputs.first().copied().flatten() else { return Ok(None) };
    let Some(activation) = activation(draft, op, inputs) else { return Ok(None) };
    let product = Product::that_made(draft, x);
    Ok(product.map(|product| product.patch(draft, activation, y, Patch::new(draft))))
}

pub fn activation(draft: &Draft, op: &Op, inputs: &[Option<ValueId>]) -> Option<FusedActivation> {
    Some(match op {
        Op::Activation(op) => match **op {
            Activation::Gelu { tanh } => FusedActivation::Gelu { tanh },
            Activation::HardSigmoid { alpha, beta } => FusedActivation::HardSigmoid { alpha, beta },
            Activation::HardSwish => FusedActivation::HardSwish,
            Activation::LeakyRelu { alpha } => FusedActivation::LeakyRelu { alpha },
            Activation::Relu => FusedActivation::Relu,
            Activation::Sigmoid => FusedActivation::Sigmoid,
            Activation::Swish { alpha } => FusedActivation::Swish { alpha },
            _ => return None,
        },
        Op::Unary(op) if **op == Unary::Tanh => FusedActivation::Tanh,
        Op::Clip(op) => {
            let limit = |i: usize, attr: Option<f32>, open: f32| match inputs.get(i).copied().flatten() {
                Some(value) => Pattern::of(draft).scalar(value).map(|x| x as f32),
                None => Some(attr.unwrap_or(open)),
            };
            let low = limit(1, op.min, f32::NEG_INFINITY)?;
            let high = limit(2, op.max, f32::INFINITY)?;
            (low <= high).then_some(FusedActivation::Clip { low, high })?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::*;
    use crate::DType;
    use crate::ops::Attr;
    use crate::optimize::Rule;

    const RULES: &[(&str, Rule)] =
        &[("fuse_bias", fuse_bias), ("fuse_sum", fuse_sum), ("fuse_activation", fuse_activation)];

    #[test]
    fn rows_take_all_three() {
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::F32, &[2, 3, 4]), b.input("z", DType::F32, &[2, 3, 5]));
        let (w, bias) = (b.constant("w", waves(&[4, 5])), b.constant("bias", waves(&[5])));
        let p = b.node("MatMul", &[x, w], "p");
        let q = b.node("Add", &[bias, p], "q");
        let r = b.node("Add", &[q, z], "r");
        let y = b.node("Relu", &[r], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[2, 3, 4]), waves(&[2, 3, 5])]);
        assert_eq!(text, "y = Linear (x, w, bias, z)\n");
    }

    #[test]
    fn an_image_takes_a_bias_per_channel_and_a_clip() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[1, 2, 3, 3]);
        let (w, bias) = (b.constant("w", waves(&[4, 2, 1, 1])), b.constant("bias", waves(&[1, 4, 1, 1])));
        let (low, high) = (b.scalar("low", 0f32), b.scalar("high", 0.5f32));
        let p = b.node("Conv", &[x, w], "p");
        let q = b.node("Add", &[p, bias], "q");
        let y = b.node("Clip", &[q, low, high], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[1, 2, 3, 3])]);
        assert_eq!(text, "y = com.microsoft.FusedConv (x, w, bias_2)\n");
    }

    #[test]
    fn a_gemm_with_a_bias_takes_an_activation() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 4]);
        let (w, bias) = (b.constant("w", waves(&[5, 4])), b.constant("bias", waves(&[5])));
        let p = b.node_with("Gemm", &[x, w, bias], &[("transB", Attr::Int(1))], &["p"])[0];
        let y = b.node("Tanh", &[p], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[2, 4])]);
        assert_eq!(text, "y = Linear (x, w, bias)\n");
    }

    #[test]
    fn what_others_need_or_broadcasts_is_left_alone() {
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::F32, &[1, 4]), b.input("z", DType::F32, &[3, 5]));
        let (w, v) = (b.constant("w", waves(&[4, 5])), b.constant("v", waves(&[4, 5])));
        let p = b.node("MatMul", &[x, w], "p");
        let wide = b.node("Add", &[p, z], "wide");
        let q = b.node("MatMul", &[x, v], "q");
        let y = b.node("Relu", &[q], "y");
        let text = rewritten_alike(b.finish(&[wide, y, q]), RULES, &[waves(&[1, 4]), waves(&[3, 5])]);
        assert_eq!(text.matches("MatMul").count(), 2, "{text}");
    }
}
