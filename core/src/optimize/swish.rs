//! `x · sigmoid(x)` becomes the operator, and `swish(x) · y` the one of two inputs.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::activation::Activation;
use crate::ops::binary::Function;
use crate::ops::gated::Gated;
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

/// A swish that only opens the gate for another value of the same shape.
pub fn fuse_swiglu(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let pattern = Pattern::of(draft);
    let Some((Op::Binary(_), _, y)) = pattern.node(id) else { return Ok(None) };
    let gate = |gate: ValueId| match draft.maker(gate).map(|node| (&node.op, &node.inputs[..])) {
        Some((Op::Activation(op), [Some(x)])) if draft.only_user(gate).is_some() => match **op {
            Activation::Swish { alpha } => Some((alpha, *x)),
            _ => None,
        },
        _ => None,
    };
    let dims = |value| draft.fact(value).and_then(|fact| fact.dims.as_ref());
    let gated = |[a, b]: [ValueId; 2]| {
        let (alpha, x) = gate(a)?;
        (dims(x).is_some() && dims(x) == dims(b)).then_some((alpha, x, b))
    };
    let Some((alpha, x, b)) = pattern.either(y, Function::Mul).find_map(gated) else { return Ok(None) };
    let mut patch = Patch::new(draft);
    patch.node(
        draft.name(y),
        (Op::Gated(Arc::new(Gated::SwiGLU { alpha })), "SwiGLU"),
        [Some(x), Some(b)],
        [Some(y)],
    );
    Ok(Some(patch))
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::super::testing::{Build, rewritten, run};
    use super::{fuse_swiglu, fuse_swish};
    use crate::{DType, Tensor};

    const RULES: &[(&str, Rule)] = &[("fuse_swish", fuse_swish), ("fuse_swiglu", fuse_swiglu)];

    #[test]
    fn a_swish_that_gates_its_equal_becomes_one_step() {
        for (second, expected) in
            [([2, 3], "y = SwiGLU (x, b)\n"), ([1, 3], "a = Swish (x)\ny = Mul (b, a)\n")]
        {
            let mut build = Build::default();
            let x = build.input("x", DType::F32, &[2, 3]);
            let b = build.input("b", DType::F32, &second);
            let s = build.node("Sigmoid", &[x], "s");
            let a = build.node("Mul", &[s, x], "a");
            let y = build.node("Mul", &[b, a], "y");
            let graph = build.finish(&[y]);
            let (text, after, _) = rewritten(graph.clone(), RULES).unwrap();
            assert_eq!(text, expected);
            let b: Vec<f32> = (0..second.iter().product()).map(|i| i as f32 - 1.0).collect();
            let x = Tensor::new(&[2, 3], &[-1f32, 0.0, 0.5, 2.0, 30.0, -30.0]).unwrap();
            let inputs = [x, Tensor::new(&second, &b).unwrap()];
            let (before, after) = (run(&graph, &inputs).unwrap(), run(&after, &inputs).unwrap());
            let (before, after) = (before[0].slice::<f32>().unwrap(), after[0].slice::<f32>().unwrap());
            assert!(
                before.iter().zip(after).all(|(a, b)| (a - b).abs() <= 1e-5 * a.abs()),
                "{before:?} {after:?}"
            );
        }
    }
}
