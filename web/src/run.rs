//! A run as JavaScript asks for it, and what comes of it.

use crate::object::{Given, array, invalid, object, thrown};
use crate::stop::Stop;
use crate::value::Value;
use edgewise_core::run::{Cost, Placed, Profile};
use edgewise_core::{Result, RunOptions};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// What a run is given: values by name, and how to go about it.
pub struct Run {
    names: Vec<String>,
    values: Vec<Placed>,
    outputs: Option<Vec<String>>,
    on_device: Vec<String>,
    stop: Stop,
    profile: Option<Profile>,
    deadline: Option<Duration>,
}

impl Run {
    /// From what JavaScript gives. It is read at once: it may change when the run has begun.
    pub fn new(
        names: Vec<String>,
        values: Vec<Value>,
        options: &JsValue,
    ) -> std::result::Result<Run, JsValue> {
        let given = Given(options);
        let (n, v) = (names.len(), values.len());
        if n != v {
            return thrown(Err(invalid(format!("{n} names were given for {v} values"))));
        }
        Ok(Run {
            names,
            values: values.into_iter().map(|value| value.0).collect(),
            outputs: thrown(given.texts("outputs"))?,
            on_device: thrown(given.texts("onDevice"))?.unwrap_or_default(),
            stop: Stop::on(given.get("signal").map(AbortSignal::unchecked_from_js))?,
            profile: given.flag("profile", false).then(Profile::default),
            deadline: thrown(given.number("deadline"))?.map(duration),
        })
    }

    /// Runs, and gives what JavaScript sees of it.
    pub async fn on(self, session: &edgewise_core::Session) -> Result<JsValue> {
        let outputs = self.outputs.as_ref().map(|names| texts(names));
        let options = RunOptions {
            cancel: Some(&self.stop.now),
            deadline: self.deadline,
            profile: self.profile.as_ref(),
            outputs: outputs.as_deref(),
            on_device: &texts(&self.on_device),
        };
        let inputs = self.names.iter().map(String::as_str).zip(self.values).collect();
        let (outputs, cost) = session.run_placed(inputs, &options).await?;
        Ok(ran(outputs, cost, self.profile.as_ref()))
    }
}

/// The outputs and what they cost.
pub fn ran(outputs: Vec<Placed>, cost: Cost, profile: Option<&Profile>) -> JsValue {
    let count = |count: usize| JsValue::from(count as f64);
    object([
        ("outputs", array(outputs.into_iter().map(Value))),
        ("steps", count(cost.steps)),
        ("launches", count(cost.launches)),
        ("uploads", count(cost.uploads)),
        ("downloads", count(cost.downloads)),
        ("trace", profile.map(Profile::trace).into()),
    ])
}

fn texts(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Milliseconds; more than there are is for ever.
fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX)
}
