//! Waiting for a GPU: never for ever, and never without asking whether anybody still wants the answer.
//!
//! What a reader would get wrong: wgpu could wait by itself, for a submission and so long. But where that time is over
//! while another thread polls, it takes the difference between what both saw for a bug of its own, and panics. So
//! nobody waits inside of wgpu: work says that it is done, and threads look for that.

use edgewise_core::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a GPU may be silent before it counts as lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked without a pause: most answers come soon.
const EAGER: u32 = 64;
/// The longest pause between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// How much of some work is still to be done.
#[derive(Clone)]
pub(super) struct Pending(Arc<AtomicUsize>);

impl Pending {
    /// Work in so many parts.
    pub fn new(parts: usize) -> Pending {
        Pending(Arc::new(AtomicUsize::new(parts)))
    }

    /// One part is done.
    pub fn done(&self) {
        self.0.fetch_sub(1, Ordering::Release);
    }

    /// Whether all of it is.
    pub fn is_done(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// Looks until `poll` says that it is done. In between, `check` may stop it.
pub(super) fn wait_until(
    patience: Duration,
    check: &dyn Fn() -> Result<()>,
    mut poll: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let began = Instant::now();
    let mut looks = 0u32;
    while !poll()? {
        check()?;
        let waited = began.elapsed();
        ensure!(waited < patience, DeviceLost, "it has not answered for {} seconds", waited.as_secs());
        looks = looks.saturating_add(1);
        match looks.checked_sub(EAGER) {
            None => std::thread::yield_now(),
            // The longer it was, the longer it may still be.
            Some(more) => std::thread::sleep(PAUSE.min(Duration::from_micros(20) * (1 + more / 4))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewise_core::ErrorKind;

    #[test]
    fn a_gpu_that_never_answers_is_lost_after_a_while() {
        let mut polls = 0;
        let never = || {
            polls += 1;
            std::thread::sleep(Duration::from_millis(1));
            Ok(false)
        };
        let e = wait_until(Duration::from_millis(20), &|| Ok(()), never).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::DeviceLost);
        assert!(polls > 1);
    }

    #[test]
    fn who_no_longer_wants_the_answer_does_not_wait_for_it() {
        let check = || Err(err!(Cancelled, "the run was cancelled"));
        assert_eq!(wait_until(PATIENCE, &check, || Ok(false)).unwrap_err().kind(), ErrorKind::Cancelled);
        // What is there is taken.
        assert!(wait_until(PATIENCE, &check, || Ok(true)).is_ok());
        assert!(wait_until(PATIENCE, &|| Ok(()), || Err(err!(Internal, "no"))).is_err());
    }
}
