//! Small graphs for the tests of rewrites: built in a few lines, rewritten, run before and after.

use super::{Remark, Rule, rewrite::rewrite};
use crate::cpu::{Pool, RunContext};
use crate::graph::{Constant, Fact, Graph, Node, ValueId, ValueInfo};
use crate::ops::{Attr, Attrs, Op};
use crate::plan::Program;
use crate::{DType, Result, Tensor, Value};
use std::sync::atomic::AtomicBool;

/// A graph under construction.
#[derive(Default)]
pub struct Build {
    pub graph: Graph,
}

impl Build {
    fn value(&mut self, name: &str, declared: Option<Fact>, constant: Option<Constant>) -> ValueId {
        self.graph.values.push(ValueInfo { name: name.into(), declared, constant });
        ValueId(self.graph.values.len() as u32 - 1)
    }

    /// An input of that type and shape.
    pub fn input(&mut self, name: &str, dtype: DType, shape: &[usize]) -> ValueId {
        let id = self.value(name, Some(Fact::sized(dtype, shape)), None);
        self.graph.inputs.push(id);
        id
    }

    /// A constant.
    pub fn constant(&mut self, name: &str, tensor: Tensor) -> ValueId {
        self.value(name, None, Some(Constant::Tensor(tensor)))
    }

    /// A scalar constant.
    pub fn scalar<T: crate::Element>(&mut self, name: &str, x: T) -> ValueId {
        self.constant(name, Tensor::scalar(x))
    }

    /// A node named as its output; `domain.Op` names an operator outside of ai.onnx.
    pub fn node(&mut self, op: &str, inputs: &[ValueId], output: &str) -> ValueId {
        self.node_with(op, inputs, &[], &[output])[0]
    }

    /// A node with attributes and any number of outputs, under opset 13, or 1 in other domains.
    pub fn node_with(
        &mut self,
        op_name: &str,
        inputs: &[ValueId],
        attrs: &[(&str, Attr)],
        outputs: &[&str],
    ) -> Vec<ValueId> {
        let (domain, op, version) = match op_name.rsplit_once('.') {
            Some((domain, op)) => (domain, op, 1),
            None => ("", op_name, 13),
        };
        let attrs = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
        let there = vec![true; inputs.len()];
        let attrs = Attrs::new(domain, op, version, there, vec![true; outputs.len()], attrs);
        let made: Vec<ValueId> = outputs.iter().map(|name| self.value(name, None, None)).collect();
        self.graph.nodes.push(Node {
            name: outputs[0].into(),
            op: Op::parse(attrs).expect("the test's operator parses"),
            op_name: op_name.into(),
            inputs: inputs.iter().copied().map(Some).collect(),
            outputs: made.iter().copied().map(Some).collect(),
        });
        made
    }

    /// The graph with those outputs.
    pub fn finish(mut self, outputs: &[ValueId]) -> Graph {
        self.graph.outputs = outputs.to_vec();
        self.graph
    }
}

/// The nodes as text after the rules have been applied, and what they remark.
pub fn rewritten(mut graph: Graph, rules: &[(&str, Rule)]) -> Result<(String, Graph, Vec<Remark>)> {
    let remarks = rewrite(&mut graph, rules)?;
    let shown = |line: &&str| !line.trim_start().starts_with("const") && !line.starts_with("graph");
    let text = graph.text().lines().filter(shown).map(|line| format!("{}\n", line.trim())).collect();
    Ok((text, graph, remarks))
}

/// Runs a graph.
pub fn run(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let program = Program::compile(graph.clone())?;
    let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
    let cx = RunContext::new(&pool, &cancel);
    let inputs = inputs.iter().cloned().map(Value::from).collect();
    let (outputs, _) = crate::run::run(&program, inputs, &cx)?;
    outputs.iter().map(|value| Ok(value.tensor()?.clone())).collect()
}

/// The nodes as text after the rules have been applied; what the graph computes must be near what it computed
/// before.
pub fn rewritten_alike(graph: Graph, rules: &[(&str, Rule)], inputs: &[Tensor]) -> String {
    let before = run(&graph, inputs).expect("it runs before");
    let (text, graph, _) = rewritten(graph, rules).expect("it is rewritten");
    let after = run(&graph, inputs).expect("it runs after");
    for (a, b) in before.iter().zip(&after) {
        assert_eq!(a.shape(), b.shape());
        let (a, b) = (a.view().to_f32s().expect("floats"), b.view().to_f32s().expect("floats"));
        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * (1.0 + a.abs());
        assert!(a.iter().zip(&b).all(near), "{a:?} became {b:?}");
    }
    text
}

/// Numbers that go up and down, from -1 to 1.
pub fn waves(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let numbers: Vec<f32> = (0..count).map(|i| ((i * i + 3 * i) as f32 * 0.7).sin()).collect();
    Tensor::new(shape, &numbers).expect("as many as the shape has")
}
