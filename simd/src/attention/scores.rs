//! The products of queries with a block of keys.
//!
//! Keys are packed with the depth outside, so that a vector holds as many keys: a score is added up over the
//! depth from first to last.

use super::KEYS;
use crate::{Isa, Simd, Task, dispatch_plain};

/// Packs up to [`KEYS`] keys of equal length as [depth, KEYS], zeros where there are fewer.
pub fn pack_keys(keys: &[&[f32]], packed: &mut [f32]) {
    const SIDE: usize = 16;
    let (packed, _) = packed.as_chunks_mut::<KEYS>();
    packed.as_flattened_mut().fill(0.0);
    // Square by square, so that both sides stay in the first cache.
    for (group, keys) in keys.chunks(SIDE).enumerate() {
        for (first, packed) in packed.chunks_mut(SIDE).enumerate() {
            let depths = first * SIDE..first * SIDE + packed.len();
            for (i, key) in keys.iter().enumerate() {
                for (to, &x) in packed.iter_mut().zip(&key[depths.clone()]) {
                    to[group * SIDE + i] = x;
                }
            }
        }
    }
}

/// Writes the products of queries with packed keys, times `scale`, as [queries, KEYS]: of each query with the
/// keys before its `ends`; what is written after them may be anything.
pub fn scores(isa: Isa, queries: &[&[f32]], ends: &[usize], packed: &[f32], scale: f32, out: &mut [f32]) {
    let depth = packed.len() / KEYS;
    assert!(packed.len() == depth * KEYS && queries.iter().all(|q| q.len() == depth));
    assert!(ends.len() == queries.len() && ends.iter().all(|&end| end <= KEYS));
    assert_eq!(out.len(), queries.len() * KEYS);
    dispatch_plain(isa, Scores { queries, ends, packed, scale, out });
}

struct Scores<'a> {
    queries: &'a [&'a [f32]],
    ends: &'a [usize],
    packed: &'a [f32],
    scale: f32,
    out: &'a mut [f32],
}

impl Task for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let mut row = 0;
        while row < self.queries.len() {
            row += match (self.queries.len() - row, S::REGISTERS >= 32) {
                (6.., true) => self.tile::<S, 6, 4>(s, row),
                (3.., true) => self.tile::<S, 3, 4>(s, row),
                (_, true) => self.tile::<S, 1, 4>(s, row),
                (4.., false) => self.tile::<S, 4, 2>(s, row),
                (_, false) => self.tile::<S, 1, 2>(s, row),
            };
        }
    }
}

impl Scores<'_> {
    /// `R` queries with the keys that one of them asks for, `V` vectors at a time; says how many queries.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(&mut self, s: S, row: usize) -> usize {
        let scale = s.splat(self.scale);
        let queries: [&[f32]; R] = std::array::from_fn(|r| self.queries[row + r]);
        let end = self.ends[row..row + R].iter().fold(0, |most, &end| most.max(end));
        for first in (0..end).step_by(V * S::LANES) {
            let mut sums = [[s.splat(0.0); V]; R];
            for (d, keys) in self.packed.as_chunks::<KEYS>().0.iter().enumerate() {
                let keys: [S::F; V] = std::array::from_fn(|v| {
                    // SAFETY: the vectors of a tile divide a block of keys.
                    unsafe { s.load_at(keys.as_ptr().add(first + v * S::LANES)) }
                });
                for (sums, query) in sums.iter_mut().zip(&queries) {
                    // SAFETY: every query is as long as the keys are deep.
                    let q = s.splat(unsafe { *query.get_unchecked(d) });
                    for (sum, &keys) in sums.iter_mut().zip(&keys) {
                        *sum = s.mul_add(q, keys, *sum);
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                let out = &mut self.out[(row + r) * KEYS + first..];
                for (sum, out) in sums.into_iter().zip(out.chunks_mut(S::LANES)) {
                    s.store(s.mul(sum, scale), out);
                }
            }
        }
        R
    }
}
