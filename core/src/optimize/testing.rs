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
    let remarks = rewrite(&mut graph, &[rules])?;
    let shown = |line: &&str| !line.trim_start().starts_with("const") && !line.starts_with("graph");
    let text = graph.text().lines().filter(shown).map(|line| format!("{}\n", line.trim())).collect();
    Ok((text, graph, remarks))
}

/// Runs a graph.
pub fn run(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    run_on(1, graph, inputs)
}

/// Runs a graph on so many threads.
pub fn run_on(threads: usize, graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let program = Program::compile(graph.clone())?;
    let (pool, cancel) = (Pool::new(threads), AtomicBool::new(false));
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

/// Quantized tensors and the nodes that convert, as quantizers write them.
impl Build {
    /// DequantizeLinear of one scale: the result is named after the tensor.
    pub fn dequantize<T: crate::Element>(&mut self, q: ValueId, scale: f32, zero: T) -> ValueId {
        self.convert("DequantizeLinear", q, Tensor::scalar(scale), Tensor::scalar(zero), "real")
    }

    /// QuantizeLinear of one scale.
    pub fn quantize<T: crate::Element>(&mut self, x: ValueId, scale: f32, zero: T) -> ValueId {
        self.convert("QuantizeLinear", x, Tensor::scalar(scale), Tensor::scalar(zero), "q")
    }

    /// DequantizeLinear of a scale for every slice along an axis, with zero points of 0.
    pub fn dequantize_slices<T: crate::Element>(&mut self, q: ValueId, axis: i64, scales: &[f32]) -> ValueId {
        let name = self.graph.values[q.at()].name.clone();
        let scale = Tensor::new(&[scales.len()], scales).expect("a vector");
        let scale = self.constant(&format!("{name}_scale"), scale);
        let zero = Tensor::zeros(T::DTYPE, &[scales.len()]).expect("a vector");
        let zero = self.constant(&format!("{name}_zero"), zero);
        let name = format!("{name}_real");
        self.node_with("DequantizeLinear", &[q, scale, zero], &[("axis", Attr::Int(axis))], &[&name])[0]
    }

    fn convert(&mut self, op: &str, x: ValueId, scale: Tensor, zero: Tensor, suffix: &str) -> ValueId {
        let name = self.graph.values[x.at()].name.clone();
        let scale = self.constant(&format!("{name}_{suffix}_scale"), scale);
        let zero = self.constant(&format!("{name}_{suffix}_zero"), zero);
        self.node(op, &[x, scale, zero], &format!("{name}_{suffix}"))
    }
}

/// Bytes of every value, in no simple order.
pub fn bytes(dtype: DType, shape: &[usize], seed: u32) -> Tensor {
    let count: usize = shape.iter().product();
    let byte = |i: u32| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 21) as u8;
    let bytes: Vec<u8> = (0..count as u32).map(byte).collect();
    Tensor::from_bytes(dtype, shape, &bytes).expect("as many bytes as the shape says")
}

/// Rewrites a graph, expects those nodes, and that results stay within so many steps.
pub fn expect(graph: Graph, rules: &[(&str, Rule)], inputs: &[Tensor], steps: i64, nodes: &[&str]) {
    let (text, after, remarks) = rewritten(graph.clone(), rules).expect("the rules apply");
    assert_eq!(text.lines().collect::<Vec<_>>(), nodes, "{remarks:?}");
    let (before, after) = (run(&graph, inputs).expect("runs"), run(&after, inputs).expect("runs rewritten"));
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.dtype(), before.shape()), (after.dtype(), after.shape()));
        if before.dtype().is_float() {
            let (before, after) = (before.slice::<f32>().unwrap(), after.slice::<f32>().unwrap());
            let largest = before.iter().fold(0f32, |max, x| max.max(x.abs()));
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= steps as f32 * 1e-2 * largest || a == b;
            assert!(before.iter().zip(after).all(close), "{before:?} and {after:?}");
        } else {
            let (before, after) = (before.view().to_i64s().unwrap(), after.view().to_i64s().unwrap());
            let off = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).max().unwrap_or(0);
            assert!(off <= steps, "{off} steps: {before:?} and {after:?}");
        }
    }
}

/// Expects that the rules leave a graph alone, and that the remark says why.
pub fn expect_refusal(graph: Graph, rules: &[(&str, Rule)], why: &str) {
    let before = graph.nodes.len();
    let (text, after, remarks) = rewritten(graph, rules).expect("the rules apply");
    assert_eq!(after.nodes.len(), before, "{text}");
    let found = remarks.iter().any(|remark| remark.why.contains(why));
    assert!(found, "expected '{why}' among {remarks:?}");
}
