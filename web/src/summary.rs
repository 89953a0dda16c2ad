//! What becomes of a model's nodes, in words: the part of `edgewise inspect --json` that can be told of any session.

use crate::object::{array, object};
use edgewise_core::optimize::{Arithmetic, Coverage};
use edgewise_core::{Error, ErrorKind, Result, Session};
use js_sys::JSON;
use std::collections::BTreeMap;
use wasm_bindgen::JsValue;

/// Of a session, as JSON.
pub fn of(session: &Session) -> Result<String> {
    let (program, coverage) = (session.program(), session.coverage()?);
    let (mut operators, mut placement) = (BTreeMap::new(), BTreeMap::new());
    for (i, node) in program.graph().nodes.iter().enumerate() {
        let device = program.placement().filter(|placement| placement.kernel(i).is_some());
        let place = device.map_or("cpu", |placement| placement.device().name());
        *operators.entry(node.op_name.clone()).or_default() += 1;
        *placement.entry(place.to_string()).or_default() += 1;
    }
    let summary = object([
        ("operators", counts(&operators)),
        ("placement", counts(&placement)),
        ("computes", computes(&coverage)),
        ("threads", (session.threads() as f64).into()),
    ]);
    let text = JSON::stringify(&summary).map(String::from);
    text.map_err(|_| Error::new(ErrorKind::Internal, "a summary that is no JSON"))
}

fn computes(coverage: &Coverage) -> JsValue {
    let arithmetic = match coverage.arithmetic {
        Arithmetic::Float => "float",
        Arithmetic::Mixed => "mixed",
        Arithmetic::Integer => "integer",
    };
    let stays = coverage.float.iter().map(|stays| {
        let text = |text: &str| JsValue::from(text);
        object([("node", text(&stays.node)), ("operator", text(&stays.operator)), ("why", text(&stays.why))])
    });
    object([
        ("arithmetic", arithmetic.into()),
        ("integer", counts(&coverage.integer)),
        ("conversions", counts(&coverage.conversions)),
        ("stays_float", array(stays)),
    ])
}

/// An object of numbers. A name may be anything, and comes from the model.
fn counts(counts: &BTreeMap<String, usize>) -> JsValue {
    let entry =
        |(name, count): (&String, &usize)| js_sys::Array::of2(&name.as_str().into(), &(*count as f64).into());
    let entries = array(counts.iter().map(entry));
    js_sys::Object::from_entries(&entries).map_or(JsValue::UNDEFINED, JsValue::from)
}
