//! Threads to work on. Kernels see [`Pool::chunks`] and [`Pool::each`], and nothing else of them.

use crate::Result;
use edgewise_pool::lock;
use std::sync::{Mutex, PoisonError};

/// How many of `units` to give away at a time, so that about that many pieces come out and so many threads,
/// each of which takes as many pieces, end together.
pub fn even(units: usize, pieces: usize, threads: usize) -> usize {
    let least = units.div_ceil(pieces.max(1)).max(1);
    let longest = |each: &usize| units.div_ceil(*each).div_ceil(threads) * each;
    // More than a few times as many would leave nothing to those who come late.
    let most = if threads == 1 { least } else { units.div_ceil(threads).min(4 * least) };
    (least..=most.max(least)).min_by_key(longest).unwrap_or(least)
}

/// Threads that runs share; see [`edgewise_pool::Pool`].
#[derive(Clone, Debug)]
pub struct Pool {
    threads: edgewise_pool::Pool,
}

impl Pool {
    /// A pool of `threads` threads, the caller's among them.
    pub fn new(threads: usize) -> Pool {
        Pool { threads: edgewise_pool::Pool::new(threads) }
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.threads.threads()
    }

    /// Calls `work(i, chunk)` for every chunk of `out`, on all threads where there is more than one. The
    /// chunks are the unit of work: what is computed for one never depends on the number of threads.
    pub fn chunks<T: Send>(
        &self,
        out: &mut [T],
        chunk: usize,
        work: impl Fn(usize, &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        self.chunks_of(out, chunk, &work)
    }

    /// The same, compiled once for every type of element and not for every kind of work.
    fn chunks_of<T: Send>(
        &self,
        out: &mut [T],
        chunk: usize,
        work: &(dyn Fn(usize, &mut [T]) -> Result<()> + Sync),
    ) -> Result<()> {
        let chunks = out.chunks_mut(chunk.max(1));
        if self.threads() == 1 || chunks.len() < 2 {
            return chunks.enumerate().try_for_each(|(i, c)| work(i, c));
        }
        let chunks: Vec<_> = chunks.map(|chunk| Mutex::new(Some(chunk))).collect();
        self.each(chunks.len(), &|i| lock(&chunks[i]).take().map_or(Ok(()), |chunk| work(i, chunk)))
    }

    /// Calls `work` for every index of `0..count`, in any order; after the first error the others are left
    /// out. Not generic on purpose: kernels make a thousand kinds of work, and each would compile its own
    /// copy.
    pub fn each(&self, count: usize, work: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
        if self.threads() == 1 || count < 2 {
            return (0..count).try_for_each(work);
        }
        let failed = Mutex::new(None);
        let failure = || lock(&failed);
        self.threads.run(count, &|i| {
            let going = failure().is_none();
            if let (true, Err(error)) = (going, work(i)) {
                failure().get_or_insert(error);
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_end_together() {
        assert_eq!(even(14, 8, 2), 7);
        assert_eq!(even(56, 8, 2), 7);
        assert_eq!(even(10, 8, 2), 5);
        assert_eq!(even(7, 8, 2), 1);
        assert_eq!(even(80, 8, 2), 10);
        assert_eq!(even(100, 1, 2), 100);
        assert_eq!(even(0, 0, 3), 1);
        assert_eq!(even(9, 100, 4), 1);
        assert_eq!(even(37, 4, 1), 10);
    }
}
