//! Which of the module's instruction sets is in use.

use crate::error::to_js;
use edgewise_core::{Error, ErrorKind};
use edgewise_simd::Isa;
use wasm_bindgen::prelude::*;

/// The name of the instruction set that kernels use. From then on it is settled.
#[wasm_bindgen]
pub fn isa() -> String {
    Isa::current().name().into()
}

/// Makes kernels use the instruction set of that name, before the first session is loaded; for tests and for
/// measuring. An error says why it cannot be had.
#[wasm_bindgen(js_name = chooseIsa)]
pub fn choose_isa(name: &str) -> Result<(), JsValue> {
    Isa::choose(name).map(|_| ()).map_err(|why| to_js(Error::new(ErrorKind::InvalidInput, why)))
}
