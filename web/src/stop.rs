//! What ends a run or a loading early: a signal of JavaScript's.

use edgewise_core::{Error, ErrorKind, Result};
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// Whether what is under way is to end, which its signal says.
pub struct Stop {
    /// Set from then on.
    pub now: Arc<AtomicBool>,
    /// Who waits for something else meanwhile.
    waits: Rc<RefCell<Option<Waker>>>,
    listens: Option<(AbortSignal, Closure<dyn FnMut()>)>,
}

impl Stop {
    /// When that signal says so; never, without one.
    pub fn on(signal: Option<AbortSignal>) -> std::result::Result<Stop, JsValue> {
        let now = Arc::new(AtomicBool::new(signal.as_ref().is_some_and(AbortSignal::aborted)));
        let waits: Rc<RefCell<Option<Waker>>> = Rc::default();
        let listen = |signal: AbortSignal| {
            let (told, waits) = (now.clone(), waits.clone());
            let listener: Closure<dyn FnMut()> = Closure::new(move || {
                told.store(true, Ordering::Relaxed);
                if let Some(waker) = waits.take() {
                    waker.wake();
                }
            });
            signal.add_event_listener_with_callback("abort", listener.as_ref().unchecked_ref())?;
            Ok::<_, JsValue>((signal, listener))
        };
        let listens = signal.map(listen).transpose()?;
        Ok(Stop { now, waits, listens })
    }

    /// What a future gives, unless the signal comes first: then it is given up.
    pub async fn or<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if self.now.load(Ordering::Relaxed) {
                return Poll::Ready(Err(Error::new(ErrorKind::Cancelled, "the signal said so")));
            }
            *self.waits.borrow_mut() = Some(cx.waker().clone());
            future.as_mut().poll(cx)
        })
        .await
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some((signal, listener)) = &self.listens {
            // It cannot fail: what was added can be removed.
            let _ = signal.remove_event_listener_with_callback("abort", listener.as_ref().unchecked_ref());
        }
    }
}
