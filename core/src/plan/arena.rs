//! The arena that a program keeps between its runs.
//!
//! New memory would have to be zeroed for every run. But one large request must not hold its memory for ever: what
//! run after run uses little of is let go. An arena comes with what another run has written.

use crate::Buffer;
use edgewise_pool::lock;
use std::sync::Mutex;

/// So many runs in a row use less than a quarter of an arena before it is let go. A model that is given small and
/// large inputs by turns keeps it, and so zeroes nothing.
const PATIENCE: u32 = 16;

/// Keeps the largest arena that runs have left.
#[derive(Default)]
pub struct Arena(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    arena: Buffer,
    /// Runs in a row that used little of it.
    small: u32,
}

impl Arena {
    /// What lies here; empty, if another run has it or there was none.
    pub fn take(&self) -> Buffer {
        std::mem::take(&mut lock(&self.0).arena)
    }

    /// Leaves an arena, of which a run has used so many bytes, to the next one, unless there is a larger one by now.
    pub fn leave(&self, arena: Buffer, used: usize) {
        let mut kept = lock(&self.0);
        if kept.arena.len() >= arena.len() {
            return;
        }
        kept.small = if used < arena.len() / 4 { kept.small + 1 } else { 0 };
        if kept.small < PATIENCE {
            kept.arena = arena;
        } else {
            // The next run makes itself one of its own size.
            *kept = Kept::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that needs so many bytes; the size of the arena that it had.
    fn run(kept: &Arena, bytes: usize) -> usize {
        let mut arena = kept.take();
        arena.grow(bytes).unwrap();
        let len = arena.len();
        kept.leave(arena, bytes);
        len
    }

    #[test]
    fn what_one_large_run_needed_is_let_go() {
        let kept = Arena::default();
        assert_eq!((run(&kept, 100), run(&kept, 4000)), (100, 4000));
        let had: Vec<usize> = (0..40).map(|_| run(&kept, 100)).collect();
        assert_eq!(had, [[4000; 16].as_slice(), &[100; 24]].concat());
    }

    #[test]
    fn small_and_large_runs_by_turns_keep_it() {
        let kept = Arena::default();
        run(&kept, 4000);
        assert!((1..200).all(|i| run(&kept, if i % 16 == 0 { 1000 } else { 10 }) == 4000));
    }

    #[test]
    fn of_two_runs_at_once_the_larger_arena_stays() {
        let kept = Arena::default();
        run(&kept, 4000);
        for _ in 0..40 {
            let large = kept.take();
            assert_eq!(run(&kept, 10), 10);
            kept.leave(large, 3000);
            let large = kept.take();
            kept.leave(large, 3000);
            kept.leave(Buffer::zeroed(10).unwrap(), 10);
        }
        assert_eq!(kept.take().len(), 4000);
    }

    #[test]
    fn runs_without_an_arena_keep_none() {
        let kept = Arena::default();
        assert!((0..40).all(|_| run(&kept, 0) == 0));
    }
}
