//! Nodes that run graphs, as parts of the graphs that are planned: what their graphs take, carry and hand on is what
//! lies on either side, or on both, and may be the same thing under several names.

use crate::choices::Choices;
use crate::plan::Builder;
use edgewise_core::graph::{Fact, Graph, ValueId};
use edgewise_core::ops::Attr;
use edgewise_core::{DType, Tensor, Truth};
use std::collections::HashSet;

const MOST_NODES: usize = 5;

/// Adds an If, a Loop or a Scan over values of the graph.
pub fn grow(builder: &mut Builder, choices: &mut Choices<'_>) -> Option<()> {
    if builder.depth == 2 {
        return None;
    }
    match choices.below(3) {
        0 => branches(builder, choices),
        1 => repeat(builder, choices),
        _ => sweep(builder, choices),
    }
}

fn branches(builder: &mut Builder, choices: &mut Choices<'_>) -> Option<()> {
    let of = builder.pick(choices, DType::F32)?;
    builder.node("ReduceSum", &[of], 1, &[("keepdims", Attr::Int(0))])?;
    let (sum, one) = (builder.newest(), builder.constant(Tensor::scalar(1f32)));
    builder.node("Less", &[sum, one], 1, &[])?;
    let mut inputs = vec![builder.newest()];
    let outputs = 1 + choices.below(2);
    let mut branch = |builder: &mut Builder, choices: &mut Choices<'_>| {
        let captured = builder.several(choices)?;
        inputs.extend(&captured);
        let mut inner = builder.inside(builder.facts_of(&captured), captured.len());
        inner.finish(choices, outputs)
    };
    let (otherwise, then) = (branch(builder, choices)?, branch(builder, choices)?);
    let attrs = [("else_branch", Attr::Graph(otherwise)), ("then_branch", Attr::Graph(then))];
    builder.node("If", &inputs, outputs, &attrs)
}

fn repeat(builder: &mut Builder, choices: &mut Choices<'_>) -> Option<()> {
    let trips = builder.constant(Tensor::scalar(choices.below(4) as i64));
    let go = builder.constant(Tensor::scalar(Truth::from(!choices.once_in(8))));
    let (carried, captured) = (builder.several(choices)?, builder.several(choices)?);
    let given = [&[trips, go][..], &carried, &captured].concat();
    let mut inner = builder.inside(builder.facts_of(&given), captured.len());
    let stacked = choices.below(2);
    // The body's second input is the condition.
    let mut body = inner.finish(choices, carried.len() + stacked)?;
    body.outputs.insert(0, body.inputs[1]);
    builder.node("Loop", &given, carried.len() + stacked, &[("body", Attr::Graph(body))])
}

fn sweep(builder: &mut Builder, choices: &mut Choices<'_>) -> Option<()> {
    let (states, scanned) = (builder.several(choices)?, builder.pick(choices, DType::F32)?);
    let captured = builder.several(choices)?;
    let mut sizes = builder.shape(scanned)?.to_vec();
    let axis = choices.below(sizes.len().max(1));
    (axis < sizes.len()).then(|| sizes.remove(axis))?;
    let slice = Some(Fact::sized(DType::F32, &sizes));
    let inside = [builder.facts_of(&states), vec![slice], builder.facts_of(&captured)].concat();
    let mut inner = builder.inside(inside, captured.len());
    let body = inner.finish(choices, states.len() + 1)?;
    let attrs = [
        ("body", Attr::Graph(body)),
        ("num_scan_inputs", Attr::Int(1)),
        ("scan_input_axes", Attr::Ints(vec![axis as i64])),
        ("scan_input_directions", Attr::Ints(vec![choices.below(2) as i64])),
    ];
    builder.node("Scan", &[&states[..], &[scanned], &captured].concat(), states.len() + 1, &attrs)
}

impl Builder {
    /// One or two values; they may be the same.
    fn several(&self, choices: &mut Choices<'_>) -> Option<Vec<ValueId>> {
        (0..1 + choices.below(2)).map(|_| self.pick(choices, DType::F32)).collect()
    }

    /// What is known of values, their elements left aside.
    fn facts_of(&self, ids: &[ValueId]) -> Vec<Option<Fact>> {
        ids.iter().map(|id| self.fact(*id).map(|fact| Fact { known: None, ..fact })).collect()
    }

    /// A graph that is given such values, the last ones by capture.
    fn inside(&self, given: Vec<Option<Fact>>, captures: usize) -> Builder {
        let mut inner = Builder::default();
        inner.depth = self.depth + 1;
        for fact in given {
            let input = inner.value(fact, None);
            inner.graph.inputs.push(input);
        }
        inner.graph.captures = captures;
        inner
    }

    /// Some nodes, and so many outputs: what they make, or what they were given.
    fn finish(&mut self, choices: &mut Choices<'_>, outputs: usize) -> Option<Graph> {
        for _ in 0..choices.below(MOST_NODES) {
            self.grow(choices);
        }
        self.graph.outputs = (0..outputs).map(|_| self.pick(choices, DType::F32)).collect::<Option<_>>()?;
        let mut graph = std::mem::take(&mut self.graph);
        // What nobody wants may fail, or be left out.
        let mut wanted: HashSet<ValueId> = graph.outputs.iter().copied().collect();
        for at in (0..graph.nodes.len()).rev() {
            match graph.nodes[at].outputs.iter().flatten().any(|id| wanted.contains(id)) {
                true => wanted.extend(graph.nodes[at].inputs.iter().flatten()),
                false => drop(graph.nodes.remove(at)),
            }
        }
        Some(graph)
    }
}
