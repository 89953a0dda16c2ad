//! Edgewise in JavaScript: load a model from bytes, run it on tensors, see where the time goes.
//!
//! What goes wrong comes back as an `Error` whose `kind` says what sort it is. Nothing here unwinds: a panic,
//! which would be a bug of ours, writes its message to the console and then traps.

mod error;
mod session;
mod source;
mod tensor;

pub use session::Session;
pub use tensor::Tensor;

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// Runs once, when the module has been instantiated.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|info| console_error(&info.to_string())));
    #[cfg(target_family = "wasm")]
    edgewise_core::set_clock(performance_now);
}

/// The version of Edgewise.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}
