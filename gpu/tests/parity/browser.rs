//! The same cases in a browser, on its GPU and on the CPU of the same page.
//!
//! What a reader would get wrong: tests check nothing here. They all run when the module starts, where nothing can
//! be awaited; what they would check is kept, and `runCases` runs it when the page asks.

use crate::harness::Case;
use crate::probe::probe;
use edgewise_gpu::{Gpu, Preference, Restrict, open_restricted};
use js_sys::Promise;
use js_sys::futures::future_to_promise;
use std::cell::RefCell;
use std::panic::Location;
use wasm_bindgen::prelude::*;

/// How many have their pipelines compiled together.
const TOGETHER: usize = 64;

thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// A case, for later.
struct Kept {
    case: Case,
    /// Whether the GPU may leave it to the host.
    if_taken: bool,
    place: &'static Location<'static>,
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
}

#[track_caller]
pub fn keep(case: &Case, if_taken: bool) {
    let kept = Kept { case: case.clone(), if_taken, place: Location::caller() };
    KEPT.with_borrow_mut(|all| {
        if all.is_empty() {
            std::panic::set_hook(Box::new(|info| console_error(&info.to_string())));
        }
        all.push(kept);
    });
}

/// Runs every case whose number, divided by `of`, leaves `part`. `restricted` leaves unused what not every GPU has.
/// A promise of lines: how many agree, then a line for each that does not.
#[wasm_bindgen(js_name = runCases)]
pub fn run_cases(part: usize, of: usize, restricted: bool) -> Promise {
    let cases: Vec<Kept> = KEPT.take().into_iter().skip(part).step_by(of.max(1)).collect();
    future_to_promise(async move {
        let restrict = Restrict { limits: restricted, features: restricted };
        let gpu = open_restricted(Preference::Performance, restrict).await;
        let gpu = gpu.map_err(|e| JsValue::from(e.to_string()))?;
        let (mut agree, mut lines) = (0, Vec::new());
        if let Err(why) = probe(&gpu).await {
            lines.push(format!("the probe: {why}"));
        }
        for some in cases.chunks(TOGETHER) {
            for (kept, result) in run_together(some, &gpu).await {
                match result {
                    Ok(()) => agree += 1,
                    Err(why) => lines.push(format!("{}: {:.2000}", kept.place, why)),
                }
            }
        }
        lines.insert(0, agree.to_string());
        Ok(lines.join("\n").into())
    })
}

/// The first that runs compiles the pipelines of all.
async fn run_together<'a>(cases: &'a [Kept], gpu: &Gpu) -> Vec<(&'a Kept, Result<(), String>)> {
    let is_taken = |kept: &&Kept| kept.case.is_taken_by(gpu) || !kept.if_taken;
    let taken: Vec<&Kept> = cases.iter().filter(is_taken).collect();
    let mut results = Vec::with_capacity(taken.len());
    for kept in taken {
        results.push((kept, kept.case.compare(gpu).await));
    }
    results
}
