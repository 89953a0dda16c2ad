//! Weights that a model has in 16 bits and makes f32 of by a Cast stay as they are: the product widens them.
//!
//! What a reader would get wrong: the Cast is no constant to other rules, since what it makes is too large to be
//! folded. A product takes what stands in front of it, before they look.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::linear::Linear;
use crate::{DType, Result};
use std::sync::Arc;

/// A product of f32 with a matrix that is a constant of 16 bits in front of a Cast.
pub fn take_narrow_weights(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (&[Some(x), Some(w), ref rest @ ..], &[Some(y)]) = (&node.inputs[..], &node.outputs[..]) else {
        return Ok(None);
    };
    let addend = rest.first().copied().flatten();
    let transposed = match &node.op {
        Op::MatMul(op) if op.alpha == 1.0 && !op.left.any() && !op.right.batch => op.right.matrix,
        Op::Gemm(op) if op.alpha == 1.0 && op.activation == FusedActivation::None && !op.left.any() => {
            if addend.is_some_and(|c| op.beta != 1.0 || !Pattern::of(draft).is_row_of(c, y)) {
                return Ok(None);
            }
            op.right.matrix
        }
        _ => return Ok(None),
    };
    let matrices = draft.rank(w) == Some(2) && draft.rank(y).is_some_and(|rank| rank >= 2);
    let Some(narrow) = narrow_source(draft, w).filter(|_| matrices && draft.dtype(x) == Some(DType::F32))
    else {
        return Ok(None);
    };
    let mut patch = Patch::new(draft);
    let op = Linear { transposed, activation: FusedActivation::None, narrow: true };
    let inputs = [Some(x), Some(narrow), addend];
    patch.node(&node.name, (Op::Linear(Arc::new(op)), "Linear"), inputs, [Some(y)]);
    Ok(Some(patch))
}

/// The constant of 16 bits that a Cast makes f32 of.
fn narrow_source(draft: &Draft, value: ValueId) -> Option<ValueId> {
    let cast = draft.maker(value).filter(|node| matches!(node.op, Op::Cast(_)))?;
    let source = cast.inputs.first().copied().flatten()?;
    let narrow = matches!(draft.stored(source)?.dtype(), DType::F16 | DType::BF16);
    (narrow && draft.dtype(value) == Some(DType::F32)).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::super::product::{fuse_activation, fuse_bias};
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::*;
    use crate::Tensor;
    use crate::ops::Attr;
    use crate::optimize::Rule;
    use half::{bf16, f16};

    const RULES: &[(&str, Rule)] = &[
        ("take_narrow_weights", take_narrow_weights),
        ("fuse_bias", fuse_bias),
        ("fuse_activation", fuse_activation),
    ];

    fn f32s() -> [(&'static str, Attr); 1] {
        [("to", Attr::Int(DType::F32 as i64))]
    }

    fn halves(shape: &[usize]) -> Tensor {
        let numbers: Vec<f16> =
            waves(shape).slice::<f32>().unwrap().iter().map(|&x| f16::from_f32(x)).collect();
        Tensor::new(shape, &numbers).unwrap()
    }

    #[test]
    fn a_product_takes_what_stands_in_front_of_the_cast() {
        // Enough of them that nothing is folded.
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3, 80]);
        let (w, bias) = (b.constant("w", halves(&[80, 90])), b.constant("bias", waves(&[90])));
        let c = b.node_with("Cast", &[w], &f32s(), &["c"])[0];
        let p = b.node("MatMul", &[x, c], "p");
        let q = b.node("Add", &[bias, p], "q");
        let y = b.node("Relu", &[q], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[2, 3, 80])]);
        assert_eq!(text, "y = Linear (x, w, bias)\n");
    }

    #[test]
    fn a_gemm_does_where_its_addend_is_a_row() {
        let numbers: Vec<bf16> =
            waves(&[90, 80]).slice::<f32>().unwrap().iter().map(|&x| bf16::from_f32(x)).collect();
        for (shape, expected) in [(&[90][..], "y = Linear (x, w, bias)\n"), (&[5, 90], "")] {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[5, 80]);
            let w = b.constant("w", Tensor::new(&[90, 80], &numbers).unwrap());
            let bias = b.constant("bias", waves(shape));
            let c = b.node_with("Cast", &[w], &f32s(), &["c"])[0];
            let y = b.node_with("Gemm", &[x, c, bias], &[("transB", Attr::Int(1))], &["y"])[0];
            let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[5, 80])]);
            assert!(if expected.is_empty() { text.contains("Gemm") } else { text == expected }, "{text}");
        }
    }

    #[test]
    fn a_narrow_column_is_widened_by_the_plain_operator() {
        // Not worth packing.
        let mut b = Build::default();
        let (x, w) = (b.input("x", DType::F32, &[2, 20000]), b.constant("w", halves(&[20000, 1])));
        let c = b.node_with("Cast", &[w], &f32s(), &["c"])[0];
        let y = b.node("MatMul", &[x, c], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[2, 20000])]);
        assert_eq!(text, "y = Linear (x, w)\n");
    }
}
