//! Turns that a run on the processor gives to the page: it must neither freeze nor fail to hear that it is to end.
//!
//! What a reader would get wrong: a promise that is kept at once is no turn, since JavaScript goes through all of those
//! before anything else. A message is one, and comes sooner than a timer does.

use edgewise_core::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(target_family = "wasm")]
use {
    js_sys::futures::JsFuture,
    js_sys::{Function, Promise},
    wasm_bindgen::prelude::*,
};

#[cfg(target_family = "wasm")]
#[wasm_bindgen]
extern "C" {
    type MessageChannel;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<MessageChannel, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn port1(this: &MessageChannel) -> MessagePort;

    #[wasm_bindgen(method, getter)]
    fn port2(this: &MessageChannel) -> MessagePort;

    type MessagePort;

    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &MessagePort, heard: &Function);

    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &MessagePort, message: &JsValue);

    #[wasm_bindgen(method)]
    fn close(this: &MessagePort);

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(then: &Function, ms: f64);
}

/// When the page had its last turn, and how long it waits for the next one.
pub struct Breath {
    after_ms: f64,
    /// The bits of a number: threads look at it.
    last: Arc<AtomicU64>,
}

impl Breath {
    /// A turn after so many milliseconds, between steps.
    pub fn after(after_ms: f64) -> Breath {
        Breath { after_ms, last: Arc::new(AtomicU64::new(crate::performance_now().to_bits())) }
    }

    /// A turn, if it is time for one.
    pub fn due(&self) -> Option<BoxFuture<'static, ()>> {
        let since = crate::performance_now() - f64::from_bits(self.last.load(Ordering::Relaxed));
        (since >= self.after_ms).then(|| turn(self.last.clone()))
    }
}

/// Waits until everything has had its turn that was waiting, and says when that was.
#[cfg(target_family = "wasm")]
fn turn(last: Arc<AtomicU64>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let channel = MessageChannel::new().ok();
        let heard = Promise::new(&mut |resolve, _| {
            let resolve: Function = resolve.unchecked_into();
            match &channel {
                Some(channel) => {
                    channel.port1().set_onmessage(&resolve);
                    channel.port2().post_message(&JsValue::NULL);
                }
                None => set_timeout(&resolve, 0.0),
            }
        });
        // Nothing rejects it.
        let _ = JsFuture::from(heard).await;
        if let Some(channel) = channel {
            channel.port1().close();
        }
        last.store(crate::performance_now().to_bits(), Ordering::Relaxed);
    })
}

/// Outside of JavaScript there is nobody to have one.
#[cfg(not(target_family = "wasm"))]
fn turn(_last: Arc<AtomicU64>) -> BoxFuture<'static, ()> {
    Box::pin(async {})
}
