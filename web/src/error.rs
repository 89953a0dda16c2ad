//! Errors as JavaScript sees them.

use js_sys::{Error, Reflect};
use wasm_bindgen::JsValue;

/// An `Error` with the sentence as its message and a `code` that never changes its meaning.
pub fn to_js(error: edgewise_core::Error) -> JsValue {
    let js = Error::new(&error.to_string());
    // An object of our own takes any property, so there is nothing to do about a failure.
    let _ = Reflect::set(&js, &"code".into(), &error.kind().name().into());
    js.into()
}
