//! One call: what is to be done, how far it is, and who is at it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A call of [`Pool::run`](super::Pool::run), which holds it on its stack.
pub struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    count: usize,
    /// The first index that nobody has taken.
    next: AtomicUsize,
    /// Workers at it, the caller left aside.
    busy: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl<'a> Job<'a> {
    pub fn new(count: usize, work: &'a (dyn Fn(usize) + Sync)) -> Job<'a> {
        Job { work, count, next: AtomicUsize::new(0), busy: AtomicUsize::new(0), panic: Mutex::default() }
    }

    /// Whether there is something left to take.
    pub fn is_open(&self) -> bool {
        self.next.load(Ordering::Relaxed) < self.count
    }

    /// A worker comes. Called under the lock under which jobs are taken off the list.
    pub fn enter(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// The worker has nothing more to do with it; the job may be gone the moment after.
    pub fn exit(&self) {
        self.busy.fetch_sub(1, Ordering::Release);
    }

    /// Takes indices until there are none. A panic ends the whole job.
    pub fn work(&self) {
        let body = || {
            loop {
                let i = self.next.fetch_add(1, Ordering::Relaxed);
                if i >= self.count {
                    break;
                }
                (self.work)(i);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
            self.next.store(self.count, Ordering::Relaxed);
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        }
    }

    /// Waits for the workers that are still at it. They are in the middle of one index each, so this is
    /// short; but they may have lost their core to someone else, hence the yielding. It must not move before:
    /// they know it by its address.
    pub fn finish(&self) {
        let mut rounds = 0u32;
        while self.busy.load(Ordering::Acquire) > 0 {
            rounds += 1;
            if rounds < 2000 {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}
