//! Tables that are added to the scores of an attention: biases and masks.

use super::attention_core::{At, Bias};
use crate::ops::masks::table_shape;
use crate::{Float, Result};
use std::borrow::Cow;

/// A table that broadcasts to [batch, heads, queries, keys].
pub(super) struct Table<'a, W: Copy> {
    values: Cow<'a, [W]>,
    shape: [usize; 4],
}

impl<'a, W: Float> Table<'a, W> {
    /// From a tensor of up to four axes, the last of which holds the keys; `to` is batch, heads, queries.
    pub fn of(values: Cow<'a, [W]>, shape: &[usize], to: [usize; 3]) -> Result<Table<'a, W>> {
        Ok(Table { values, shape: table_shape(shape, to)? })
    }

    /// How many keys it has numbers for.
    pub fn keys(&self) -> usize {
        self.shape[3]
    }

    /// What is added to a query's scores.
    pub fn row(&self, at: At) -> &[W] {
        let [batches, heads, queries, keys] = self.shape;
        let row = (at.batch % batches * heads + at.head % heads) * queries + at.query % queries;
        &self.values[row * keys..][..keys]
    }

    /// As something to be added; keys that it has no numbers for are masked.
    pub fn into_bias(self) -> Box<Bias<'a, W>> {
        Box::new(move |at, seen, scores| {
            let row = self.row(at);
            for (t, score) in seen.zip(scores) {
                add(score, row.get(t).copied().unwrap_or(W::neg_infinity()));
            }
        })
    }
}

/// Adds to a score; -inf masks it, whatever it was.
pub(super) fn add<W: Float>(score: &mut W, bias: W) {
    *score = if bias == W::neg_infinity() { bias } else { score.add(bias) };
}
