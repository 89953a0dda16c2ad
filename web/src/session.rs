//! A model that is ready to run.

use crate::error::to_js;
use crate::loading::Loading;
use crate::tensor::Tensor;
use edgewise_core::run::Profile;
use edgewise_core::{Error, ErrorKind, Port, Result, RunOptions, Value};
use js_sys::Uint8Array;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A model that is ready to run.
#[wasm_bindgen]
pub struct Session(pub(crate) Arc<edgewise_core::Session>);

#[wasm_bindgen]
impl Session {
    /// Loads a model from the bytes of its file. Runs use so many `threads`, as [`Loading`] says.
    pub fn load(model: Uint8Array, threads: Option<u32>) -> std::result::Result<Session, JsValue> {
        let mut loading = Loading::new(f64::from(model.length()), threads);
        loading.push(model)?;
        loading.finish()
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

impl From<edgewise_core::Session> for Session {
    fn from(loaded: edgewise_core::Session) -> Session {
        Session(Arc::new(loaded))
    }
}

impl Session {
    fn run_with(&self, names: &[String], tensors: Vec<Tensor>, options: &RunOptions) -> Result<Vec<Tensor>> {
        let inputs = inputs(names, tensors)?;
        let (values, _) = self.0.run_with(&inputs, options)?;
        outputs(values)
    }
}

/// Tensors as values for the inputs of those names.
pub(crate) fn inputs(names: &[String], tensors: Vec<Tensor>) -> Result<Vec<(&str, Value)>> {
    if names.len() != tensors.len() {
        let (n, t) = (names.len(), tensors.len());
        return Err(Error::new(ErrorKind::InvalidInput, format!("{n} names for {t} tensors")));
    }
    let values = tensors.into_iter().map(|t| Value::Tensor(t.0));
    Ok(names.iter().map(String::as_str).zip(values).collect())
}

pub(crate) fn outputs(values: Vec<Value>) -> Result<Vec<Tensor>> {
    values.into_iter().map(|value| Ok(Tensor(value.tensor()?.clone()))).collect()
}

fn names(ports: &[Port]) -> Vec<String> {
    ports.iter().map(|port| port.name.clone()).collect()
}

fn facts(ports: &[Port]) -> Vec<String> {
    ports.iter().map(|port| port.fact.to_string()).collect()
}
