//! A graph as text, for people and for golden tests.

use super::{Constant, Graph, ValueId};
use std::fmt::Write;

impl Graph {
    /// Inputs, constants, nodes and outputs, a line each; subgraphs are indented below their node.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, "");
        out
    }

    fn write(&self, out: &mut String, indent: &str) {
        let name = |id: &ValueId| self.values[id.at()].name.as_str();
        let list = |ids: &[ValueId]| ids.iter().map(name).collect::<Vec<_>>().join(", ");
        let optional = |ids: &[Option<ValueId>]| {
            ids.iter().map(|id| id.as_ref().map_or("-", name)).collect::<Vec<_>>().join(", ")
        };
        let _ =
            writeln!(out, "{indent}graph {} ({}) -> {}", self.name, list(&self.inputs), list(&self.outputs));
        for value in &self.values {
            match &value.constant {
                Some(Constant::Tensor(t)) => {
                    let _ = writeln!(out, "{indent}  const {} {t:?}", value.name);
                }
                Some(Constant::Stored(s)) => {
                    let _ =
                        writeln!(out, "{indent}  const {} {}{:?} stored", value.name, s.dtype(), s.shape());
                }
                Some(derived @ Constant::Derived(_)) => {
                    let (dtype, shape) = (derived.dtype(), derived.shape());
                    let _ = writeln!(out, "{indent}  const {} {dtype}{shape:?} derived", value.name);
                }
                Some(Constant::Packed(dtype, shape)) => {
                    let _ = writeln!(out, "{indent}  const {} {dtype}{shape:?} packed", value.name);
                }
                None => {}
            }
        }
        for node in &self.nodes {
            let (inputs, outputs) = (optional(&node.inputs), optional(&node.outputs));
            let _ = writeln!(out, "{indent}  {outputs} = {} ({inputs})", node.op_name);
            for inner in node.op.graphs() {
                inner.write(out, &format!("{indent}    "));
            }
        }
    }
}
