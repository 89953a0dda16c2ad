//! Turns that a run gives to others on its thread: a page goes on while a model computes.
//!
//! What a reader would get wrong: a run can give one only where it can wait. Graphs that kernels run from within
//! cannot, and hold their breath.

use crate::BoxFuture;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asked between steps: what to wait for, where it is time that others have their turn.
pub type Pause<'a> = dyn Fn() -> Option<BoxFuture<'static, ()>> + Sync + 'a;

/// The turns of one run.
#[derive(Default)]
pub struct Breath<'a> {
    pause: Option<&'a Pause<'a>>,
    held: AtomicUsize,
}

/// As long as it is there, no turns are given.
pub struct Held<'a>(&'a AtomicUsize);

impl<'a> Breath<'a> {
    /// Turns where somebody asks for them.
    pub fn new(pause: Option<&'a Pause<'a>>) -> Breath<'a> {
        Breath { pause, held: AtomicUsize::new(0) }
    }

    /// What to wait for now, if anything.
    pub fn due(&self) -> Option<BoxFuture<'static, ()>> {
        let pause = self.pause?;
        if self.held.load(Ordering::Relaxed) == 0 { pause() } else { None }
    }

    /// Gives no turns for a while.
    pub fn hold(&self) -> Held<'_> {
        self.held.fetch_add(1, Ordering::Relaxed);
        Held(&self.held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
