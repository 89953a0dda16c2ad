//! Edgewise in JavaScript: load a model from bytes, run it on values, see where the time goes.
//!
//! What goes wrong comes back as an `Error` whose `kind` says what sort it is. Nothing here unwinds: a panic,
//! which would be a bug of ours, writes its message to the console and then traps.

mod breath;
mod context;
mod error;
mod feed;
mod folder;
#[cfg(all(feature = "gpu", target_family = "wasm"))]
mod gpu;
#[cfg(all(feature = "gpu", target_family = "wasm"))]
mod gpu_value;
mod here;
mod isa;
mod kept;
mod loading;
mod object;
mod port;
mod promise;
mod run;
mod session;
mod source;
mod stop;
mod summary;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
mod threads;
mod value;

pub use context::Context;
#[cfg(all(feature = "gpu", target_family = "wasm"))]
pub use gpu::{Device, open_gpu};
pub use isa::{choose_isa, isa};
pub use loading::Loading;
pub use session::Session;
#[cfg(any(not(target_family = "wasm"), target_feature = "atomics"))]
pub use threads::{close, lose, serve};
pub use value::Value;

use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static TIME_ORIGIN: f64;
}

/// Milliseconds since a moment that all threads agree on: `performance.now()` counts from the start of each.
#[cfg(target_family = "wasm")]
fn now_ms() -> f64 {
    TIME_ORIGIN.with(|origin| origin + performance_now())
}

/// Runs once, when the module has been instantiated for the first thread.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|info| console_error(&info.to_string())));
    #[cfg(target_family = "wasm")]
    edgewise_core::set_clock(now_ms);
}

/// The version of Edgewise.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").into()
}
