//! A run as JavaScript asks for it, and what comes of it.

use crate::breath::Breath;
use crate::object::{Given, array, invalid, object, thrown};
use crate::stop::Stop;
use crate::value::Value;
use edgewise_core::run::{Cost, Placed, Profile};
use edgewise_core::{Context, Result, RunOptions, Session};
use std::sync::Arc;
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
    breath: Option<Breath>,
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
            breath: thrown(given.number("breathe"))?.filter(|ms| *ms > 0.0).map(Breath::after),
        })
    }

    /// Runs a session, and gives what JavaScript sees of it.
    pub async fn on(self, session: &Session) -> Result<JsValue> {
        let run = async |inputs: Vec<(&str, Placed)>, options: &RunOptions<'_>| {
            session.run_placed(inputs, options).await
        };
        self.with(run).await
    }

    /// The same in a context.
    pub async fn in_context(self, context: &Context<Arc<Session>>) -> Result<JsValue> {
        let wanted = self.outputs.clone();
        let run = async |inputs: Vec<(&str, Placed)>, options: &RunOptions<'_>| {
            let (outputs, cost) = context.run_placed(inputs, options).await?;
            Ok((in_order(outputs, wanted.as_deref()), cost))
        };
        self.with(run).await
    }

    async fn with(
        self,
        run: impl AsyncFnOnce(Vec<(&str, Placed)>, &RunOptions<'_>) -> Result<(Vec<Placed>, Cost)>,
    ) -> Result<JsValue> {
        let outputs = self.outputs.as_ref().map(|names| texts(names));
        let pause = || self.breath.as_ref()?.due();
        let options = RunOptions {
            cancel: Some(&self.stop.now),
            deadline: self.deadline,
            profile: self.profile.as_ref(),
            outputs: outputs.as_deref(),
            on_device: &texts(&self.on_device),
            breathe: self.breath.is_some().then_some(&pause),
        };
        let inputs = self.names.iter().map(String::as_str).zip(self.values).collect();
        let (outputs, cost) = run(inputs, &options).await?;
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

/// Outputs in the order in which they are wanted; in their own, if nobody says so.
fn in_order(outputs: Vec<(&str, Placed)>, wanted: Option<&[String]>) -> Vec<Placed> {
    let Some(wanted) = wanted else { return outputs.into_iter().map(|(_, placed)| placed).collect() };
    let output = |name: &String| outputs.iter().find(|(output, _)| output == name);
    wanted.iter().filter_map(output).map(|(_, placed)| placed.clone()).collect()
}

fn texts(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Milliseconds; more than there are is for ever.
fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX)
}
