//! Waiting for a GPU: never for ever, and never without asking whether anybody still wants the answer.

use edgewise_core::Result;
use std::time::{Duration, Instant};

/// How long a GPU may be silent before it counts as lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long it is waited for between two questions.
pub(super) const SLICE: Duration = Duration::from_millis(20);

/// Polls until that says that it is done. Between two polls, which take a slice of time each, `check` may stop it.
pub(super) fn wait_until(
    patience: Duration,
    check: &dyn Fn() -> Result<()>,
    mut poll: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let began = Instant::now();
    while !poll()? {
        check()?;
        let waited = began.elapsed();
        ensure!(waited < patience, DeviceLost, "it has not answered for {} seconds", waited.as_secs());
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
