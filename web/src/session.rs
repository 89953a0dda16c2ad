//! A model that is ready to run.

use crate::error::to_js;
use crate::source::Array;
use crate::tensor::Tensor;
use edgewise_core::run::Profile;
use edgewise_core::{Error, ErrorKind, Options, Port, Result, RunOptions, Value};
use edgewise_simd::Isa;
use js_sys::Uint8Array;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::prelude::*;

/// A model that is ready to run.
#[wasm_bindgen]
pub struct Session(edgewise_core::Session);

#[wasm_bindgen]
impl Session {
    /// Loads a model from the bytes of its file, which must not change until it is loaded. Runs use so many
    /// `threads`, the caller's among them: one if left out, and in builds without threads. Those are the
    /// workers that have come by then (`threads.js` starts them); nobody is waited for.
    pub fn load(model: Uint8Array, threads: Option<u32>) -> std::result::Result<Session, JsValue> {
        // Found out now: two threads that want to know at once would wait for each other, which a page's main
        // thread must not.
        let _ = Isa::current();
        let options = Options { threads: threads.unwrap_or(1) as usize, ..Options::default() };
        let mut ignore = |_| {};
        let load = pin!(edgewise_core::Session::load(Arc::new(Array::new(model)), options, &mut ignore));
        match load.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(loaded) => loaded.map(Session).map_err(to_js),
            // Bytes in memory are never waited for.
            Poll::Pending => Err(to_js(Error::new(ErrorKind::Internal, "the bytes did not come"))),
        }
    }

    /// The names of the inputs, in the model's order.
    #[wasm_bindgen(getter, js_name = inputNames)]
    pub fn input_names(&self) -> Vec<String> {
        names(self.0.inputs())
    }

    /// The names of the outputs, in the model's order.
    #[wasm_bindgen(getter, js_name = outputNames)]
    pub fn output_names(&self) -> Vec<String> {
        names(self.0.outputs())
    }

    /// What the model says of each input, such as `f32[batch, 3, 224, 224]`.
    #[wasm_bindgen(getter)]
    pub fn inputs(&self) -> Vec<String> {
        facts(self.0.inputs())
    }

    /// What the model says of each output.
    #[wasm_bindgen(getter)]
    pub fn outputs(&self) -> Vec<String> {
        facts(self.0.outputs())
    }

    /// Runs on tensors for the inputs of those names, one for each; gives the outputs in the model's order.
    pub fn run(&self, names: Vec<String>, tensors: Vec<Tensor>) -> std::result::Result<Vec<Tensor>, JsValue> {
        self.run_with(&names, tensors, &RunOptions::default()).map_err(to_js)
    }

    /// Runs once and gives each step's time, as a trace that Chrome and Perfetto show.
    pub fn profile(&self, names: Vec<String>, tensors: Vec<Tensor>) -> std::result::Result<String, JsValue> {
        let profile = Profile::default();
        let options = RunOptions { profile: Some(&profile), ..RunOptions::default() };
        self.run_with(&names, tensors, &options).map_err(to_js)?;
        Ok(profile.trace())
    }
}

impl Session {
    fn run_with(&self, names: &[String], tensors: Vec<Tensor>, options: &RunOptions) -> Result<Vec<Tensor>> {
        if names.len() != tensors.len() {
            let (n, t) = (names.len(), tensors.len());
            return Err(Error::new(ErrorKind::InvalidInput, format!("{n} names for {t} tensors")));
        }
        let values = tensors.into_iter().map(|t| Value::Tensor(t.0));
        let inputs: Vec<(&str, Value)> = names.iter().map(String::as_str).zip(values).collect();
        let (outputs, _) = self.0.run_with(&inputs, options)?;
        outputs.into_iter().map(|value| Ok(Tensor(value.tensor()?.clone()))).collect()
    }
}

fn names(ports: &[Port]) -> Vec<String> {
    ports.iter().map(|port| port.name.clone()).collect()
}

fn facts(ports: &[Port]) -> Vec<String> {
    ports.iter().map(|port| port.fact.to_string()).collect()
}
