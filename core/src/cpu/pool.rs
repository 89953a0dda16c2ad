//! Threads to work on. Kernels see [`Pool::chunks`] and [`Pool::each`], and nothing else of them.

use crate::Result;
use edgewise_pool::lock;
use std::sync::{Mutex, PoisonError};

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
        let mut chunks = out.chunks_mut(chunk.max(1)).enumerate();
        if self.threads() == 1 || chunks.len() < 2 {
            return chunks.try_for_each(|(i, c)| work(i, c));
        }
        let count = chunks.len();
        let chunks = Mutex::new(chunks);
        let next = || lock(&chunks).next();
        self.each(count, &|_| next().map_or(Ok(()), |(i, c)| work(i, c)))
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
