//! Any bytes as a model that is loaded, planned and run.

use crate::{judge, limits, values};
use edgewise_core::{Options, Session, Value, block_on, onnx};
use std::sync::Arc;

/// Loads bytes as a model and, where that goes well, runs it on inputs made from what it declares.
pub fn model(bytes: &[u8]) {
    let source = Arc::new(onnx::Bytes::new("fuzz", bytes));
    let options = Options { limits: limits(), threads: 1, ..Options::default() };
    let Some(session) = judge(block_on(Session::load(source, options, &mut |_| {}))) else { return };
    let input = |port| values::of_port(port);
    let Some(inputs) = session.inputs().iter().map(input).collect::<Option<Vec<Value>>>() else { return };
    let names = session.inputs().iter().map(|port| port.name.as_str());
    let inputs: Vec<(&str, Value)> = names.zip(inputs).collect();
    judge(session.run(&inputs));
}
