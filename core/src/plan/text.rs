//! A segment as text, for people and for golden tests.

use super::{Destination, Home, Program, Segment, StepIn};
use crate::graph::ValueId;
use std::fmt::Write;

impl Segment {
    /// One line per step: operator, inputs, outputs, and where they lie.
    pub fn text(&self, program: &Program) -> String {
        let name = |id: &ValueId| &program.graph().values[id.at()].name;
        let home = |home: &Home| match home {
            Home::Arena(slot) => format!("@{}", slot.offset),
            Home::Owned(_) => "own".into(),
            Home::Known(_) => "const".into(),
        };
        let mut out = String::new();
        let _ = writeln!(out, "arena {} bytes, live {} bytes", self.arena_bytes, self.live_bytes);
        for step in &self.steps {
            let node = &program.graph().nodes[step.node];
            let inputs = step.inputs.iter().map(|input| match input {
                StepIn::Absent => "-".into(),
                StepIn::Tensor(id, dtype, shape, h) => {
                    format!("{} {dtype}{:?} {}", name(id), &shape[..], home(h))
                }
                StepIn::Compound(id) => format!("{} own", name(id)),
                StepIn::Placed(id, j) => format!("{} in output {j}", name(id)),
            });
            let outputs = step.outputs.iter().map(|output| match output {
                Destination::Unwanted => "-".into(),
                Destination::Arena(id, dtype, shape, slot) => {
                    format!("{} {dtype}{:?} @{}", name(id), &shape[..], slot.offset)
                }
                Destination::Owned(id, dtype, shape) => format!("{} {dtype}{:?} own", name(id), &shape[..]),
                Destination::Made(id, kind, _) => format!("{} {kind} made", name(id)),
            });
            let (inputs, outputs): (Vec<String>, Vec<String>) = (inputs.collect(), outputs.collect());
            let _ = writeln!(out, "{} ({}) -> {}", node.op_name, inputs.join(", "), outputs.join(", "));
        }
        out
    }
}
