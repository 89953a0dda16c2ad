//! The threads of a pool: its own, or those of the host.

use crate::{BROWSER, Board, Job};
use std::sync::Arc;
use std::thread::JoinHandle;

/// The board of a host that starts threads itself.
static HOST: Board = Board::new();

/// Who helps a pool's callers.
#[derive(Debug)]
pub enum Workers {
    /// Threads that it has started. Dropping it ends them.
    Own(Arc<Board>, Vec<JoinHandle<()>>),
    /// Whoever is in [`serve`] at the time; maybe nobody.
    Host,
}

/// Makes the calling thread a worker, for every pool whose threads are the host's: for hosts on which a
/// program cannot start threads by itself, as in browsers. Returns when the host [closes](close).
pub fn serve() {
    HOST.serve();
}

/// Sends home everyone who is in [`serve`] or will come there; pools work on without them.
pub fn close() {
    HOST.close();
}

/// Says that a thread has died in [`serve`], as a trap of WebAssembly ends one. Callers who wait for what it
/// had in hand then panic: they would wait for ever.
pub fn lose() {
    HOST.lose();
}

impl Workers {
    /// Starts so many threads, or as many as the system gives; in a browser those are the host's.
    pub fn start(count: usize) -> Workers {
        if BROWSER {
            return Workers::Host;
        }
        let board = Arc::new(Board::new());
        let start = |i| {
            let board = board.clone();
            let builder = std::thread::Builder::new().name(format!("edgewise-{i}"));
            builder.spawn(move || board.serve()).ok()
        };
        let threads = (1..=count).map_while(start).collect();
        Workers::Own(board, threads)
    }

    fn board(&self) -> &Board {
        match self {
            Workers::Own(board, _) => board,
            Workers::Host => &HOST,
        }
    }

    /// Does a job with whoever comes to help.
    pub fn share(&self, job: &Job<'_>) {
        let board = self.board();
        board.help(job);
        job.work(0);
        // From here on nobody new comes to the job; it must outlive those who are there.
        board.leave(job);
        job.finish(|| board.has_lost());
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let Workers::Own(board, threads) = self else { return };
        board.close();
        for thread in threads.drain(..) {
            // Workers catch what panics, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}
