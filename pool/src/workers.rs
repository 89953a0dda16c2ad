//! The threads, and the list of jobs on which they look for work.

use super::Job;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a worker stays awake without work: longer than what lies between two steps of a model that are
/// worth sharing, shorter than anyone would notice on a bill.
const AWAKE: Duration = Duration::from_micros(60);

/// Started threads. Dropping it ends them.
#[derive(Debug)]
pub struct Workers {
    board: Arc<Board>,
    threads: Vec<JoinHandle<()>>,
}

/// Where jobs are pinned.
#[derive(Debug, Default)]
struct Board {
    list: Mutex<List>,
    /// Told of new jobs, and of the end.
    news: Condvar,
    /// Counts what there was to be told: what those who are awake look at.
    edition: AtomicUsize,
}

#[derive(Debug, Default)]
struct List {
    jobs: Vec<Pinned>,
    asleep: usize,
    closed: bool,
}

/// The address of a job whose caller waits in [`Pool::run`](super::Pool::run).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pinned(*const Job<'static>);

// SAFETY: a job is made to be shared; it holds nothing but atomics, a lock and a `Sync` function.
unsafe impl Send for Pinned {}

impl Pinned {
    fn of(job: &Job<'_>) -> Pinned {
        Pinned(std::ptr::from_ref(job).cast())
    }
}

impl Workers {
    /// Starts so many threads, or as many as the system gives.
    pub fn start(count: usize) -> Workers {
        let board = Arc::new(Board::default());
        let start = |i| {
            let board = board.clone();
            let builder = std::thread::Builder::new().name(format!("edgewise-{i}"));
            builder.spawn(move || board.serve()).ok()
        };
        let threads = (1..=count).map_while(start).collect();
        Workers { board, threads }
    }

    /// Pins a job up, for whoever is free.
    pub fn help(&self, job: &Job<'_>) {
        if self.threads.is_empty() {
            return;
        }
        let mut list = self.board.lock();
        list.jobs.push(Pinned::of(job));
        self.board.edition.fetch_add(1, Ordering::Release);
        let asleep = list.asleep;
        drop(list);
        if asleep > 0 {
            self.board.news.notify_all();
        }
    }

    /// Takes a job down: nobody new comes to it afterwards.
    pub fn leave(&self, job: &Job<'_>) {
        self.board.lock().jobs.retain(|pinned| *pinned != Pinned::of(job));
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.board.lock().closed = true;
        self.board.edition.fetch_add(1, Ordering::Release);
        self.board.news.notify_all();
        for thread in self.threads.drain(..) {
            // Workers catch what panics, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's life.
    fn serve(&self) {
        let mut seen = self.edition.load(Ordering::Acquire);
        while let Some(job) = self.next_job(&mut seen) {
            // SAFETY: `next_job` entered it while it was pinned up, so its caller waits until the exit.
            let job = unsafe { &*job.0 };
            job.work();
            job.exit();
        }
    }

    /// Something to do, entered; waits for it, awake first and then asleep. `None`: it is over.
    fn next_job(&self, seen: &mut usize) -> Option<Pinned> {
        if let Some(job) = self.open_job(&self.lock()) {
            return Some(job);
        }
        self.stay_awake(*seen);
        let mut list = self.lock();
        loop {
            *seen = self.edition.load(Ordering::Acquire);
            if list.closed {
                return None;
            }
            if let Some(job) = self.open_job(&list) {
                return Some(job);
            }
            list.asleep += 1;
            list = self.news.wait(list).unwrap_or_else(PoisonError::into_inner);
            list.asleep -= 1;
        }
    }

    /// The job that has waited least: its caller has had the least help.
    fn open_job(&self, list: &List) -> Option<Pinned> {
        list.jobs.iter().rev().copied().find(|pinned| {
            // SAFETY: what is on the list is pinned up, so its caller is still there.
            let job = unsafe { &*pinned.0 };
            let open = job.is_open();
            if open {
                job.enter();
            }
            open
        })
    }

    /// Returns when there is news, or after a while.
    fn stay_awake(&self, seen: usize) {
        let since = Instant::now();
        loop {
            for _ in 0..64 {
                if self.edition.load(Ordering::Acquire) != seen {
                    return;
                }
                std::hint::spin_loop();
            }
            if since.elapsed() > AWAKE {
                return;
            }
        }
    }
}
