//! A machine with little memory: what asks for more than the cap is refused, and remembered.

#![allow(unsafe_code, reason = "an allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Far above what `limits()` allow, far below harm.
const CAP: usize = 1 << 30;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with a cap.
pub struct Capped;

/// The size that was refused since the last call; 0 if none was.
pub fn take_refused() -> usize {
    REFUSED.swap(0, Relaxed)
}

/// The bytes in use, from which on the [peak] is measured.
pub fn start_peak() -> usize {
    let live = LIVE.load(Relaxed);
    PEAK.store(live, Relaxed);
    live
}

/// The most bytes that were in use at once.
pub fn peak() -> usize {
    PEAK.load(Relaxed)
}

/// Counts `more` bytes in, if they fit below the cap.
fn admit(more: usize) -> bool {
    let fits = LIVE.load(Relaxed).checked_add(more).is_some_and(|sum| sum <= CAP);
    if fits {
        PEAK.fetch_max(LIVE.fetch_add(more, Relaxed) + more, Relaxed);
    } else {
        REFUSED.store(more, Relaxed);
    }
    fits
}

// SAFETY: every call is handed to the system's allocator unchanged, or answered with null, which the
// contract allows.
unsafe impl GlobalAlloc for Capped {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !admit(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !admit(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: as above. Zeroed by the system, so that large pages are not touched.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !admit(size) {
            return std::ptr::null_mut();
        }
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(old, layout) }
    }
}
