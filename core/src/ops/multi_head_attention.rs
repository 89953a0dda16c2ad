//! MultiHeadAttention (com.microsoft).
//!
//! Inputs: query [batch, sequence, heads * size], key and value likewise, or key and value by head
//! [batch, heads, sequence, size], or key and value packed in the key [batch, sequence, heads, 2, size], or
//! all three packed in the query [batch, sequence, heads, 3, size]; bias of all three; padding mask;
//! attention bias; past key and value [batch, heads, past, size]; past length, where these are buffers that
//! the new rows fill up; for a beam search, from which beam of them each row comes. Outputs: result, present
//! key and value, scores. f32, f16 or bf16.

use super::heads::Part;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// What com.microsoft's attentions say of their scores.
#[derive(Clone, Debug)]
pub struct Scoring {
    /// `None`: 1 / sqrt(size of a head).
    pub scale: Option<f32>,
    /// What is added where the mask hides a key.
    pub mask_filter: f32,
    /// A token sees only what came before, and itself.
    pub causal: bool,
}

impl Scoring {
    /// Reads `scale`, `mask_filter_value` and `unidirectional`.
    pub fn parse(a: &mut Attrs) -> Result<Scoring> {
        Ok(Scoring {
            scale: a.float("scale")?.filter(|&scale| scale != 0.0),
            mask_filter: a.float_or("mask_filter_value", -10000.0)?,
            causal: a.flag("unidirectional", false)?,
        })
    }
}

/// Reads `num_heads`.
pub fn parse_heads(a: &mut Attrs) -> Result<usize> {
    let heads = a.int("num_heads")?;
    let heads = a.required("num_heads", heads)?;
    ensure!(heads > 0, InvalidModel, "num_heads must be positive, got {heads}");
    Ok(heads as usize)
}

/// MultiHeadAttention.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MultiHeadAttention {
    pub heads: usize,
    pub scoring: Scoring,
}

impl Operator for MultiHeadAttention {
    fn parse(a: &mut Attrs) -> Result<MultiHeadAttention> {
        a.arity(1..=10, 1..=4)?;
        ensure!(a.has_input(6) == a.has_input(7), InvalidModel, "a past key goes with a past value");
        Ok(MultiHeadAttention { heads: parse_heads(a)?, scoring: Scoring::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let unknown = |i: usize| cx.has(i) && cx.dims(i).is_none();
        if (0..3).any(unknown) {
            (0..4).for_each(|i| cx.set_tensor(i, dtype, None));
            return Ok(());
        }
        let heads = Dim::from(self.heads);
        let dims = |i: usize| cx.dims(i).map_or(&[][..], Dims::as_slice);
        let per_head = |hidden: &Dim| hidden.div_floor(&heads);
        let (batch, queries) = match dims(0) {
            [batch, queries, ..] => (batch.clone(), queries.clone()),
            other => bail!(InvalidModel, "the query must have three or five axes, got {other:?}"),
        };
        let (added, size, value_size) = match (dims(0), dims(1), dims(2)) {
            ([_, s, _, _, size], [], []) => (s.clone(), size.clone(), size.clone()),
            ([_, _, _], [_, l, _, _, size], []) => (l.clone(), size.clone(), size.clone()),
            ([_, _, _], [_, _, l, size], [_, _, _, value]) => (l.clone(), size.clone(), value.clone()),
            ([_, _, _], [_, l, keys], [_, _, values]) => (l.clone(), per_head(keys), per_head(values)),
            (q, k, v) => bail!(InvalidModel, "query {q:?}, key {k:?} and value {v:?} do not go together"),
        };
        let past = match cx.dims(6).map(Dims::as_slice) {
            Some([_, _, past, _]) => past.clone(),
            Some(other) => bail!(InvalidModel, "the past key must have four axes, got {other:?}"),
            None if cx.has(6) => cx.unknown_dim(),
            None => Dim::from(0),
        };
        let (total, present) = if cx.has(8) {
            let filled = match cx.ints(8).as_deref() {
                Some([filled]) => filled.clone(),
                _ => cx.unknown_dim(),
            };
            (filled + added, past)
        } else {
            (past.clone() + added.clone(), past + added)
        };
        let result = [batch.clone(), queries.clone(), heads.clone() * value_size.clone()];
        cx.set_tensor(0, dtype, Some(Dims::from_iter(result)));
        for (i, size) in [(1, size), (2, value_size)] {
            let present = [batch.clone(), heads.clone(), present.clone(), size];
            cx.set_tensor(i, dtype, Some(Dims::from_iter(present)));
        }
        cx.set_tensor(3, dtype, Some(Dims::from_iter([batch, heads, queries, total])));
        Ok(())
    }
}

impl MultiHeadAttention {
    /// Which input query, key and value come from, and where they lie in it, for inputs of those shapes.
    pub fn parts(
        &self,
        query: &[usize],
        key: Option<&[usize]>,
        value: Option<&[usize]>,
    ) -> Result<[(usize, Part); 3]> {
        let n = self.heads;
        let own = |shape: &[usize]| {
            let part = Part::of(shape, Some(n))?;
            ensure!(part.heads == n, InvalidModel, "{shape:?} cannot be split into {n} heads");
            Ok(part)
        };
        let parts = match (query.len(), key, value) {
            (5, None, None) => {
                let part = |i| Part::packed(query, n, (i, 3)).map(|part| (0, part));
                [part(0)?, part(1)?, part(2)?]
            }
            (3, Some(key), None) => {
                let part = |i| Part::packed(key, n, (i, 2)).map(|part| (1, part));
                [(0, own(query)?), part(0)?, part(1)?]
            }
            (3, Some(key), Some(value)) => [(0, own(query)?), (1, own(key)?), (2, own(value)?)],
            _ => bail!(InvalidModel, "query {query:?}, key {key:?} and value {value:?} do not go together"),
        };
        let [(_, q), (_, k), (_, v)] = &parts;
        ensure!(
            q.batch == k.batch && (k.batch, k.positions) == (v.batch, v.positions) && q.width == k.width,
            InvalidModel,
            "query {query:?}, key {key:?} and value {value:?} do not go together"
        );
        Ok(parts)
    }
}
