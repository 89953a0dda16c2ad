//! Attention written out, heads split and joined by Reshape and Transpose, becomes the operator, which makes
//! neither the scores nor the transposed heads.

use super::pattern::Pattern;
use super::transpose::{order, source};
use super::{Draft, Patch};
use crate::graph::{NodeId, ValueId};
use crate::ops::binary::Function;
use crate::ops::softmax::Mode;
use crate::ops::{Attr, Attrs, Op};
use crate::{Dim, Result};

/// Softmax(Q · Kᵀ · scale + mask) · V, from the Reshape that splits the heads to the one that joins them.
pub fn fuse_attention(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((Op::Reshape(_), &[Some(joined), ..], y)) = Pattern::of(draft).node(id) else { return Ok(None) };
    let Some(found) = Attention::read(draft, joined, y)? else { return Ok(None) };
    let heads = Attr::Int(found.heads as i64);
    let attrs = [
        ("q_num_heads".to_string(), heads.clone()),
        ("kv_num_heads".to_string(), heads),
        ("scale".to_string(), Attr::Float(found.scale as f32)),
    ];
    let there = vec![true, true, true, found.mask.is_some()];
    let op = Op::parse(Attrs::new("", "Attention", 24, there, vec![true], attrs.into_iter().collect()))?;
    let [q, k, v] = found.factors.map(Some);
    let mut patch = Patch::new(draft);
    patch.node(draft.name(y), (op, "Attention"), [q, k, v, found.mask], [Some(y)]);
    Ok(Some(patch))
}

struct Attention {
    factors: [ValueId; 3],
    mask: Option<ValueId>,
    heads: usize,
    scale: f64,
}

impl Attention {
    fn read(draft: &Draft, joined: ValueId, y: ValueId) -> Result<Option<Attention>> {
        let pattern = Pattern::of(draft);
        let Some(by_head) = transposed(draft, joined, [0, 2, 1, 3])? else { return Ok(None) };
        let Some((shares, values, [false, false])) = product(draft, by_head) else { return Ok(None) };
        let Some((v, heads)) = split_heads(draft, values, [0, 2, 1, 3])? else { return Ok(None) };
        let Some(mut scores) = softmax_over_last(draft, shares) else { return Ok(None) };
        let mut mask = None;
        if let Some([inner, added]) = pattern.either(scores, Function::Add).find(|[inner, added]| {
            unscaled(pattern, *inner).is_some_and(|(x, _)| product(draft, x).is_some())
                && fits_scores(draft, *added, scores)
        }) {
            (scores, mask) = (inner, Some(added));
        }
        let Some((scores, scale)) = unscaled(pattern, scores) else { return Ok(None) };
        let Some((queries, keys, [false, transposed])) = product(draft, scores) else { return Ok(None) };
        let Some((queries, q_scale)) = unscaled(pattern, queries) else { return Ok(None) };
        let Some((keys, k_scale)) = unscaled(pattern, keys) else { return Ok(None) };
        let order = if transposed { [0, 2, 1, 3] } else { [0, 2, 3, 1] };
        let (Some((q, q_heads)), Some((k, k_heads))) =
            (split_heads(draft, queries, [0, 2, 1, 3])?, split_heads(draft, keys, order)?)
        else {
            return Ok(None);
        };
        let whole = joins_heads(draft, joined, y) && [q_heads, k_heads] == [heads; 2];
        let scale = scale * q_scale * k_scale;
        let found = Attention { factors: [q, k, v], mask, heads, scale };
        Ok((whole && scale.is_finite() && scale != 0.0).then_some(found))
    }
}

/// What a value is a multiple of, and how many times; itself once, where nothing scales it.
fn unscaled(pattern: Pattern<'_>, value: ValueId) -> Option<(ValueId, f64)> {
    let product = pattern.either(value, Function::Mul).find_map(|[x, c]| Some((x, pattern.scalar(c)?)));
    let quotient = || {
        let [x, c] = pattern.binary(value, Function::Div)?;
        Some((x, 1.0 / pattern.scalar(c)?))
    };
    product.or_else(quotient).or(Some((value, 1.0)))
}

/// The factors of a plain product that nobody else needs, and whether each lies transposed.
fn product(draft: &Draft, value: ValueId) -> Option<(ValueId, ValueId, [bool; 2])> {
    let node = draft.maker(value).filter(|_| draft.only_user(value).is_some())?;
    match (&node.op, &node.inputs[..]) {
        (Op::MatMul(op), &[Some(a), Some(b)]) if op.alpha == 1.0 && !op.left.batch && !op.right.batch => {
            Some((a, b, [op.left.matrix, op.right.matrix]))
        }
        _ => None,
    }
}

fn softmax_over_last(draft: &Draft, shares: ValueId) -> Option<ValueId> {
    let node = draft.maker(shares).filter(|_| draft.only_user(shares).is_some())?;
    let rank = draft.rank(shares)?;
    match &node.op {
        Op::Softmax(op) if op.mode == Mode::Soft && op.slices(rank).ok()? == (rank - 1..rank) => {
            node.inputs.first().copied()?
        }
        _ => None,
    }
}

/// What a Transpose by that order was applied to.
fn transposed(draft: &Draft, value: ValueId, by: [usize; 4]) -> Result<Option<ValueId>> {
    let made = order(draft, value)?.is_some_and(|order| order == by);
    Ok(if made { source(draft, value) } else { None })
}

/// The tensor [batch, sequence, heads · size] whose heads were split off and moved by that order, and how many
/// they are.
fn split_heads(draft: &Draft, value: ValueId, by: [usize; 4]) -> Result<Option<(ValueId, usize)>> {
    let Some(split) = transposed(draft, value, by)? else { return Ok(None) };
    let reshape = draft.maker(split).filter(|node| matches!(node.op, Op::Reshape(_)));
    let Some(whole) = reshape.and_then(|node| node.inputs.first().copied()?) else { return Ok(None) };
    let heads = match (dims(draft, whole), dims(draft, split)) {
        (Some([b, s, _]), Some([batch, sequence, heads, size])) if b == batch && s == sequence => {
            heads.size().filter(|&n| n > 0 && size.size().is_some_and(|size| size > 0))
        }
        _ => None,
    };
    Ok(heads.map(|heads| (whole, heads)))
}

/// Whether a Reshape of [batch, sequence, heads, size] joins the last two.
fn joins_heads(draft: &Draft, joined: ValueId, y: ValueId) -> bool {
    match (dims(draft, joined), dims(draft, y)) {
        (Some([b, s, heads, size]), Some([batch, sequence, hidden])) => {
            b == batch && s == sequence && heads.clone() * size.clone() == *hidden
        }
        _ => false,
    }
}

/// Whether a mask broadcasts to the scores, and not the scores to the mask.
fn fits_scores(draft: &Draft, mask: ValueId, sum: ValueId) -> bool {
    let (Some(mask_dims), Some(sum_dims)) = (dims(draft, mask), dims(draft, sum)) else { return false };
    let fits = |(m, s): (&Dim, &Dim)| m == s || m.known() == Some(1);
    mask_dims.len() <= sum_dims.len()
        && mask_dims.iter().rev().zip(sum_dims.iter().rev()).all(fits)
        && draft.dtype(mask) == draft.dtype(sum)
}

fn dims(draft: &Draft, value: ValueId) -> Option<&[Dim]> {
    draft.fact(value)?.dims.as_deref()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Build, rewritten_alike, waves};
    use super::*;
    use crate::optimize::Rule;
    use crate::{DType, Tensor};

    const RULES: &[(&str, Rule)] = &[("fuse_attention", fuse_attention)];

    /// Heads of a tensor, split by `shape` and moved by `perm`.
    fn heads(b: &mut Build, x: ValueId, shape: &[i64], perm: &[i64], name: &str) -> ValueId {
        let shape = b.constant(&format!("{name}.shape"), Tensor::new(&[shape.len()], shape).unwrap());
        let split = b.node("Reshape", &[x, shape], &format!("{name}.split"));
        b.node_with("Transpose", &[split], &[("perm", Attr::Ints(perm.to_vec()))], &[name])[0]
    }

    fn attention(mask: Option<&[usize]>, axis: i64) -> String {
        let mut b = Build::default();
        let [q, k, v] = ["q", "k", "v"].map(|name| b.input(name, DType::F32, &[2, 3, 8]));
        let shape = [0, 0, 2, 4];
        let queries = heads(&mut b, q, &shape, &[0, 2, 1, 3], "queries");
        let keys = heads(&mut b, k, &shape, &[0, 2, 3, 1], "keys");
        let values = heads(&mut b, v, &shape, &[0, 2, 1, 3], "values");
        let root = b.scalar("root", 2f32);
        let mut scores = b.node("MatMul", &[queries, keys], "products");
        scores = b.node("Div", &[scores, root], "scores");
        if let Some(shape) = mask {
            let mask = b.constant("mask", waves(shape));
            scores = b.node("Add", &[scores, mask], "masked");
        }
        let shares = b.node_with("Softmax", &[scores], &[("axis", Attr::Int(axis))], &["shares"])[0];
        let mixed = b.node("MatMul", &[shares, values], "mixed");
        let back = [("perm", Attr::Ints(vec![0, 2, 1, 3]))];
        let turned = b.node_with("Transpose", &[mixed], &back, &["turned"])[0];
        let whole = b.constant("whole", Tensor::new(&[3], &[0i64, 0, 8]).unwrap());
        let y = b.node("Reshape", &[turned, whole], "y");
        let inputs = [waves(&[2, 3, 8]), waves(&[2, 3, 8]), waves(&[2, 3, 8])];
        rewritten_alike(b.finish(&[y]), RULES, &inputs)
    }

    #[test]
    fn with_and_without_a_mask() {
        assert_eq!(attention(None, -1), "y = Attention (q, k, v)\n");
        assert_eq!(attention(Some(&[2, 1, 1, 3]), 3), "y = Attention (q, k, v, mask)\n");
    }

    #[test]
    fn a_softmax_over_another_axis_is_no_attention() {
        assert!(attention(None, 2).contains("Softmax"));
    }
}
