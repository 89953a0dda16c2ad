//! Threads: workers that JavaScript starts with this module and its memory. `js/threads.js` does it.

use wasm_bindgen::prelude::*;

/// Makes the calling worker help whoever runs a session in this memory; returns after [`close`]. Never to be
/// called on a page's main thread.
#[wasm_bindgen]
pub fn serve() {
    edgewise_pool::serve();
}

/// Ends [`serve`] on every worker, for good. Sessions run on alone.
#[wasm_bindgen(js_name = closeThreads)]
pub fn close() {
    edgewise_pool::close();
}

/// Says that [`serve`] has ended with an error. Whoever waits for that worker fails, and does not wait for ever.
#[wasm_bindgen(js_name = loseThread)]
pub fn lose() {
    edgewise_pool::lose();
}
