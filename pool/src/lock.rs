//! Taking locks where a thread must not sleep.

use crate::BROWSER;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Locks, whether or not another thread panicked meanwhile. A browser's main thread traps when it is put to
/// sleep, so that in browsers the lock is waited for awake: hold it for a moment only.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    if !BROWSER {
        return mutex.lock().unwrap_or_else(PoisonError::into_inner);
    }
    loop {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => std::hint::spin_loop(),
        }
    }
}
