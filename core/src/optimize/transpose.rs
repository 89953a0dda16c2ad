//! Transposes go where they cost nothing: into one another, and into the products that take them.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{NodeId, ValueId};
use crate::ops::matmul::MatMul;
use crate::ops::{Attr, Attrs, Op};
use std::sync::Arc;

/// A Transpose of a Transpose is one, or none.
pub fn merge_transposes(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((Op::Transpose(_), &[Some(x)], y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    let Some(second) = order(draft, y)? else { return Ok(None) };
    let (source, both) = match order(draft, x)? {
        Some(first) => (source(draft, x), second.iter().map(|&i| first[i]).collect()),
        None => (Some(x), second),
    };
    let Some(source) = source else { return Ok(None) };
    let mut patch = Patch::new(draft);
    if both.iter().copied().eq(0..both.len()) {
        if draft.is_output(y) {
            return Ok(None);
        }
        patch.replace(y, source);
    } else if source == x {
        return Ok(None);
    } else {
        let perm = Attr::Ints(both.iter().map(|&i| i as i64).collect());
        let attrs = [("perm".to_string(), perm)].into_iter().collect();
        let op = Op::parse(Attrs::new("", "Transpose", 13, vec![true], vec![true], attrs))?;
        patch.node(draft.name(y), (op, "Transpose"), [Some(source)], [Some(y)]);
    }
    Ok(Some(patch))
}

/// A product takes its factors as they lay before their rows and columns were exchanged.
pub fn absorb_transposes(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((Op::MatMul(op), &[Some(a), Some(b)], y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    let mut flipped = MatMul::clone(op);
    let mut inputs = [a, b];
    let mut changed = false;
    for (input, flip) in inputs.iter_mut().zip([&mut flipped.left, &mut flipped.right]) {
        let Some(order) = order(draft, *input)?.filter(|_| !flip.batch) else { continue };
        let rank = order.len();
        let exchanged = |(i, &from): (usize, &usize)| match rank - i {
            1 => from == rank - 2,
            2 => from == rank - 1,
            _ => from == i,
        };
        let matrices = rank >= 2 && order.iter().enumerate().all(exchanged);
        if let (true, Some(source)) = (matrices, source(draft, *input)) {
            *input = source;
            flip.matrix = !flip.matrix;
            changed = true;
        }
    }
    let mut patch = Patch::new(draft);
    let op = (Op::MatMul(Arc::new(flipped)), "com.microsoft.FusedMatMul");
    patch.node(draft.name(y), op, inputs.map(Some), [Some(y)]);
    Ok(changed.then_some(patch))
}

/// Which axis of its input each axis of a value was, if a Transpose made it.
pub fn order(draft: &Draft, value: ValueId) -> Result<Option<Vec<usize>>> {
    match (draft.maker(value).map(|node| &node.op), draft.rank(value)) {
        (Some(Op::Transpose(op)), Some(rank)) => op.order(rank).map(Some),
        _ => Ok(None),
    }
}

/// The first input of what made a value.
pub fn source(draft: &Draft, value: ValueId) -> Option<ValueId> {
    draft.maker(value)?.inputs.first().copied()?
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::*;
    use crate::DType;
    use crate::optimize::Rule;

    const RULES: &[(&str, Rule)] =
        &[("merge_transposes", merge_transposes), ("absorb_transposes", absorb_transposes)];

    fn transpose(b: &mut Build, x: ValueId, perm: &[i64], name: &str) -> ValueId {
        b.node_with("Transpose", &[x], &[("perm", Attr::Ints(perm.to_vec()))], &[name])[0]
    }

    #[test]
    fn two_become_one_or_none() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3, 4]);
        let p = transpose(&mut b, x, &[1, 2, 0], "p");
        let q = transpose(&mut b, p, &[2, 0, 1], "q");
        let y = b.node("Neg", &[q], "y");
        let z = transpose(&mut b, p, &[0, 2, 1], "z");
        let text = rewritten_alike(b.finish(&[y, z]), RULES, &[waves(&[2, 3, 4])]);
        assert_eq!(text, "y = Neg (x)\nz = Transpose (x)\n");
    }

    #[test]
    fn products_take_exchanged_rows_and_columns() {
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::F32, &[2, 3, 4]), b.input("z", DType::F32, &[2, 5, 4]));
        let t = transpose(&mut b, z, &[0, 2, 1], "t");
        let y = b.node("MatMul", &[x, t], "y");
        let text = rewritten_alike(b.finish(&[y]), RULES, &[waves(&[2, 3, 4]), waves(&[2, 5, 4])]);
        assert_eq!(text, "y = com.microsoft.FusedMatMul (x, z)\n");
    }
}
