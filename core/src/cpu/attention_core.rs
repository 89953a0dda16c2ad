//! softmax(q·k) · v: what is behind every attention operator.
//!
//! The table of scores is never made as a whole: here it is a row at a time, in f32 [by blocks of
//! keys](super::attention_blocks). An operator says
//! where its heads lie ([`Rows`], [`Joined`]), which keys a query sees (a range) and what is added to their
//! scores. What a reader would get wrong: a key outside the range, or with a score of -inf, is left out
//! altogether, so a NaN that lies there never reaches the result; a query that sees no key gives zeros.

use super::RunContext;
use super::dot::dot;
use crate::ops::heads::Part;
use crate::{DType, Float, Result};
use std::borrow::Cow;
use std::ops::Range;

/// Rows of equal length, one per batch, head and position, wherever they lie.
pub(super) struct Rows<'a, E: Copy> {
    data: Cow<'a, [E]>,
    /// Steps from batch to batch, head to head, position to position.
    steps: [usize; 3],
    offset: usize,
    width: usize,
}

impl<'a, E: Copy> Rows<'a, E> {
    /// From [batch, heads, positions, width].
    pub fn by_head(data: Cow<'a, [E]>, [heads, positions, width]: [usize; 3]) -> Rows<'a, E> {
        Rows { data, steps: [heads * positions * width, positions * width, width], offset: 0, width }
    }

    /// From [batch, positions, heads, width].
    pub fn by_position(data: Cow<'a, [E]>, [positions, heads, width]: [usize; 3]) -> Rows<'a, E> {
        Rows { data, steps: [positions * heads * width, width, heads * width], offset: 0, width }
    }

    /// Those that `part` describes, where a number takes so many elements.
    pub fn of(data: Cow<'a, [E]>, part: &Part, elements: usize) -> Rows<'a, E> {
        let steps = part.steps.map(|step| step * elements);
        Rows { data, steps, offset: part.offset * elements, width: part.width * elements }
    }

    /// The row of a head at a position.
    pub fn row(&self, batch: usize, head: usize, position: usize) -> &[E] {
        let [b, h, p] = self.steps;
        &self.data[self.offset + batch * b + head * h + position * p..][..self.width]
    }

    /// The rows of a head at some positions as one stretch, where they are there and lie in one.
    fn stretch(&self, batch: usize, head: usize, positions: Range<usize>) -> Option<&[E]> {
        let [b, h, p] = self.steps;
        let first = self.offset + batch * b + head * h + positions.start * p;
        self.data.get(first..first + positions.len() * p).filter(|_| p == self.width)
    }

    /// Elements of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Copies of the rows as [batch, positions, heads, width], changed by `change(head, row)`.
    pub fn mapped(
        &self,
        [batch, positions, heads]: [usize; 3],
        change: impl Fn(usize, &mut [E]),
    ) -> Rows<'static, E> {
        let mut data = Vec::with_capacity(batch * positions * heads * self.width);
        for (b, p) in (0..batch).flat_map(|b| (0..positions).map(move |p| (b, p))) {
            for h in 0..heads {
                let from = data.len();
                data.extend_from_slice(self.row(b, h, p));
                change(h, &mut data[from..]);
            }
        }
        Rows::by_position(Cow::Owned(data), [positions, heads, self.width])
    }
}

/// Where a batch's keys lie: positions count from its first token on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The position of the cache's first row.
    pub first: usize,
    /// How many positions came before this step; the new rows begin here.
    pub past: usize,
}

/// The rows of a cache, followed by new ones.
pub(super) struct Joined<'a, E: Copy> {
    /// The cache, and how many rows it has per head.
    pub past: Option<(Rows<'a, E>, usize)>,
    /// The new rows.
    pub new: Rows<'a, E>,
    /// One per batch.
    pub spans: Vec<Span>,
}

impl<E: Copy> Joined<'_, E> {
    /// The row of a head at a position.
    pub fn row(&self, batch: usize, head: usize, position: usize) -> &[E] {
        let Span { first, past } = self.spans[batch];
        match &self.past {
            Some((rows, _)) if position < past => rows.row(batch, head, position - first),
            _ => self.new.row(batch, head, position - past),
        }
    }

    /// As [`write`](Joined::write), of elements as they are.
    pub fn copy(&self, out: &mut [E], [heads, len]: [usize; 2], kept: impl Fn(usize) -> Range<usize>)
    where
        E: Default,
    {
        let width = self.new.width();
        for (i, out) in out.chunks_mut((len * width).max(1)).enumerate() {
            let (batch, head) = (i / heads, i % heads);
            let (Span { first, past }, kept) = (self.spans[batch], kept(batch));
            let (out, rest) = out.split_at_mut(kept.len().min(len) * width);
            // What is kept of the cache, in one go if it lies so; then row by row.
            let old = kept.start..kept.end.min(past).max(kept.start);
            let stretch = self.past.as_ref().and_then(|(rows, _)| {
                rows.stretch(batch, head, old.start.checked_sub(first)?..old.end.checked_sub(first)?)
            });
            let from = match stretch.filter(|stretch| stretch.len() <= out.len()) {
                Some(stretch) => {
                    out[..stretch.len()].copy_from_slice(stretch);
                    old.end
                }
                None => kept.start,
            };
            let rows = out.chunks_mut(width.max(1)).zip(kept.start..).skip(from - kept.start);
            rows.for_each(|(out, position)| out.copy_from_slice(self.row(batch, head, position)));
            for (out, row) in rest.chunks_mut(width.max(1)).zip(kept.len()..) {
                match &self.past {
                    Some((past, rows)) if row < *rows => out.copy_from_slice(past.row(batch, head, row)),
                    _ => out.fill(E::default()),
                }
            }
        }
    }

    /// Writes [batch, heads, `len`, width]: the positions that `kept` names, from row 0 on; after them
    /// what the cache holds there, or zeros.
    pub fn write<O: Copy + Default>(
        &self,
        out: &mut [O],
        [heads, len]: [usize; 2],
        kept: impl Fn(usize) -> Range<usize>,
        store: impl Fn(E) -> O,
    ) {
        let copy = |out: &mut [O], row: &[E]| out.iter_mut().zip(row).for_each(|(o, &x)| *o = store(x));
        let width = self.new.width();
        for (i, out) in out.chunks_mut(width.max(1)).enumerate() {
            let (batch, head, row) = (i / len / heads, i / len % heads, i % len);
            let kept = kept(batch);
            if row < kept.len() {
                copy(out, self.row(batch, head, kept.start + row));
                continue;
            }
            match &self.past {
                Some((past, rows)) if row < *rows => copy(out, past.row(batch, head, row)),
                _ => out.fill(O::default()),
            }
        }
    }
}

/// A query: one row of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub batch: usize,
    pub head: usize,
    pub query: usize,
}

/// How far scores are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Scaled products, of all keys.
    Raw,
    /// And the soft cap.
    Capped,
    /// And what is added; only keys that the query sees.
    Biased,
    /// And the softmax.
    Soft,
}

/// Adds to the scores of the keys in the range.
pub(super) type Bias<'a, W> = dyn Fn(At, Range<usize>, &mut [W]) + Sync + 'a;

/// One attention: what it reads and how it scores.
pub(super) struct Attend<'a, W: Float> {
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / kv_heads` neighbors.
    pub kv_heads: usize,
    pub queries: usize,
    /// One more than the last position that any query sees.
    pub keys: usize,
    pub q: Rows<'a, W>,
    pub k: Joined<'a, W>,
    pub v: Joined<'a, W>,
    pub scale: W,
    /// Scores become `softcap * tanh(score / softcap)`; 0: they stay.
    pub softcap: W,
    /// The keys that a batch's query sees.
    pub visible: &'a (dyn Fn(usize, usize) -> Range<usize> + Sync),
    pub bias: Option<Box<Bias<'a, W>>>,
    /// Per head: a score that takes part in the softmax and has no value.
    pub sinks: Option<Vec<W>>,
}

impl<W: Float> Attend<'_, W> {
    /// The result, as [batch, heads, queries, width] if `by_head`, else as [batch, queries, heads, width].
    pub fn run<T: Float<Wide = W>>(&self, cx: &RunContext<'_>, out: &mut [T], by_head: bool) -> Result<()> {
        match W::DTYPE {
            DType::F32 => self.run_blocks(cx, out, by_head),
            _ => self.run_plain(cx, out, by_head),
        }
    }

    /// The same, row by row: for f64, and what the other way is compared with.
    pub fn run_plain<T: Float<Wide = W>>(
        &self,
        cx: &RunContext<'_>,
        out: &mut [T],
        by_head: bool,
    ) -> Result<()> {
        self.each_row(cx, out, |i, scores, sum| {
            let at = self.place(i, by_head);
            let seen = self.scores(at, Stage::Soft, scores);
            self.add_values(at, seen.clone(), &scores[seen], sum);
        })
    }

    /// The result, by head, where the shares of the values are known already.
    pub fn sum_by<T: Float<Wide = W>>(
        &self,
        cx: &RunContext<'_>,
        out: &mut [T],
        shares: &Rows<'_, W>,
    ) -> Result<()> {
        self.each_row(cx, out, |i, _, sum| {
            let at = self.place(i, true);
            self.add_values(at, 0..self.keys, shares.row(at.batch, at.head, at.query), sum);
        })
    }

    /// Calls `compute(i, scores, sum)` for each row of the result; both slices are its to use, the second
    /// begins as zeros and becomes the row.
    fn each_row<T: Float<Wide = W>>(
        &self,
        cx: &RunContext<'_>,
        out: &mut [T],
        compute: impl Fn(usize, &mut [W], &mut [W]) + Sync,
    ) -> Result<()> {
        const ROWS: usize = 8;
        let width = self.v.new.width().max(1);
        cx.pool.chunks(out, width * ROWS, |chunk, out| {
            cx.check()?;
            let mut scores = vec![W::zero(); self.keys];
            let mut sum = vec![W::zero(); width];
            for (i, out) in out.chunks_mut(width).enumerate() {
                sum.fill(W::zero());
                compute(chunk * ROWS + i, &mut scores, &mut sum);
                out.iter_mut().zip(&sum).for_each(|(y, &x)| *y = T::narrow(x));
            }
            Ok(())
        })
    }

    /// Adds the values of keys by their shares.
    fn add_values(&self, at: At, keys: Range<usize>, shares: &[W], sum: &mut [W]) {
        for (key, &share) in keys.zip(shares).filter(|(_, share)| **share != W::zero()) {
            let value = self.v.row(at.batch, self.kv_head(at), key);
            sum.iter_mut().zip(value).for_each(|(sum, &v)| *sum = sum.add(share.mul(v)));
        }
    }

    /// The scores as they are at a stage: [batch, heads, queries, columns], `unseen` where a query does not
    /// look.
    pub fn write_scores<O: Send>(
        &self,
        cx: &RunContext<'_>,
        (out, columns): (&mut [O], usize),
        (stage, unseen): (Stage, W),
        store: impl Fn(W) -> O + Sync,
    ) -> Result<()> {
        cx.pool.chunks(out, columns, |i, out| {
            cx.check()?;
            let mut scores = vec![W::zero(); self.keys];
            let seen = self.scores(self.place(i, true), stage, &mut scores);
            for (t, y) in out.iter_mut().enumerate() {
                *y = store(if seen.contains(&t) { scores[t] } else { unseen });
            }
            Ok(())
        })
    }

    /// Which query row number `i` of the result belongs to.
    fn place(&self, i: usize, by_head: bool) -> At {
        let (n, s) = (self.heads, self.queries);
        if by_head {
            At { batch: i / s / n, head: i / s % n, query: i % s }
        } else {
            At { batch: i / n / s, head: i % n, query: i / n % s }
        }
    }

    fn kv_head(&self, at: At) -> usize {
        at.head / (self.heads / self.kv_heads)
    }

    /// The keys that a query sees, of those that there are.
    pub fn seen(&self, batch: usize, query: usize) -> Range<usize> {
        let Range { start, end } = (self.visible)(batch, query);
        start.min(self.keys)..end.min(self.keys).max(start.min(self.keys))
    }

    /// Computes the scores of a query in their places of `row`, and says which places those are.
    fn scores(&self, at: At, stage: Stage, row: &mut [W]) -> Range<usize> {
        let seen = match stage {
            Stage::Raw | Stage::Capped => 0..self.keys,
            Stage::Biased | Stage::Soft => self.seen(at.batch, at.query),
        };
        let q = self.q.row(at.batch, at.head, at.query);
        for t in seen.clone() {
            row[t] = dot(q, self.k.row(at.batch, self.kv_head(at), t)).mul(self.scale);
        }
        let scores = &mut row[seen.clone()];
        if stage >= Stage::Capped && self.softcap > W::zero() {
            let tanh = |x: W| x.div(self.softcap).map(f32::tanh, f64::tanh).mul(self.softcap);
            scores.iter_mut().for_each(|x| *x = tanh(*x));
        }
        if let (true, Some(bias)) = (stage >= Stage::Biased, &self.bias) {
            bias(at, seen.clone(), scores);
        }
        if stage == Stage::Soft {
            softmax(scores, self.sinks.as_ref().map(|sinks| sinks[at.head]));
        }
        seen
    }
}

/// Makes scores shares of 1, with the sink's share left out; where all are -inf, zeros.
fn softmax<W: Float>(scores: &mut [W], sink: Option<W>) {
    let max = scores.iter().copied().chain(sink).fold(W::neg_infinity(), W::max_of);
    if max == W::neg_infinity() {
        return scores.fill(W::zero());
    }
    let exp = |x: W| x.sub(max).map(f32::exp, f64::exp);
    let mut sum = sink.map_or(W::zero(), exp);
    for x in scores.iter_mut() {
        *x = exp(*x);
        sum = sum.add(*x);
    }
    scores.iter_mut().for_each(|x| *x = x.div(sum));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_takes_its_share() {
        let mut scores = [0f32, 0.0];
        softmax(&mut scores, Some(0.0));
        assert_eq!(scores, [1.0 / 3.0; 2]);
    }

    #[test]
    fn nothing_to_see_is_zero_and_nan_spreads() {
        let mut scores = [f32::NEG_INFINITY; 2];
        softmax(&mut scores, None);
        assert_eq!(scores, [0.0; 2]);
        let mut scores = [f32::NAN, 0.0];
        softmax(&mut scores, None);
        assert!(scores[1].is_nan());
    }

    #[test]
    fn joined_rows_continue_the_cache() {
        let past = Rows::by_head(Cow::Owned(vec![1, 2, 3]), [1, 3, 1]);
        let new = Rows::by_position(Cow::Owned(vec![7]), [1, 1, 1]);
        let spans = vec![Span { first: 5, past: 7 }];
        let joined = Joined { past: Some((past, 3)), new, spans };
        assert_eq!([5, 6, 7].map(|t| joined.row(0, 0, t)[0]), [1, 2, 7]);
        for (kept, expected) in
            [(6..8, [2, 7, 3, 0]), (5..8, [1, 2, 7, 0]), (7..8, [7, 2, 3, 0]), (5..6, [1, 2, 3, 0])]
        {
            let (mut written, mut copied) = ([9; 4], [9; 4]);
            joined.write(&mut written, [1, 4], |_| kept.clone(), |x| x);
            joined.copy(&mut copied, [1, 4], |_| kept.clone());
            assert_eq!((written, copied), (expected, expected), "{kept:?}");
        }
    }
}
