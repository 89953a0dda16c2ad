//! What MultiHeadAttention, Attention and QAttention of com.microsoft do once they have their heads.

use super::attention_bias::{Table, add};
use super::attention_core::{Attend, Bias, Joined, Rows, Span};
use super::padding_mask::PaddingMask;
use super::wide::widened;
use crate::ops::masks::Extent;
use crate::ops::multi_head_attention::Scoring;
use crate::{Float, Num, Result, View};
use std::ops::Range;

/// The heads of one attention.
pub(super) struct Heads<'a, W: Float> {
    pub batch: usize,
    pub heads: usize,
    pub queries: usize,
    /// New rows of keys and values.
    pub added: usize,
    /// Positions before them.
    pub past: usize,
    pub q: Rows<'a, W>,
    pub k: Joined<'a, W>,
    pub v: Joined<'a, W>,
}

impl<'a, W: Float> Heads<'a, W> {
    /// Positions in all.
    pub fn total(&self) -> usize {
        self.past + self.added
    }

    /// The spans of all batches, which are the same.
    pub fn spans(batch: usize, past: usize) -> Vec<Span> {
        vec![Span { first: 0, past }; batch]
    }

    /// Which keys a query sees.
    pub fn visible(&self, scoring: &Scoring) -> impl Fn(usize, usize) -> Range<usize> + Sync + use<W> {
        let (past, total, causal) = (self.past, self.total(), scoring.causal);
        move |_, query| 0..if causal { (past + query + 1).min(total) } else { total }
    }

    /// Ready to run.
    pub fn attend<'b, T: Float<Wide = W>>(
        self,
        scoring: &Scoring,
        mask: Option<View<'_>>,
        bias: Option<View<'b>>,
        visible: &'b (dyn Fn(usize, usize) -> Range<usize> + Sync),
    ) -> Result<Attend<'b, W>>
    where
        'a: 'b,
    {
        let keys = self.total();
        let to = Extent { batch: self.batch, queries: self.queries, past: self.past, keys };
        let mask = mask.map(|mask| PaddingMask::of(mask, &to, scoring.mask_filter)).transpose()?;
        let table = match bias {
            None => None,
            Some(bias) => {
                let shape = [self.batch, self.heads, self.queries];
                let table = Table::of(widened::<T>(bias)?, bias.shape(), shape)?;
                ensure!(table.keys() >= keys, InvalidModel, "{bias:?} is added to the scores of {keys} keys");
                Some(table)
            }
        };
        let size = self.q.width();
        Ok(Attend {
            heads: self.heads,
            kv_heads: self.heads,
            queries: self.queries,
            keys,
            q: self.q,
            k: self.k,
            v: self.v,
            scale: W::from_f32(scoring.scale.unwrap_or(1.0 / (size as f32).sqrt())),
            softcap: W::zero(),
            visible,
            bias: added(mask, table),
            sinks: None,
        })
    }
}

fn added<'a, W: Float>(mask: Option<PaddingMask>, table: Option<Table<'a, W>>) -> Option<Box<Bias<'a, W>>> {
    if mask.is_none() {
        return table.map(Table::into_bias);
    }
    Some(Box::new(move |at, seen, scores| {
        for (key, score) in seen.zip(scores) {
            let hidden = mask.as_ref().filter(|mask| mask.hides(at, key));
            // Added up before the score comes in, since -10000 leaves few digits to it.
            let mut sum = hidden.map_or(W::zero(), |mask| W::from_f32(mask.filter));
            if let Some(table) = &table {
                sum = sum.add(table.row(at)[key]);
            }
            add(score, sum);
        }
    }))
}

/// Adds a bias to the rows of each head, and rounds as `T`, the type that a cache would keep, does.
pub(super) fn add_bias<T: Float>(bias: Option<&[T::Wide]>, width: usize) -> impl Fn(usize, &mut [T::Wide]) {
    move |head, row| {
        for (i, x) in row.iter_mut().enumerate() {
            let bias = bias.map_or(Num::zero(), |bias| bias[head * width + i]);
            *x = T::narrow(x.add(bias)).widen();
        }
    }
}
