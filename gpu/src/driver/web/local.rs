//! What belongs to the thread that made it, in things that threads share.
//!
//! JavaScript's objects can be used by one thread only: the page, or the worker that made them. Core wants
//! devices, memory and recordings that may cross threads, and in builds with threads they do. So the objects stay
//! in a table of their thread, and what is shared is their number there. Another thread that asks for one gets
//! an error, and nothing of JavaScript's.

use edgewise_core::Result;
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static OBJECTS: RefCell<HashMap<u64, Rc<dyn Any>>> = RefCell::default();
}

/// The number of something of this thread. It is given back with its number, on its own thread; if its number
/// goes elsewhere, with the thread.
pub(super) struct Local<T> {
    number: u64,
    of: PhantomData<fn() -> T>,
}

impl<T: 'static> Local<T> {
    /// Puts something into the table of this thread.
    pub fn new(object: T) -> Local<T> {
        // No two threads give out the same number, so none finds what is not its own.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        OBJECTS.with_borrow_mut(|objects| objects.insert(number, Rc::new(object)));
        Local { number, of: PhantomData }
    }

    /// What it stands for.
    pub fn get(&self) -> Result<Rc<T>> {
        let object = OBJECTS.with_borrow(|objects| objects.get(&self.number).cloned());
        let object = object.and_then(|object| object.downcast().ok());
        object.ok_or_else(|| err!(Unsupported, "a GPU in a browser can be used by the thread that opened it"))
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // What goes may have numbers of its own to give back: not while the table is borrowed.
        let gone = OBJECTS.try_with(|objects| objects.borrow_mut().remove(&self.number));
        drop(gone);
    }
}
