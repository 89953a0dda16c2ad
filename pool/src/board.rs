//! Where callers pin up jobs and workers look for them.

use crate::awake::Awake;
use crate::{Job, lock};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Where jobs are pinned.
#[derive(Debug)]
pub struct Board {
    list: Mutex<List>,
    /// Told of new jobs, and of the end.
    news: Condvar,
    /// Counts what there was to be told: what those who are awake look at.
    edition: AtomicUsize,
    /// Whether a worker died at its work, so that its caller would wait for ever.
    lost: AtomicBool,
    /// How many workers have come.
    workers: AtomicUsize,
}

#[derive(Debug)]
struct List {
    jobs: Vec<Pinned>,
    asleep: usize,
    closed: bool,
}

/// The address of a job whose caller waits in [`Pool::run`](crate::Pool::run).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pinned(*const Job<'static>);

// SAFETY: a job is made to be shared; it holds nothing but atomics, a lock and a `Sync` function.
unsafe impl Send for Pinned {}

impl Pinned {
    fn of(job: &Job<'_>) -> Pinned {
        Pinned(std::ptr::from_ref(job).cast())
    }
}

impl Board {
    /// An empty board, also for a static.
    pub const fn new() -> Board {
        Board {
            list: Mutex::new(List { jobs: Vec::new(), asleep: 0, closed: false }),
            news: Condvar::new(),
            edition: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
            workers: AtomicUsize::new(0),
        }
    }

    /// Pins a job up, for whoever is free.
    pub fn help(&self, job: &Job<'_>) {
        let mut list = lock(&self.list);
        list.jobs.push(Pinned::of(job));
        self.edition.fetch_add(1, Ordering::Release);
        let asleep = list.asleep;
        drop(list);
        if asleep > 0 {
            self.news.notify_all();
        }
    }

    /// Takes a job down: nobody new comes to it afterwards.
    pub fn leave(&self, job: &Job<'_>) {
        lock(&self.list).jobs.retain(|pinned| *pinned != Pinned::of(job));
    }

    /// Sends the workers home, for good.
    pub fn close(&self) {
        lock(&self.list).closed = true;
        self.edition.fetch_add(1, Ordering::Release);
        self.news.notify_all();
    }

    /// Says that a worker died at its work.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether one did.
    pub fn has_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// A worker's life.
    pub fn serve(&self) {
        let number = 1 + self.workers.fetch_add(1, Ordering::Relaxed);
        let mut seen = self.edition.load(Ordering::Acquire);
        while let Some(job) = self.next_job(&mut seen) {
            // SAFETY: `next_job` entered it while it was pinned up, so its caller waits until the exit.
            let job = unsafe { &*job.0 };
            job.work(number);
            job.exit();
        }
    }

    /// Something to do, entered; waits for it, awake first and then asleep. `None`: it is over.
    fn next_job(&self, seen: &mut usize) -> Option<Pinned> {
        if let Some(job) = enter(&lock(&self.list)) {
            return Some(job);
        }
        self.stay_awake(*seen);
        let mut list = lock(&self.list);
        loop {
            *seen = self.edition.load(Ordering::Acquire);
            if list.closed {
                return None;
            }
            if let Some(job) = enter(&list) {
                return Some(job);
            }
            list.asleep += 1;
            list = self.news.wait(list).unwrap_or_else(PoisonError::into_inner);
            list.asleep -= 1;
        }
    }

    /// Returns when there is news, or after a while.
    fn stay_awake(&self, seen: usize) {
        let mut awake = Awake::from_now();
        while awake.still() {
            for _ in 0..64 {
                if self.edition.load(Ordering::Acquire) != seen {
                    return;
                }
                std::hint::spin_loop();
            }
        }
    }
}

/// Enters the job that has waited least: its caller has had the least help.
fn enter(list: &List) -> Option<Pinned> {
    list.jobs.iter().rev().copied().find(|pinned| {
        // SAFETY: what is on the list is pinned up, so its caller is still there.
        unsafe { &*pinned.0 }.enter()
    })
}
