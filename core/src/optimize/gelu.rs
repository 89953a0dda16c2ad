//! Gelu written out, with erf or its approximation by tanh, becomes the operator.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::activation::Activation;
use crate::ops::binary::Function;
use crate::ops::unary::Unary;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
use std::sync::Arc;

/// `½ · x · (1 + erf(x / √2))`, its factors in any order, or the tanh form.
pub fn fuse_gelu(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let pattern = Pattern::of(draft);
    let Some((Op::Binary(_), _, y)) = pattern.node(id) else { return Ok(None) };
    let Some((x, tanh)) = gelu(pattern, y) else { return Ok(None) };
    let mut patch = Patch::new(draft);
    let op = Op::Activation(Arc::new(Activation::Gelu { tanh }));
    patch.node(draft.name(y), (op, "Gelu"), [Some(x)], [Some(y)]);
    Ok(Some(patch))
}

fn gelu(pattern: Pattern<'_>, y: ValueId) -> Option<(ValueId, bool)> {
    let factors = pattern.factors(y);
    let [a, b, c] = factors[..] else { return None };
    let orders = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]];
    orders.into_iter().find_map(|[half, x, one_plus]| {
        let curve = pattern.is(half, 0.5).then(|| pattern.plus(one_plus, 1.0)).flatten()?;
        let exact = || pattern.scaled(pattern.unary(curve, Unary::Erf)?, FRAC_1_SQRT_2);
        if exact() == Some(x) {
            return Some((x, false));
        }
        (cubic(pattern, pattern.unary(curve, Unary::Tanh)?) == Some(x)).then_some((x, true))
    })
}

/// `x`, of √(2/π) · (x + 0.044715 x³).
fn cubic(pattern: Pattern<'_>, z: ValueId) -> Option<ValueId> {
    let sum = pattern.scaled(z, FRAC_2_SQRT_PI * FRAC_1_SQRT_2)?;
    pattern.either(sum, Function::Add).find_map(|[x, term]| {
        let cube = pattern.scaled(term, 0.044715)?;
        let power = pattern.binary(cube, Function::Pow).filter(|[_, three]| pattern.is(*three, 3.0));
        let product = || {
            let mut sides = pattern.either(cube, Function::Mul);
            sides.find(|[x, square]| pattern.squared(*square) == Some(*x))
        };
        let [base, _] = power.or_else(product)?;
        (base == x).then_some(x)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::*;
    use crate::DType;
    use crate::optimize::Rule;

    const RULES: &[(&str, Rule)] = &[("fuse_gelu", fuse_gelu)];

    #[test]
    fn erf_in_any_order_of_factors() {
        for order in 0..3 {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[5]);
            let (root, inverse) = (b.scalar("root", 2f32.sqrt()), b.scalar("inverse", 0.5f32.sqrt()));
            let (half, one) = (b.scalar("half", 0.5f32), b.scalar("one", 1f32));
            let z =
                if order == 0 { b.node("Div", &[x, root], "z") } else { b.node("Mul", &[inverse, x], "z") };
            let e = b.node("Erf", &[z], "e");
            let s = b.node("Add", &[one, e], "s");
            let y = match order {
                0 => [x, s, half],
                1 => [half, x, s],
                _ => [half, s, x],
            };
            let p = b.node("Mul", &y[..2], "p");
            let y = b.node("Mul", &[y[2], p], "y");
            let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[5])]);
            assert_eq!(text, "y = Gelu (x)\n");
        }
    }

    #[test]
    fn the_approximation_by_tanh() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[5]);
        let (half, one, three) = (b.scalar("half", 0.5f32), b.scalar("one", 1f32), b.scalar("three", 3f32));
        let (k, scale) = (b.scalar("k", 0.044715f32), b.scalar("scale", 0.797_884_6f32));
        let cube = b.node("Pow", &[x, three], "cube");
        let term = b.node("Mul", &[cube, k], "term");
        let sum = b.node("Add", &[x, term], "sum");
        let z = b.node("Mul", &[sum, scale], "z");
        let t = b.node("Tanh", &[z], "t");
        let s = b.node("Add", &[t, one], "s");
        let h = b.node("Mul", &[x, half], "h");
        let y = b.node("Mul", &[h, s], "y");
        assert_eq!(rewritten_alike(b.finish(&[y]), RULES, &[waves(&[5])]), "y = Gelu (x)\n");
    }

    #[test]
    fn other_constants_are_left_alone() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[5]);
        let (two, half, one) = (b.scalar("two", 2f32), b.scalar("half", 0.5f32), b.scalar("one", 1f32));
        let z = b.node("Div", &[x, two], "z");
        let e = b.node("Erf", &[z], "e");
        let s = b.node("Add", &[one, e], "s");
        let p = b.node("Mul", &[x, s], "p");
        let y = b.node("Mul", &[p, half], "y");
        assert!(!rewritten_alike(b.finish(&[y]), RULES, &[waves(&[5])]).contains("Gelu"));
    }
}
