//! A gate that one task at a time passes, and others wait at without a thread.

use edgewise_pool::lock;
use std::future::poll_fn;
use std::sync::Mutex;
use std::task::{Poll, Waker};

/// The gate.
#[derive(Default)]
pub struct Gate(Mutex<State>);

#[derive(Default)]
struct State {
    taken: bool,
    waiting: Vec<Waker>,
}

/// Who has it is inside.
pub struct Pass<'a>(&'a Gate);

impl Gate {
    /// Waits until nobody is inside, and goes in.
    pub async fn enter(&self) -> Pass<'_> {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.taken {
                state.waiting.push(cx.waker().clone());
                return Poll::Pending;
            }
            state.taken = true;
            Poll::Ready(Pass(self))
        })
        .await
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut state = lock(&self.0.0);
            state.taken = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_at_a_time_is_inside_and_all_get_there() {
        let (gate, inside, passed) = (Gate::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _pass = block_on(gate.enter());
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        passed.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 800);
    }

    #[test]
    fn who_gives_up_waiting_holds_up_nobody() {
        let gate = Gate::default();
        let first = block_on(gate.enter());
        let mut second = Box::pin(gate.enter());
        let poll = second.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
        drop((second, first));
        drop(block_on(gate.enter()));
    }
}
