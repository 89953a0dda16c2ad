//! Futures as promises, each run by the thread that made it.
//!
//! What a reader would get wrong: js-sys has promises of futures too. But where threads share memory, its tasks are woken
//! by `Atomics.waitAsync`, or by a worker that is made from a blob, which many pages forbid. What is waited for here are
//! promises of the same thread, so nobody else need wake anything.

use js_sys::{Function, Promise};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A promise, as it takes functions of any kind.
    #[wasm_bindgen(js_name = Promise)]
    type Chain;

    #[wasm_bindgen(method)]
    fn then(this: &Chain, next: &JsValue, failed: &JsValue) -> Chain;
}

struct Task {
    /// Away while it is polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Ends the promise if the module traps.
    reject: Function,
    /// Whether it will be polled already.
    is_due: Cell<bool>,
}

thread_local! {
    static TASKS: RefCell<BTreeMap<u64, Task>> = const { RefCell::new(BTreeMap::new()) };
}

/// What wakes a task. Another thread that does finds no task of that number, and does nothing.
struct Alarm(u64);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        go_on(self.0);
    }
}

/// A promise of what a future gives. It begins when its caller has returned to the event loop.
pub fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let mut future = Some(future);
    Promise::new(&mut |resolve, reject| {
        let Some(future) = future.take() else { return };
        let failed = reject.clone();
        let task = async move {
            let (settle, value) = match future.await {
                Ok(value) => (resolve, value),
                Err(error) => (failed, error),
            };
            // A promise takes anything.
            let _ = settle.call1(&JsValue::UNDEFINED, &value);
        };
        begin(task, reject.unchecked_into());
    })
}

fn begin(task: impl Future<Output = ()> + 'static, reject: Function) {
    // No two threads give out the same number.
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let task = Task { future: Some(Box::pin(task)), reject, is_due: Cell::new(false) };
    TASKS.with_borrow_mut(|tasks| tasks.insert(number, task));
    go_on(number);
}

/// Polls a task soon, as a microtask. A trap in it rejects its promise, which nobody else could settle.
fn go_on(number: u64) {
    let reject = TASKS.with_borrow(|tasks| {
        let task = tasks.get(&number)?;
        (!task.is_due.replace(true)).then(|| task.reject.clone())
    });
    let Some(reject) = reject else { return };
    let poll = Closure::once_into_js(move || poll(number));
    let soon: Chain = Promise::resolve(&JsValue::UNDEFINED).unchecked_into();
    soon.then(&poll, &JsValue::UNDEFINED).then(&JsValue::UNDEFINED, &reject);
}

fn poll(number: u64) {
    let future = TASKS.with_borrow_mut(|tasks| {
        let task = tasks.get_mut(&number)?;
        task.is_due.set(false);
        task.future.take()
    });
    let Some(mut future) = future else { return };
    let waker = Waker::from(Arc::new(Alarm(number)));
    let is_pending = future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
    let gone = TASKS.with_borrow_mut(|tasks| match tasks.get_mut(&number) {
        Some(task) if is_pending => task.future.replace(future),
        _ => {
            tasks.remove(&number);
            Some(future)
        }
    });
    // Not while the table is borrowed.
    drop(gone);
}
