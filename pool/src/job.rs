//! One call: what is to be done, how far it is, and who is at it.

use crate::lock;
use crate::shares::Shares;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A call of [`Pool::run`](super::Pool::run), which holds it on its stack.
pub struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    indices: Shares,
    /// How many may help the caller.
    helpers: usize,
    /// Workers at it, the caller left aside.
    busy: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl<'a> Job<'a> {
    pub fn new(count: usize, helpers: usize, work: &'a (dyn Fn(usize) + Sync)) -> Job<'a> {
        let indices = Shares::new(count, helpers + 1);
        Job { work, indices, helpers, busy: AtomicUsize::new(0), panic: Mutex::default() }
    }

    /// A worker comes, if there is something left to take and room for one more. Called under the lock under
    /// which jobs are taken off the list.
    pub fn enter(&self) -> bool {
        let welcome = self.busy.load(Ordering::Relaxed) < self.helpers && self.indices.open();
        if welcome {
            self.busy.fetch_add(1, Ordering::Relaxed);
        }
        welcome
    }

    /// The worker has nothing more to do with it; the job may be gone the moment after.
    pub fn exit(&self) {
        self.busy.fetch_sub(1, Ordering::Release);
    }

    /// Takes indices until there are none, beginning with those of a worker of that number; the caller is
    /// number 0. A panic ends the whole job.
    pub fn work(&self, number: usize) {
        let share = if number == 0 { 0 } else { 1 + (number - 1) % self.helpers };
        let body = || {
            while let Some(i) = self.indices.take(share) {
                (self.work)(i);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
            self.indices.close();
            *lock(&self.panic) = Some(panic);
        }
    }

    /// Waits for the workers that are still at it. They are in the middle of one index each, so this is
    /// short; but they may have lost their core to someone else, hence the yielding. It must not move before:
    /// they know it by its address.
    ///
    /// # Panics
    /// With what one of them panicked with, and when `lost` says that one will never be done.
    pub fn finish(&self, lost: impl Fn() -> bool) {
        let mut rounds = 0u32;
        while self.busy.load(Ordering::Acquire) > 0 {
            rounds += 1;
            if rounds < 2000 {
                std::hint::spin_loop();
            } else {
                assert!(!lost(), "a thread died at its work");
                std::thread::yield_now();
            }
        }
        let panic = lock(&self.panic).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}
