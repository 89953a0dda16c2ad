//! Any bytes as a graph that is planned and run, and held against its nodes run one by one.
//!
//! Several users, aliases, outputs that nobody wants, values that are outputs and inputs at once, and sizes that
//! only data tells: what the planner shares memory for, and where that goes wrong first.

use crate::carry::Left;
use crate::choices::Choices;
use crate::pretend::Pretend;
use crate::{flows, judge};
use edgewise_core::cpu::{self, Pool, RunContext};
use edgewise_core::device::Device;
use edgewise_core::graph::{Constant, Fact, Graph, Node, ValueId, ValueInfo, constant_fact, infer_node};
use edgewise_core::ops::{Attr, Attrs, Op};
use edgewise_core::optimize::optimize;
use edgewise_core::plan::{Interval, Program, lay_out, live_bytes};
use edgewise_core::{DType, Result, Shape, Tensor, Value, run};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const OPSET: i64 = 18;
const SIZES: [usize; 6] = [2, 3, 1, 4, 16, 0];
const MOST_NODES: usize = 24;
/// A chain of Concat grows without end otherwise.
const MOST_ELEMENTS: usize = 1 << 16;

/// Builds a graph from the bytes, runs it both ways, twice, and compares to the bit.
pub fn plan(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    if choices.once_in(8) {
        return layout(&mut choices);
    }
    let mut graph = Builder::default().build(&mut choices);
    let inputs: Vec<Vec<Value>> = (0..2).map(|_| input_values(&graph, &mut choices)).collect();
    let expected: Vec<_> = inputs.iter().map(|inputs| node_by_node(&graph, inputs)).collect();
    if choices.once_in(2) && judge(optimize(&mut graph, choices.once_in(2))).is_none() {
        return;
    }
    let device = choices.once_in(2).then(|| Arc::new(Pretend::new(choices.bits())) as Arc<dyn Device>);
    let carries = device.is_some() && choices.once_in(2);
    let Some(program) = judge(Program::compile_for(graph, device)) else { return };
    let mut left = Left::default();
    // The second run finds segments of the first in the cache.
    for (inputs, expected) in inputs.into_iter().zip(expected) {
        let (pool, cancel) = (Pool::new(1), AtomicBool::new(false));
        let planned = match carries {
            true => left.run(&program, inputs, &mut choices),
            false => judge(run::run(&program, inputs, &RunContext::new(&pool, &cancel))).map(|(all, _)| all),
        };
        compare(expected, planned);
    }
    left.check();
}

/// A graph in the making; what a rule refuses is left out.
#[derive(Default)]
pub struct Builder {
    pub graph: Graph,
    facts: Vec<Option<Fact>>,
    fresh: u32,
    /// How many graphs lie around it.
    pub depth: usize,
}

impl Builder {
    fn build(mut self, choices: &mut Choices<'_>) -> Graph {
        for _ in 0..1 + choices.below(3) {
            let shape: Vec<usize> = (0..choices.below(4)).map(|_| choices.of(&SIZES)).collect();
            let id = self.value(Some(Fact::sized(DType::F32, &shape)), None);
            self.graph.inputs.push(id);
        }
        for _ in 0..choices.below(MOST_NODES) {
            self.grow(choices);
        }
        self.choose_outputs(choices);
        self.graph
    }

    pub fn value(&mut self, fact: Option<Fact>, constant: Option<Constant>) -> ValueId {
        let name = format!("v{}", self.graph.values.len());
        self.graph.values.push(ValueInfo { name, declared: fact.clone(), constant });
        self.facts.push(fact);
        ValueId(self.facts.len() as u32 - 1)
    }

    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        let constant = Constant::Tensor(tensor);
        self.value(Some(constant_fact(&constant)), Some(constant))
    }

    fn ints(&mut self, ints: &[i64]) -> ValueId {
        self.constant(Tensor::new(&[ints.len()], ints).expect("as many as there are"))
    }

    /// A value of that type; the newest ones are the likeliest.
    pub fn pick(&self, choices: &mut Choices<'_>, dtype: DType) -> Option<ValueId> {
        let of_type = |i: &usize| {
            let fact = self.facts[*i].as_ref();
            fact.is_some_and(|f| f.dtype() == Some(dtype)) && self.graph.values[*i].constant.is_none()
        };
        let all: Vec<usize> = (0..self.facts.len()).filter(of_type).collect();
        let newest = &all[all.len().saturating_sub(if choices.once_in(3) { all.len() } else { 3 })..];
        (!newest.is_empty()).then(|| ValueId(newest[choices.below(newest.len())] as u32))
    }

    pub fn grow(&mut self, choices: &mut Choices<'_>) -> Option<()> {
        let x = self.pick(choices, DType::F32)?;
        let rank = self.facts[x.at()].as_ref()?.dims.as_ref()?.len();
        let axis = ("axis", Attr::Int(choices.below(rank.max(1)) as i64));
        match choices.below(20) {
            0 => self.node("Relu", &[x], 1, &[]),
            1 => self.node("Sign", &[x], 1, &[]),
            2 | 3 => {
                let y = self.pick(choices, DType::F32)?;
                self.node("Add", &[x, y], 1, &[])
            }
            4 => {
                let y = self.pick(choices, DType::F32)?;
                let inputs = if choices.once_in(2) { vec![x, y] } else { vec![x, x, y] };
                self.node("Concat", &inputs, 1, &[axis])
            }
            5 => {
                let to = self.ints(if choices.once_in(2) { &[-1] } else { &[0, -1] });
                self.node("Reshape", &[x, to], 1, &[])
            }
            6 => {
                let parts = 1 + choices.below(3);
                let unwanted = choices.below(4);
                let id = self.node("Split", &[x], parts, &[axis, ("num_outputs", Attr::Int(parts as i64))]);
                self.forget_output(unwanted);
                id
            }
            7 => {
                let mut perm: Vec<i64> = (0..rank as i64).collect();
                perm.rotate_left(choices.below(rank.max(1)));
                self.node("Transpose", &[x], 1, &[("perm", Attr::Ints(perm))])
            }
            8 => self.node("Identity", &[x], 1, &[]),
            9 => self.node("Flatten", &[x], 1, &[axis]),
            10 => {
                let axes = self.ints(&[choices.below(rank + 1) as i64]);
                self.node("Unsqueeze", &[x, axes], 1, &[])
            }
            11 => self.node("NonZero", &[x], 1, &[]),
            12 => self.node("Shape", &[x], 1, &[]),
            13 => self.node("Softmax", &[x], 1, &[("axis", Attr::Int(-1))]),
            14 => {
                let ints = self.pick(choices, DType::I64)?;
                self.node("Cast", &[ints], 1, &[("to", Attr::Int(DType::F32 as i64))])
            }
            15 => self.sized_by_data(x),
            _ => flows::grow(self, choices),
        }
    }

    /// A tensor whose sizes are the elements of another: few of them, and none above 3.
    fn sized_by_data(&mut self, x: ValueId) -> Option<()> {
        let few = |shape: &[usize]| shape.len() == 1 && shape[0] <= 4;
        self.facts[x.at()].as_ref()?.shape().filter(|shape| few(shape))?;
        self.node("Cast", &[x], 1, &[("to", Attr::Int(DType::I64 as i64))])?;
        let (ints, most) = (self.newest(), self.ints(&[3]));
        self.node("Min", &[ints, most], 1, &[])?;
        let ints = self.newest();
        self.node("ConstantOfShape", &[ints], 1, &[])
    }

    /// What is known of a value.
    pub fn fact(&self, id: ValueId) -> Option<Fact> {
        self.facts[id.at()].clone()
    }

    /// Its sizes, if all are known.
    pub fn shape(&self, id: ValueId) -> Option<Shape> {
        self.facts[id.at()].as_ref()?.shape()
    }

    pub fn newest(&self) -> ValueId {
        ValueId(self.facts.len() as u32 - 1)
    }

    pub fn node(
        &mut self,
        name: &str,
        inputs: &[ValueId],
        outputs: usize,
        attrs: &[(&str, Attr)],
    ) -> Option<()> {
        let attrs = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
        let attrs = Attrs::new("", name, OPSET, vec![true; inputs.len()], vec![true; outputs], attrs);
        let first = self.facts.len() as u32;
        let mut node = Node {
            name: format!("n{}", self.graph.nodes.len()),
            op: judge(Op::parse(attrs))?,
            op_name: name.into(),
            inputs: inputs.iter().copied().map(Some).collect(),
            outputs: vec![None; outputs],
        };
        for (i, output) in node.outputs.iter_mut().enumerate() {
            *output = Some(ValueId(first + i as u32));
        }
        let facts = judge(infer_node(&node, &self.facts, &mut self.fresh))?;
        let large =
            |fact: &Fact| fact.shape().is_some_and(|shape| shape.iter().product::<usize>() > MOST_ELEMENTS);
        if facts.iter().flatten().any(large) {
            return None;
        }
        for fact in facts {
            self.value(fact, None);
        }
        self.graph.nodes.push(node);
        Some(())
    }

    /// Marks an output of the newest node as one that nobody wants.
    fn forget_output(&mut self, i: usize) {
        let Some(node) = self.graph.nodes.last_mut() else { return };
        if node.outputs.len() > 1
            && let Some(id) = node.outputs.get_mut(i).and_then(Option::take)
        {
            self.facts[id.at()] = None;
        }
    }

    /// What no node takes is an output, and now and then what one does.
    fn choose_outputs(&mut self, choices: &mut Choices<'_>) {
        let taken = |id: ValueId| self.graph.nodes.iter().any(|n| n.inputs.contains(&Some(id)));
        let there = |i: &usize| self.facts[*i].is_some() && self.graph.values[*i].constant.is_none();
        let ids = (0..self.facts.len()).filter(there).map(|i| ValueId(i as u32));
        self.graph.outputs = ids.filter(|id| !taken(*id) || choices.once_in(6)).collect();
    }
}

/// Small whole numbers, so that sums are exact and sizes are plausible.
fn input_values(graph: &Graph, choices: &mut Choices<'_>) -> Vec<Value> {
    let shape =
        |id: &ValueId| graph.values[id.at()].declared.as_ref().and_then(Fact::shape).unwrap_or_default();
    let mut value = |id: &ValueId| {
        let shape = shape(id);
        let len = shape.iter().product();
        let elements: Vec<f32> = (0..len).map(|i| ((i + choices.below(5)) % 5) as f32 - 1.0).collect();
        Tensor::new(&shape, &elements).expect("as many as the shape has").into()
    };
    graph.inputs.iter().map(&mut value).collect()
}

/// Every node by itself, on values of their own.
fn node_by_node(graph: &Graph, inputs: &[Value]) -> Result<Vec<Value>> {
    let mut values: Vec<Option<Value>> = graph
        .values
        .iter()
        .map(|value| match &value.constant {
            Some(Constant::Tensor(tensor)) => Some(tensor.clone().into()),
            _ => None,
        })
        .collect();
    for (id, value) in graph.inputs.iter().zip(inputs) {
        values[id.at()] = Some(value.clone());
    }
    for node in &graph.nodes {
        let inputs: Vec<_> = node.inputs.iter().map(|id| id.and_then(|id| values[id.at()].clone())).collect();
        let wanted: Vec<bool> = node.outputs.iter().map(Option::is_some).collect();
        let results = cpu::eval(&node.op, &inputs, &wanted)?;
        for (id, value) in node.outputs.iter().zip(results) {
            if let Some(id) = id {
                values[id.at()] = value;
            }
        }
    }
    Ok(graph.outputs.iter().map(|id| values[id.at()].clone().expect("every value was made")).collect())
}

fn compare(expected: Result<Vec<Value>>, planned: Option<Vec<Value>>) {
    let (expected, planned) = match (expected, planned) {
        (Ok(expected), Some(planned)) => (expected, planned),
        (Err(_), None) => return,
        (Err(error), Some(_)) => panic!("a node fails alone and not in the plan: {error}"),
        (Ok(_), None) => panic!("a node fails in the plan and not alone"),
    };
    for (i, (a, b)) in expected.iter().zip(&planned).enumerate() {
        let (Ok(a), Ok(b)) = (a.tensor(), b.tensor()) else { panic!("output {i} is no tensor") };
        assert!(
            a.dtype() == b.dtype() && a.shape() == b.shape() && a.view().bytes() == b.view().bytes(),
            "output {i} is {a:?}, the plan makes {b:?}, or other elements"
        );
    }
}

/// Intervals of any kind never meet in time and in space.
fn layout(choices: &mut Choices<'_>) {
    let mut interval = |_| {
        let first = choices.below(32);
        Interval { first, last: first + choices.below(8), bytes: choices.below(16) * 64, fixed: None }
    };
    let intervals: Vec<Interval> = (0..40).map(&mut interval).collect();
    let (offsets, end) = lay_out(&intervals).expect("small sizes fit");
    assert!(end >= live_bytes(&intervals), "less than what is alive at once");
    for (i, a) in intervals.iter().enumerate() {
        assert!(offsets[i] + a.bytes <= end, "past the end");
        for (j, b) in intervals.iter().enumerate().skip(i + 1) {
            let in_time = a.first <= b.last && b.first <= a.last;
            let in_space = offsets[i] < offsets[j] + b.bytes && offsets[j] < offsets[i] + a.bytes;
            let empty = a.bytes == 0 || b.bytes == 0;
            assert!(empty || !in_time || !in_space, "{a:?} and {b:?} share bytes");
        }
    }
}
