//! Threads that work on one call after another.
//!
//! A model is hundreds of short steps, and starting threads for each costs more than it brings. So they are
//! started once, and after a call they stay awake for a moment, because the next step is near; then they
//! sleep. [`Pool::run`] calls a function for every index of a range, on the caller's thread and on whichever
//! others are free, and returns when all is done.
//!
//! Any number of callers may share a pool. Each works on its own call itself, so nobody ever waits for
//! another's: at worst one gets no help.
//!
//! In a browser a program cannot start threads. There the host starts them and lets them [`serve`], which makes
//! them workers of all pools; a pool that has none works alone.

#![allow(unsafe_code, reason = "threads that outlive a call work on what the call borrows")]
#![warn(clippy::undocumented_unsafe_blocks)]

mod awake;
mod board;
mod job;
mod lock;
mod shares;
#[cfg(test)]
mod tests;
mod workers;

pub use lock::lock;
pub use workers::{close, lose, serve};

use board::Board;
use job::Job;
use std::sync::{Arc, OnceLock};
use workers::Workers;

/// Whether this is for browsers: no threads but the host's, and none that may be put to sleep but workers.
const BROWSER: bool = cfg!(all(target_family = "wasm", target_os = "unknown"));

/// Whether memory can be shared at all.
const SHARED: bool = !BROWSER || cfg!(target_feature = "atomics");

/// Threads to work on. Clones share them; the last one to go ends them.
#[derive(Clone, Debug)]
pub struct Pool {
    threads: usize,
    /// Started when there is first something to share.
    workers: Arc<OnceLock<Workers>>,
}

impl Pool {
    /// A pool of `threads` threads, the caller's among them; of one where memory cannot be shared.
    pub fn new(threads: usize) -> Pool {
        Pool { threads: if SHARED { threads.max(1) } else { 1 }, workers: Arc::default() }
    }

    /// How many threads a call may use, the caller's among them.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work(i)` once for every `i` of `0..count`, in any order and on any thread, and waits. Each thread
    /// begins with the same part of the range in every call, so what it did last may still be in its cache.
    ///
    /// # Panics
    /// If a call of `work` did, after all the others have ended.
    pub fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        if self.threads == 1 || count < 2 {
            return (0..count).for_each(work);
        }
        let workers = self.workers.get_or_init(|| Workers::start(self.threads - 1));
        workers.share(&Job::new(count, self.threads - 1, work));
    }
}
