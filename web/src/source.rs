//! A model's bytes, left where JavaScript has them.

use edgewise_core::onnx::Source;
use edgewise_core::{BoxFuture, Error, ErrorKind, Result};
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static ARRAYS: RefCell<BTreeMap<u32, Uint8Array>> = const { RefCell::new(BTreeMap::new()) };
}

/// A `Uint8Array`. Ranges of it are copied when they are read, so that the file as a whole never lies in the
/// module's own memory, which could not shrink again.
///
/// What JavaScript has belongs to one thread. So the array itself stays in a table of that thread, and this is
/// its number there: no other thread can read it.
pub struct Array(u32);

impl Array {
    /// The bytes of that array, for this thread.
    pub fn new(array: Uint8Array) -> Array {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        ARRAYS.with_borrow_mut(|arrays| arrays.insert(number, array));
        Array(number)
    }

    fn with<T>(&self, read: impl FnOnce(&Uint8Array) -> T) -> Option<T> {
        ARRAYS.with_borrow(|arrays| arrays.get(&self.0).map(read))
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        ARRAYS.with_borrow_mut(|arrays| arrays.remove(&self.0));
    }
}

impl Source for Array {
    fn name(&self) -> &str {
        "model"
    }

    fn len(&self) -> u64 {
        self.with(|array| u64::from(array.length())).unwrap_or(0)
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        let end = offset.saturating_add(into.len() as u64);
        let copied = self.with(|array| {
            let (Ok(start), Ok(end)) = (u32::try_from(offset), u32::try_from(end)) else { return false };
            let part = array.subarray(start, end);
            let whole = part.length() as usize == into.len();
            if whole {
                part.copy_to(into);
            }
            whole
        });
        let result = match copied {
            Some(true) => Ok(()),
            Some(false) => {
                Err(Error::new(ErrorKind::Io, format!("bytes {offset}..{end} lie outside the model")))
            }
            None => Err(Error::new(ErrorKind::Io, "the model's bytes belong to another thread")),
        };
        Box::pin(std::future::ready(result))
    }
}
