//! Inference over a whole graph, symbols and all.

use super::{Constant, Fact, Graph, Infer, Known, Node, Unread, ValueId};
use crate::{Dim, Result, Tensor, cpu};
use std::collections::BTreeSet;

/// Folding never makes constants larger than this many elements: it is meant for shapes, axes and scales,
/// and must not turn a small model into a large one.
pub const FOLD_ELEMENTS: usize = 4096;

/// What is known of every value of a graph, given that of its inputs (in the graph's order).
pub fn infer_facts(graph: &Graph, inputs: &[Option<Fact>]) -> Result<Vec<Option<Fact>>> {
    let mut facts: Vec<Option<Fact>> = vec![None; graph.values.len()];
    for (fact, value) in facts.iter_mut().zip(&graph.values) {
        *fact = value.constant.as_ref().map(constant_fact);
    }
    for (i, id) in graph.inputs.iter().enumerate() {
        let given = inputs.get(i).cloned().flatten();
        facts[id.at()] = given.or_else(|| graph.values[id.at()].declared.clone());
    }
    let mut fresh = newest(&facts);
    for node in &graph.nodes {
        let outputs =
            infer_node(node, &facts, &mut fresh).map_err(|e| e.at_node(&node.name, &node.op_name))?;
        for (id, fact) in node.outputs.iter().zip(outputs) {
            if let Some(id) = id {
                facts[id.at()] = fact.or_else(|| graph.values[id.at()].declared.clone());
            }
        }
    }
    Ok(facts)
}

/// The highest number of a size that only data tells. What a graph makes up for itself must be other ones than those
/// that it is given.
fn newest(facts: &[Option<Fact>]) -> u32 {
    let mut symbols = BTreeSet::new();
    facts.iter().flatten().flat_map(|fact| &fact.dims).flatten().for_each(|dim| dim.symbols(&mut symbols));
    symbols.iter().filter_map(|name| name.strip_prefix('?')?.parse().ok()).max().unwrap_or(0)
}

/// What is known of a graph of a node whenever it runs.
#[derive(Clone, Debug, Default)]
pub struct Inside {
    /// Of its inputs, their elements left aside: those are not known anew when the graph runs.
    pub inputs: Vec<Option<Fact>>,
    /// Inputs that outputs come back as: the number of the input, and of the output.
    pub carried: Vec<(usize, usize)>,
}

impl Inside {
    /// Of a graph that is given those values.
    pub fn new(inputs: Vec<Option<Fact>>, carried: impl IntoIterator<Item = (usize, usize)>) -> Inside {
        let without = |fact: Option<Fact>| fact.map(|fact| Fact { known: None, ..fact });
        Inside { inputs: inputs.into_iter().map(without).collect(), carried: carried.into_iter().collect() }
    }
}

/// What is known of the graphs that a node runs, as far as its operator tells.
pub fn infer_inside(node: &Node, facts: &[Option<Fact>]) -> Result<Vec<Inside>> {
    let inputs: Vec<Option<&Fact>> =
        node.inputs.iter().map(|id| id.and_then(|id| facts[id.at()].as_ref())).collect();
    let mut fresh = newest(facts);
    node.op.inside(&mut Infer::new(&inputs, node.outputs.len(), &mut fresh))
}

/// The facts of a subgraph's outputs, as its node may answer them: elements are left aside, and the symbols
/// that the subgraph made up for itself become unknown sizes of the graph around it.
pub fn infer_outputs(graph: &Graph, inputs: &[Option<Fact>], cx: &mut Infer<'_>) -> Result<Vec<Fact>> {
    let facts = infer_facts(graph, inputs)?;
    let output = |id: &super::ValueId| {
        let fact = facts[id.at()].clone();
        let name = &graph.values[id.at()].name;
        let mut fact =
            fact.ok_or_else(|| err!(InvalidModel, "output '{name}' of the subgraph has no type"))?;
        fact.known = None;
        for dim in fact.dims.iter_mut().flatten() {
            if dim.to_string().contains('?') {
                *dim = cx.unknown_dim();
            }
        }
        Ok(fact)
    };
    graph.outputs.iter().map(output).collect()
}

/// The fact of a constant; elements of what was packed are not known.
pub fn constant_fact(constant: &Constant) -> Fact {
    match constant.tensor() {
        Some(tensor) => Fact::constant(tensor.clone()),
        None => Fact {
            known: Unread::new(constant).map(Known::Unread),
            ..Fact::sized(constant.dtype(), constant.shape())
        },
    }
}

/// The facts of a node's outputs: by its rule, or, where every input is a small known tensor, by running it.
pub fn infer_node(node: &Node, facts: &[Option<Fact>], fresh: &mut u32) -> Result<Vec<Option<Fact>>> {
    infer_asking(node, facts, fresh).map(|(outputs, _)| outputs)
}

/// The same, and the inputs whose elements the rule asked for that are not known.
pub fn infer_asking(
    node: &Node,
    facts: &[Option<Fact>],
    fresh: &mut u32,
) -> Result<(Vec<Option<Fact>>, Vec<ValueId>)> {
    let inputs: Vec<Option<&Fact>> = node
        .inputs
        .iter()
        .map(|id| match id {
            None => Ok(None),
            Some(id) => match &facts[id.at()] {
                Some(fact) => Ok(Some(fact)),
                None => Err(err!(Unsupported, "nothing is known of input {}", id.0)),
            },
        })
        .collect::<Result<_>>()?;
    let mut infer = Infer::new(&inputs, node.outputs.len(), fresh);
    node.op.infer(&mut infer)?;
    let asked = node.inputs.iter().enumerate().filter(|(i, _)| infer.has_asked(*i));
    let asked = asked.filter_map(|(_, id)| *id).collect();
    let mut outputs = infer.finish()?;
    outputs.iter_mut().flatten().for_each(settle);
    let known = outputs.iter().zip(&node.outputs).all(|(fact, id)| id.is_none() || is_known(fact));
    if !known && let Some(folded) = fold(node, &inputs, &outputs)? {
        for (output, tensor) in outputs.iter_mut().zip(folded) {
            *output = tensor.map(Fact::constant);
        }
    }
    Ok((outputs, asked))
}

/// Elements that all turned out to be numbers become a tensor.
fn settle(fact: &mut Fact) {
    let (Some(Known::Dims(dims)), Some(dtype), Some(shape)) = (&fact.known, fact.dtype(), fact.shape())
    else {
        return;
    };
    let Some(numbers) = dims.iter().map(Dim::known).collect::<Option<Vec<i64>>>() else { return };
    let tensor = || -> Result<Tensor> {
        let mut tensor = Tensor::zeros(dtype, &shape)?;
        ensure!(tensor.len() == numbers.len(), Internal, "{} elements for {shape:?}", numbers.len());
        for_int!(dtype, T => {
            for (to, &from) in tensor.view_mut().into_slice::<T>()?.iter_mut().zip(&numbers) {
                *to = <T as crate::Num>::from_i64(from);
            }
            Ok(())
        })?;
        Ok(tensor)
    };
    fact.known = tensor().ok().map(Known::Tensor);
}

fn is_known(fact: &Option<Fact>) -> bool {
    fact.as_ref().is_some_and(Fact::is_known)
}

fn fold(
    node: &Node,
    inputs: &[Option<&Fact>],
    outputs: &[Option<Fact>],
) -> Result<Option<Vec<Option<Tensor>>>> {
    let few = |fact: &Fact| fact.count().is_some_and(|count| count <= FOLD_ELEMENTS);
    // A loop may never end; folding has no deadline, a run has.
    let foldable = node.op.is_pure()
        && node.op.graphs().is_empty()
        && inputs.iter().flatten().all(|fact| fact.is_known() && few(fact))
        && outputs.iter().zip(&node.outputs).all(|(f, id)| id.is_none() || f.as_ref().is_some_and(few));
    if !foldable {
        return Ok(None);
    }
    let values: Vec<_> = inputs
        .iter()
        .map(|fact| fact.and_then(|f| f.view()).map(|v| v.to_tensor().map(Into::into)).transpose())
        .collect::<Result<_>>()?;
    let wanted: Vec<bool> = node.outputs.iter().map(Option::is_some).collect();
    let results = cpu::eval(&node.op, &values, &wanted)?;
    let tensors = results.into_iter().map(|value| match value {
        Some(crate::Value::Tensor(t)) => Some(Some(t)),
        None => Some(None),
        Some(_) => None,
    });
    Ok(tensors.collect())
}
