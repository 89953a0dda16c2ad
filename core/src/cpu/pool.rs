//! Threads to work on. Kernels see [`Pool::chunks`] and nothing else of them.

use crate::Result;
use std::sync::{Mutex, PoisonError};

/// How many threads a run may use.
#[derive(Clone, Debug)]
pub struct Pool {
    threads: usize,
}

impl Pool {
    /// A pool of `threads` threads, the caller's among them.
    pub fn new(threads: usize) -> Pool {
        Pool { threads: threads.max(1) }
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work(i, chunk)` for every chunk of `out`, on all threads where there is more than one. The
    /// chunks are the unit of work: what is computed for one never depends on the number of threads.
    pub fn chunks<T: Send>(
        &self,
        out: &mut [T],
        chunk: usize,
        work: impl Fn(usize, &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        let mut chunks = out.chunks_mut(chunk.max(1)).enumerate();
        if self.threads == 1 || chunks.len() < 2 {
            return chunks.try_for_each(|(i, c)| work(i, c));
        }
        let workers = self.threads.min(chunks.len());
        let chunks = Mutex::new(chunks);
        let next = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
        spread(workers, &|| next().map(|(i, c)| work(i, c)))
    }
}

/// Calls `next` on so many threads until it gives nothing more. Not generic on purpose: kernels make a
/// thousand kinds of work, and each would compile its own copy of the threads.
fn spread(workers: usize, next: &(dyn Fn() -> Option<Result<()>> + Sync)) -> Result<()> {
    let body = || {
        while let Some(done) = next() {
            done?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(body)).collect();
        let mine = body();
        others.into_iter().fold(mine, |result, other| {
            let theirs = other.join().unwrap_or_else(|_| Err(err!(Internal, "a worker thread panicked")));
            result.and(theirs)
        })
    })
}
