//! LayerNormalization and RMSNormalization written out become the operators.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{NodeId, ValueId};
use crate::ops::binary::Function;
use crate::ops::reduce::Reduction;
use crate::ops::unary::Unary;
use crate::ops::{Attr, Attrs, Op};

/// `(x - mean) / √(variance + ε) · scale + bias` over the last axis.
pub fn fuse_layer_normalization(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let pattern = Pattern::of(draft);
    let Some((Op::Binary(_), _, y)) = pattern.node(id) else { return Ok(None) };
    let found = pattern.either(y, Function::Add).find_map(|[product, bias]| {
        pattern.either(product, Function::Mul).find_map(|[unit, scale]| {
            let rows = pattern.is_row_of(scale, unit) && pattern.is_row_of(bias, unit);
            let (deviation, epsilon) = divided_by_root_of_mean_square(pattern, unit)?;
            let x = centered(draft, deviation)?;
            (rows && draft.only_user(product).is_some()).then_some(([x, scale, bias], epsilon))
        })
    });
    found
        .map(|(inputs, epsilon)| normalization(draft, ("LayerNormalization", 17), &inputs, epsilon, y))
        .transpose()
}

/// `x / √(mean of x² + ε) · scale` over the last axis.
pub fn fuse_rms_normalization(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let pattern = Pattern::of(draft);
    let Some((Op::Binary(_), _, y)) = pattern.node(id) else { return Ok(None) };
    let found = pattern.either(y, Function::Mul).find_map(|[unit, scale]| {
        let (x, epsilon) = divided_by_root_of_mean_square(pattern, unit)?;
        // A deviation from a mean is LayerNormalization's, once its bias comes along.
        let own = pattern.is_row_of(scale, unit) && centered(draft, x).is_none();
        own.then_some(([x, scale], epsilon))
    });
    found
        .map(|(inputs, epsilon)| normalization(draft, ("RMSNormalization", 23), &inputs, epsilon, y))
        .transpose()
}

fn normalization(
    draft: &Draft,
    (name, version): (&str, i64),
    inputs: &[ValueId],
    epsilon: f64,
    y: ValueId,
) -> Result<Patch> {
    let attrs = [("epsilon".to_string(), Attr::Float(epsilon as f32))].into_iter().collect();
    let attrs = Attrs::new("", name, version, vec![true; inputs.len()], vec![true], attrs);
    let mut patch = Patch::new(draft);
    let inputs = inputs.iter().copied().map(Some);
    patch.node(draft.name(y), (Op::parse(attrs)?, name), inputs, [Some(y)]);
    Ok(patch)
}

/// `x` and ε, of x / √(mean of x² + ε) in its spellings.
fn divided_by_root_of_mean_square(pattern: Pattern<'_>, unit: ValueId) -> Option<(ValueId, f64)> {
    let quotient = pattern.binary(unit, Function::Div);
    let inverse = || {
        let mut sides = pattern.either(unit, Function::Mul);
        sides.find_map(|[x, inverse]| {
            let one = || pattern.binary(inverse, Function::Div).filter(|[one, _]| pattern.is(*one, 1.0));
            let root = pattern.unary(inverse, Unary::Reciprocal).or_else(|| one().map(|[_, root]| root));
            Some([x, root?])
        })
    };
    let [x, root] = quotient.or_else(inverse)?;
    let sum = pattern.unary(root, Unary::Sqrt)?;
    pattern.either(sum, Function::Add).find_map(|[mean, epsilon]| {
        let square = mean_over_last_axis(pattern, mean)?;
        (pattern.squared(square)? == x).then_some((x, pattern.scalar(epsilon)?))
    })
}

/// `x`, of x - mean of x.
fn centered(draft: &Draft, deviation: ValueId) -> Option<ValueId> {
    let pattern = Pattern::of(draft);
    let [x, mean] = pattern.binary(deviation, Function::Sub)?;
    (mean_over_last_axis(pattern, mean)? == x).then_some(x)
}

/// `x`, of its mean over the last axis, which stays as an axis of one.
fn mean_over_last_axis(pattern: Pattern<'_>, mean: ValueId) -> Option<ValueId> {
    let (reduce, inputs) = pattern.reduce(mean)?;
    let x = inputs.first().copied()??;
    (reduce.kind == Reduction::ReduceMean && pattern.keeps_all_but_last(mean, x)).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::*;
    use crate::DType;
    use crate::optimize::Rule;

    const RULES: &[(&str, Rule)] = &[
        ("fuse_layer_normalization", fuse_layer_normalization),
        ("fuse_rms_normalization", fuse_rms_normalization),
    ];

    /// The mean of `value` over the last axis, or over the one before.
    fn mean(b: &mut Build, value: ValueId, axis: i64, name: &str) -> ValueId {
        b.node_with("ReduceMean", &[value], &[("axes", Attr::Ints(vec![axis]))], &[name])[0]
    }

    fn layer_normalization(axis: i64) -> String {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[3, 4]);
        let (two, epsilon) = (b.scalar("two", 2f32), b.scalar("epsilon", 1e-5f32));
        let (scale, bias) = (b.constant("scale", waves(&[4])), b.constant("bias", waves(&[4])));
        let m = mean(&mut b, x, axis, "m");
        let d = b.node("Sub", &[x, m], "d");
        let square = b.node("Pow", &[d, two], "square");
        let v = mean(&mut b, square, axis, "v");
        let sum = b.node("Add", &[v, epsilon], "sum");
        let root = b.node("Sqrt", &[sum], "root");
        let unit = b.node("Div", &[d, root], "unit");
        let scaled = b.node("Mul", &[unit, scale], "scaled");
        let y = b.node("Add", &[scaled, bias], "y");
        rewritten_alike(b.finish(&[y]), RULES, &[waves(&[3, 4])])
    }

    #[test]
    fn layer_normalization_over_the_last_axis_and_no_other() {
        assert_eq!(layer_normalization(-1), "y = LayerNormalization (x, scale, bias)\n");
        assert!(layer_normalization(0).contains("ReduceMean"));
    }

    #[test]
    fn rms_normalization_by_an_inverse() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[3, 4]);
        let (scale, epsilon) = (b.constant("scale", waves(&[4])), b.scalar("epsilon", 1e-5f32));
        let square = b.node("Mul", &[x, x], "square");
        let v = mean(&mut b, square, -1, "v");
        let sum = b.node("Add", &[v, epsilon], "sum");
        let root = b.node("Sqrt", &[sum], "root");
        let inverse = b.node("Reciprocal", &[root], "inverse");
        let unit = b.node("Mul", &[x, inverse], "unit");
        let y = b.node("Mul", &[scale, unit], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[3, 4])]);
        assert_eq!(text, "y = RMSNormalization (x, scale)\n");
    }
}
