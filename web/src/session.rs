//! A model that is ready to run.

use crate::context::Context;
use crate::error::to_js;
use crate::object::{array, object};
use crate::port::describe;
use crate::promise::promise;
use crate::run::Run;
use crate::value::Value;
use js_sys::{Array, JsString, Promise};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A model that is ready to run.
#[wasm_bindgen]
pub struct Session(pub(crate) Arc<edgewise_core::Session>);

#[wasm_bindgen]
impl Session {
    /// What a run takes, in the model's order.
    #[wasm_bindgen(getter, unchecked_return_type = "Port[]")]
    pub fn inputs(&self) -> JsValue {
        array(self.0.inputs().iter().map(describe))
    }

    /// What it gives, in the model's order.
    #[wasm_bindgen(getter, unchecked_return_type = "Port[]")]
    pub fn outputs(&self) -> JsValue {
        array(self.0.outputs().iter().map(describe))
    }

    /// What the model says of itself.
    #[wasm_bindgen(getter, unchecked_return_type = "About")]
    pub fn about(&self) -> JsValue {
        let info = self.0.info();
        let text = |text: &str| JsValue::from(JsString::from(text));
        let opset =
            |(name, version): &(String, i64)| Array::of2(&text(name), &JsValue::from(*version as f64));
        let property = |(key, value): &(String, String)| Array::of2(&text(key), &text(value));
        object([
            ("producer", info.producer.as_str().into()),
            ("opsets", array(info.opsets.iter().map(opset))),
            ("metadata", array(info.metadata.iter().map(property))),
            ("weightBytes", (info.weight_bytes as f64).into()),
        ])
    }

    /// Runs on values for the inputs of those names, one for each, which are consumed. Any number of runs may be under
    /// way at once. On the processor a run computes until it is done, unless it breathes; on a GPU others go on meanwhile.
    #[wasm_bindgen(unchecked_return_type = "Promise<Ran>")]
    pub fn run(
        &self,
        names: Vec<String>,
        values: Vec<Value>,
        #[wasm_bindgen(unchecked_optional_param_type = "RunOptions")] options: JsValue,
    ) -> Promise {
        let (session, run) = (self.0.clone(), Run::new(names, values, &options));
        promise(async move { run?.on(&session).await.map_err(to_js) })
    }

    /// A context without a past. A model without caches has one too; then it holds nothing.
    pub fn context(&self) -> Context {
        Context::new(self.0.clone())
    }

    /// What becomes of the model's nodes, as JSON.
    pub fn summary(&self) -> Result<String, JsValue> {
        crate::summary::of(&self.0).map_err(to_js)
    }
}
