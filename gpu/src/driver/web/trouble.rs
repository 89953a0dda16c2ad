//! What went wrong. WebGPU says so later: by error scopes, as uncaptured errors, and by losing the device.
//!
//! What a reader would get wrong: no call fails at once. What was made wrongly stays as it is, and does nothing;
//! [`settle`](Trouble::settle) waits for what WebGPU has to say about everything so far, and the first error of a
//! device is the answer to all that is asked of it from then on.

use super::kept;
use super::memory::Owner;
use edgewise_core::{Error, Result};
use js_sys::{Array, Promise};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::GpuUncapturedErrorEvent;
use web_sys::{GpuDevice, GpuDeviceLostInfo, GpuError, GpuErrorFilter, GpuOutOfMemoryError};

#[wasm_bindgen]
extern "C" {
    /// A promise that is always kept, as it takes functions of any kind.
    #[wasm_bindgen(js_name = Promise)]
    type Always;

    #[wasm_bindgen(method)]
    fn then(this: &Always, next: &JsValue);
}

/// What is known of a device's errors.
pub(super) struct Trouble {
    device: GpuDevice,
    seen: Rc<Seen>,
    scopes: RefCell<Vec<Scope>>,
    /// What JavaScript calls as long as the device is there. What is uncaptured on a device of the page is the page's.
    uncaptured: Option<Closure<dyn FnMut(JsValue)>>,
    owner: Owner,
}

#[derive(Default)]
struct Seen {
    first: RefCell<Option<Error>>,
    /// Whether nobody uses the device any more: then it goes, and is not lost.
    closed: Cell<bool>,
}

/// An error scope that was closed, and what was done in it.
struct Scope {
    what: String,
    answer: Promise,
}

impl Seen {
    /// Keeps the first error: those that follow are its consequences.
    fn keep(&self, error: Error) {
        self.first.borrow_mut().get_or_insert(error);
    }
}

impl Trouble {
    /// Watches a device of that name.
    pub fn watch(device: &GpuDevice, name: &str, owner: Owner) -> Trouble {
        let seen = Rc::new(Seen::default());
        let told = seen.clone();
        let uncaptured = (owner == Owner::Us).then(|| {
            Closure::new(move |event: JsValue| {
                told.keep(named("the GPU", &event.unchecked_into::<GpuUncapturedErrorEvent>().error()));
            })
        });
        if let Some(uncaptured) = &uncaptured {
            device.set_onuncapturederror(Some(uncaptured.as_ref().unchecked_ref()));
        }
        let (told, name) = (seen.clone(), name.to_string());
        // Every device is lost at last, if only by being destroyed; until then it is JavaScript's.
        let lost = Closure::once_into_js(move |info: JsValue| {
            let info: GpuDeviceLostInfo = info.unchecked_into();
            if !told.closed.get() {
                told.keep(err!(DeviceLost, "{name} went away: {}", info.message()));
            }
        });
        device.lost().unchecked_ref::<Always>().then(&lost);
        Trouble { device: device.clone(), seen, scopes: RefCell::default(), uncaptured, owner }
    }

    /// What is known so far.
    pub fn check(&self) -> Result<()> {
        self.seen.first.borrow().clone().map_or(Ok(()), Err)
    }

    /// Keeps an error, unless there was one before.
    pub fn keep(&self, error: Error) {
        self.seen.keep(error);
    }

    /// Does something, and listens to what WebGPU has against it; `what` names it.
    pub fn scoped<T>(&self, what: &str, f: impl FnOnce() -> T) -> T {
        let filters = [GpuErrorFilter::Validation, GpuErrorFilter::OutOfMemory, GpuErrorFilter::Internal];
        filters.into_iter().for_each(|filter| self.device.push_error_scope(filter));
        let result = f();
        let answers = filters.map(|_| self.device.pop_error_scope().unchecked_into());
        let scopes = answers.map(|answer| Scope { what: what.to_string(), answer });
        self.scopes.borrow_mut().extend(scopes);
        result
    }

    /// Waits for what there is to say about all that was done.
    pub async fn settle(&self) -> Result<()> {
        let scopes = self.scopes.take();
        if !scopes.is_empty() {
            let answers: Array = scopes.iter().map(|scope| &scope.answer).collect();
            let answers = kept::<Array>(Promise::all(&answers)).await;
            let answers = answers.map_err(|e| err!(Internal, "the GPU's errors are not known: {e:?}"))?;
            for (scope, error) in scopes.iter().zip(answers.iter()).filter(|(_, error)| !error.is_null()) {
                self.seen.keep(named(&scope.what, error.unchecked_ref()));
            }
        }
        self.check()
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        self.seen.closed.set(true);
        if self.uncaptured.is_some() {
            self.device.set_onuncapturederror(None);
        }
        if self.owner == Owner::Us {
            self.device.destroy();
        }
    }
}

/// WebGPU's error as one of ours.
fn named(what: &str, error: &GpuError) -> Error {
    match error.has_type::<GpuOutOfMemoryError>() {
        true => err!(OutOfMemory, "the GPU has no memory for {what}"),
        false => err!(Internal, "{what}: {}", error.message()),
    }
}
