//! What belongs to the thread that made it, in things that threads share.
//!
//! What JavaScript has belongs to one thread, and core wants sources that may cross threads. So it stays in a table of
//! its thread, and what is shared is its number there: another thread that asks gets nothing.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static OBJECTS: RefCell<BTreeMap<u32, Rc<dyn Any>>> = const { RefCell::new(BTreeMap::new()) };
}

/// The number of something of this thread.
pub struct Here<T> {
    number: u32,
    of: PhantomData<fn() -> T>,
}

impl<T: 'static> Here<T> {
    /// Puts something into the table of this thread.
    pub fn new(object: T) -> Here<T> {
        // No two threads give out the same number, so none finds what is not its own.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        OBJECTS.with_borrow_mut(|objects| objects.insert(number, Rc::new(object)));
        Here { number, of: PhantomData }
    }

    /// What it stands for, on its thread.
    pub fn get(&self) -> Option<Rc<T>> {
        OBJECTS.with_borrow(|objects| objects.get(&self.number).cloned())?.downcast().ok()
    }
}

impl<T> Drop for Here<T> {
    fn drop(&mut self) {
        // What goes may have numbers of its own to give back: not while the table is borrowed.
        let gone = OBJECTS.try_with(|objects| objects.borrow_mut().remove(&self.number));
        drop(gone);
    }
}
