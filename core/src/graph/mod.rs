//! The graph: values, and nodes that make values from values.
//!
//! Ids are indices into the graph that made them. A subgraph (the body of If, Loop, Scan, SequenceMap) is
//! closed: what it captures from outside has become extra inputs, of the body and of the node alike, so
//! that data flows only along edges one can see.

mod constant;
mod fact;
mod facts;
mod infer;
mod text;

pub use constant::{Constant, Derived, Unread};
pub use fact::{Dims, Fact, Known};
pub use facts::{
    FOLD_ELEMENTS, Inside, constant_fact, infer_asking, infer_facts, infer_inside, infer_node, infer_outputs,
};
pub use infer::{Infer, normalize_axis};

use crate::Dim;
use crate::ops::Op;
use std::collections::BTreeMap;

/// A value of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// A node of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl ValueId {
    /// As an index.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl NodeId {
    /// As an index.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

/// A graph: of a model, or the body of a control-flow operator.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Its name in the model.
    pub name: String,
    /// Every value, by id.
    pub values: Vec<ValueInfo>,
    /// Every node, by id, each after the nodes whose values it takes.
    pub nodes: Vec<Node>,
    /// What callers pass in, in order. For a subgraph: its formal inputs, then what it captures.
    pub inputs: Vec<ValueId>,
    /// How many of the inputs, the last ones, are captured.
    pub captures: usize,
    /// What callers get back, in order.
    pub outputs: Vec<ValueId>,
}

impl Graph {
    /// Puts numbers in the place of symbols in what the model declares.
    pub fn fix_sizes(&mut self, sizes: &BTreeMap<String, usize>) {
        if sizes.is_empty() {
            return;
        }
        let number = |name: &str| sizes.get(name).and_then(|&size| i64::try_from(size).ok());
        let declared = self.values.iter_mut().filter_map(|value| value.declared.as_mut()?.dims.as_mut());
        for dim in declared.flatten() {
            if let Some(size) = dim.eval(&number) {
                *dim = Dim::from(size);
            }
        }
    }
}

/// What is known of a value before anything runs.
#[derive(Clone, Debug)]
pub struct ValueInfo {
    /// Its name in the model; unique within the graph.
    pub name: String,
    /// What the model declares of it; kernels and plans use what inference finds.
    pub declared: Option<Fact>,
    /// Its elements, if it is a constant.
    pub constant: Option<Constant>,
}

/// An operator applied to values.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the model; made up where the model has none.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// What the model calls that: `Softmax`, `com.microsoft.Gelu`.
    pub op_name: String,
    /// What it takes; `None` where an optional input is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// What it makes; `None` where nobody wants an output.
    pub outputs: Vec<Option<ValueId>>,
}

impl Node {
    /// What it takes at that place; `None` too where the model wrote fewer inputs.
    pub fn input(&self, i: usize) -> Option<ValueId> {
        self.inputs.get(i).copied().flatten()
    }
}
