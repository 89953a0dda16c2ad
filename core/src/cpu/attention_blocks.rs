//! Attention in f32 by blocks of keys, on the kernels of `edgewise_simd::attention`.
//!
//! A tile is the queries of some positions in the heads that share a head of keys, so that keys are packed
//! once for all of them. Blocks begin at multiples of their length, counted from position 0, whatever a query
//! sees: a row of the result is the same whether its token came alone or with others.

use super::RunContext;
use super::attention_core::{At, Attend};
use crate::{Element, Float, Result};
use edgewise_simd::attention::{KEYS, Rows, pack_keys, scores};
use edgewise_simd::{Isa, MatrixMut};
use std::ops::Range;

/// Rows of a tile, more or less: the block of keys and what belongs to these stay in the second cache.
const ROWS: usize = 128;
/// Multiplications that are too few to be worth handing to another thread.
const SMALL: usize = 1 << 18;

impl<W: Float> Attend<'_, W> {
    /// As [`Attend::run`]; `W` must be f32.
    pub(super) fn run_blocks<T: Float<Wide = W>>(
        &self,
        cx: &RunContext<'_>,
        out: &mut [T],
        by_head: bool,
    ) -> Result<()> {
        let (group, width) = (self.heads / self.kv_heads, self.v.new.width());
        if out.is_empty() {
            return Ok(());
        }
        let step = (ROWS / group).max(1);
        // The rows of a head group of a batch: side by side by head, under one another by position.
        let mut tiles: Vec<(usize, MatrixMut<'_, T>)> = if by_head {
            MatrixMut::dense(out, group * self.queries * width)
                .tiles(1, group * self.queries * width)
                .into_iter()
                .map(|tile| (tile.rows().start / self.kv_heads, tile))
                .collect()
        } else {
            let batches = out.chunks_mut(self.queries * self.heads * width).enumerate();
            let tiles = |(batch, out)| {
                let tiles = MatrixMut::dense(out, self.heads * width).tiles(step, group * width);
                tiles.into_iter().map(move |tile| (batch, tile))
            };
            batches.flat_map(tiles).collect()
        };
        let work = self.heads * self.queries * self.keys * width;
        let together = if work < SMALL { tiles.len() } else { 1 };
        cx.pool.chunks(&mut tiles, together, |_, tiles| {
            for (batch, tile) in tiles {
                let (kv_head, queries) = match by_head {
                    true => (tile.rows().start % self.kv_heads, 0..self.queries),
                    false => (tile.cols().start / (group * width), tile.rows()),
                };
                for first in queries.clone().step_by(step) {
                    let some = first..(first + step).min(queries.end);
                    let rows = self.rows(cx, *batch, kv_head, some.clone())?;
                    for i in 0..some.len() * group {
                        let (query, head) = (first + i / group, i % group);
                        let to = match by_head {
                            true => &mut tile.row(0)[(head * self.queries + query) * width..][..width],
                            false => &mut tile.row(query - queries.start)[head * width..][..width],
                        };
                        to.iter_mut().zip(rows.finished(i)).for_each(|(y, x)| *y = T::narrow(W::from_f32(x)));
                    }
                }
            }
            Ok(())
        })
    }

    /// The rows of some queries, each in all heads of a group.
    fn rows(&self, cx: &RunContext<'_>, batch: usize, kv_head: usize, queries: Range<usize>) -> Result<Rows> {
        let (isa, group) = (Isa::current(), self.heads / self.kv_heads);
        let at = |i: usize| At { batch, head: kv_head * group + i % group, query: queries.start + i / group };
        let count = queries.len() * group;
        let q: Vec<&[f32]> =
            (0..count).map(at).map(|at| f32s(self.q.row(batch, at.head, at.query))).collect();
        let seen: Vec<Range<usize>> = queries.clone().map(|query| self.seen(batch, query)).collect();
        let sinks = (0..count).map(|i| self.sinks.as_ref().map(|sinks| sinks[at(i).head].to_f32()));
        let (depth, width) = (self.q.width(), self.v.new.width());
        let mut rows = Rows::new(width, sinks);
        let (mut packed, mut table) = (vec![0f32; depth * KEYS], vec![0f32; count * KEYS]);
        let nothing = vec![0f32; depth.max(width)];

        let all = seen.iter().filter(|seen| !seen.is_empty());
        let start = all.clone().map(|seen| seen.start).min().unwrap_or(0);
        let end = all.map(|seen| seen.end).max().unwrap_or(0);
        for first_key in (start / KEYS * KEYS..end).step_by(KEYS) {
            cx.check()?;
            let block = first_key..(first_key + KEYS).min(end);
            let meets = |seen: &Range<usize>| seen.start < block.end && block.start < seen.end;
            let Some(first) = seen.iter().position(meets) else { continue };
            let last = seen.iter().rposition(meets).unwrap_or(first);
            let some = first * group..(last + 1) * group;
            let there = |key: usize| key >= start;
            let key = |t| if there(t) { f32s(self.k.row(batch, kv_head, t)) } else { &nothing[..depth] };
            let value = |t| if there(t) { f32s(self.v.row(batch, kv_head, t)) } else { &nothing[..width] };
            let keys: Vec<&[f32]> = block.clone().map(key).collect();
            let values: Vec<&[f32]> = block.clone().map(value).collect();
            pack_keys(&keys, &mut packed);
            let table = &mut table[..some.len() * KEYS];
            let seen_of = |i: usize| {
                let Range { start, end } = seen[i / group];
                start.clamp(block.start, block.end)..end.clamp(block.start, block.end)
            };
            let ends: Vec<usize> = some.clone().map(|i| seen_of(i).end - first_key).collect();
            scores(isa, &q[some.clone()], &ends, &packed, self.scale.to_f32(), table);
            for (i, row) in some.clone().zip(table.chunks_exact_mut(KEYS)) {
                self.settle(at(i), first_key, seen_of(i), row);
            }
            rows.absorb(isa, some.start, table, &ends, &values);
        }
        Ok(rows)
    }

    /// Caps, biases and masks the scores of a block of keys.
    fn settle(&self, at: At, first_key: usize, seen: Range<usize>, row: &mut [f32]) {
        let places = seen.start - first_key..seen.end.max(seen.start) - first_key;
        row[..places.start].fill(f32::NEG_INFINITY);
        row[places.end..].fill(f32::NEG_INFINITY);
        let scores = &mut row[places];
        let softcap = self.softcap.to_f32();
        if softcap > 0.0 {
            scores.iter_mut().for_each(|x| *x = (*x / softcap).tanh() * softcap);
        }
        if let (Some(bias), false) = (&self.bias, scores.is_empty()) {
            bias(at, seen, bytemuck::cast_slice_mut(scores));
        }
    }
}

/// Elements that are f32.
fn f32s<W: Element>(x: &[W]) -> &[f32] {
    bytemuck::cast_slice(x)
}

#[cfg(test)]
mod tests {
    use super::super::attention_core::{Bias, Joined, Rows, Span};
    use super::*;
    use crate::cpu::Pool;
    use std::borrow::Cow;
    use std::sync::atomic::AtomicBool;

    fn numbers(n: usize, by: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * by % 1009) as f32 - 504.0) / 251.0).collect()
    }

    /// An attention of two batches over a cache, of everything that one can have.
    struct Case {
        queries: usize,
        past: usize,
        heads: usize,
        kv_heads: usize,
        size: usize,
        window: usize,
        softcap: f32,
        bias: bool,
        sinks: bool,
    }

    impl Case {
        fn keys(&self) -> usize {
            self.past + self.queries
        }

        /// The result of the queries from `from` on.
        fn result(&self, from: usize, by_head: bool, plainly: bool, threads: usize) -> Vec<f32> {
            let (pool, cancel) = (Pool::new(threads), AtomicBool::new(false));
            let cx = RunContext::new(&pool, &cancel);
            let &Case { queries: all, past, heads, kv_heads, size, .. } = self;
            let queries = all - from;
            let q = numbers(2 * all * heads * size, 7919);
            let per = heads * size;
            let q: Vec<f32> = q.chunks(all * per).flat_map(|q| &q[from * per..]).copied().collect();
            let joined = |by: usize| Joined {
                past: Some((
                    Rows::by_head(
                        Cow::Owned(numbers(2 * kv_heads * (past + 3) * size, by)),
                        [kv_heads, past + 3, size],
                    ),
                    past + 3,
                )),
                new: Rows::by_position(
                    Cow::Owned(numbers(2 * all * kv_heads * size, by + 2)),
                    [all, kv_heads, size],
                ),
                spans: vec![Span { first: 0, past }; 2],
            };
            let visible = move |_: usize, query: usize| {
                let end = past + from + query + 1;
                end.saturating_sub(self.window)..end
            };
            let bias = |at: At, seen: Range<usize>, scores: &mut [f32]| {
                for (t, score) in seen.zip(scores) {
                    let hidden = (t + at.query + from) % 7 == 3 && at.batch == 1;
                    *score = if hidden { f32::NEG_INFINITY } else { *score + (t % 5) as f32 / 3.0 };
                }
            };
            let attend = Attend {
                heads,
                kv_heads,
                queries,
                keys: self.keys(),
                q: Rows::by_position(Cow::Owned(q), [queries, heads, size]),
                k: joined(104729),
                v: joined(31),
                scale: 0.3f32,
                softcap: self.softcap,
                visible: &visible,
                bias: self.bias.then(|| Box::new(bias) as Box<Bias<'_, f32>>),
                sinks: self.sinks.then(|| numbers(heads, 3)),
            };
            let mut out = vec![f32::NAN; 2 * queries * heads * size];
            match plainly {
                true => attend.run_plain(&cx, &mut out, by_head).unwrap(),
                false => attend.run_blocks(&cx, &mut out, by_head).unwrap(),
            }
            out
        }
    }

    fn cases() -> impl Iterator<Item = Case> {
        let sizes =
            [(1, 0, 1, 1, 1), (1, 128, 9, 3, 64), (200, 0, 4, 2, 40), (70, 61, 3, 3, 24), (5, 63, 6, 1, 17)];
        let extras = [
            (1000, 0.0, false, false),
            (37, 2.0, false, true),
            (1000, 0.0, true, false),
            (5, 1.5, true, true),
        ];
        sizes.into_iter().flat_map(move |(queries, past, heads, kv_heads, size)| {
            extras.into_iter().map(move |(window, softcap, bias, sinks)| Case {
                queries,
                past,
                heads,
                kv_heads,
                size,
                window,
                softcap,
                bias,
                sinks,
            })
        })
    }

    #[test]
    fn blocks_give_what_the_plain_loop_gives() {
        for case in cases() {
            for by_head in [false, true] {
                let plain = case.result(0, by_head, true, 1);
                for threads in [1, 3] {
                    let got = case.result(0, by_head, false, threads);
                    let off = plain.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(
                        off < 1e-5 && got.iter().all(|x| !x.is_nan()),
                        "{off} with {} queries",
                        case.queries
                    );
                }
            }
        }
    }

    #[test]
    fn the_last_token_gets_the_same_bits_alone() {
        for case in cases() {
            let (all, last) =
                (case.result(0, false, false, 1), case.result(case.queries - 1, false, false, 1));
            let row = case.heads * case.size;
            for batch in 0..2 {
                let end = (batch + 1) * case.queries * row;
                assert_eq!(all[end - row..end], last[batch * row..][..row]);
            }
        }
    }
}
