//! A session with a past: what a model said goes back in with the next run.

use crate::error::to_js;
use crate::object::{array, thrown};
use crate::port::describe;
use crate::promise::promise;
use crate::run::Run;
use crate::value::Value;
use edgewise_core::Session;
use js_sys::Promise;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

type Thrown<T> = Result<T, JsValue>;

/// A session with a past, such as the keys and values of a decoder: its inputs and outputs are left out of what is given
/// and got. One run at a time: what would change the past meanwhile is an error, `Busy`.
#[wasm_bindgen]
pub struct Context(Arc<edgewise_core::Context<Arc<Session>>>);

impl Context {
    pub(crate) fn new(session: Arc<Session>) -> Context {
        Context(Arc::new(edgewise_core::Context::new(session)))
    }
}

#[wasm_bindgen]
impl Context {
    /// Runs as a session does. A run that fails leaves the past as it was.
    #[wasm_bindgen(unchecked_return_type = "Promise<Ran>")]
    pub fn run(
        &self,
        names: Vec<String>,
        values: Vec<Value>,
        #[wasm_bindgen(unchecked_optional_param_type = "RunOptions")] options: JsValue,
    ) -> Promise {
        let (context, run) = (self.0.clone(), Run::new(names, values, &options));
        promise(async move { run?.in_context(&context).await.map_err(to_js) })
    }

    /// What a run takes, in the model's order.
    #[wasm_bindgen(getter, unchecked_return_type = "Port[]")]
    pub fn inputs(&self) -> JsValue {
        array(self.0.inputs().into_iter().map(describe))
    }

    /// What it gives, in the model's order.
    #[wasm_bindgen(getter, unchecked_return_type = "Port[]")]
    pub fn outputs(&self) -> JsValue {
        array(self.0.outputs().into_iter().map(describe))
    }

    /// How many positions the past has; 0 where no cache grows.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> Thrown<f64> {
        thrown(self.0.len().map(|len| len as f64))
    }

    /// Forgets everything from that position on.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn truncate(&self, length: f64) -> Promise {
        let context = self.0.clone();
        promise(async move {
            let truncated = async { context.truncate_async(crate::object::size(length)?).await };
            truncated.await.map(|()| JsValue::UNDEFINED).map_err(to_js)
        })
    }

    /// Forgets everything.
    pub fn reset(&self) -> Thrown<()> {
        thrown(self.0.reset())
    }

    /// Another context with the same past. Memory is shared until one of them goes on.
    pub fn fork(&self) -> Thrown<Context> {
        thrown(self.0.fork().map(|fork| Context(Arc::new(fork))))
    }
}
