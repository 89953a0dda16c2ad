//! A graph while it is rewritten: who makes and who takes each value, and what is known of it, kept up to
//! date with every [`Patch`].
//!
//! Every change costs what it touches, never what the graph has, so that a graph of a hundred thousand nodes
//! is rewritten in the time of a few passes over it.

use super::{Patch, Remark};
use crate::graph::{
    Constant, Fact, Graph, Known, Node, NodeId, ValueId, ValueInfo, constant_fact, infer_node,
};
use crate::{DType, Result, Tensor, View};
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashSet};

/// A graph that is being rewritten.
pub struct Draft {
    name: String,
    inputs: Vec<ValueId>,
    captures: usize,
    outputs: Vec<ValueId>,
    values: Vec<ValueInfo>,
    names: HashSet<String>,
    facts: Vec<Option<Fact>>,
    edges: Vec<Edges>,
    /// Those that are gone are `None`; ids stay.
    nodes: Vec<Option<Node>>,
    /// How many symbols inference has made up.
    fresh: u32,
    /// Whether a value of which nothing is known is no error.
    lenient: bool,
    /// Why nodes were left as they are.
    remarks: std::cell::RefCell<BTreeMap<NodeId, String>>,
}

/// The ends of a value.
#[derive(Clone, Default)]
struct Edges {
    maker: Option<NodeId>,
    /// How many inputs of nodes it is, and outputs of the graph.
    uses: usize,
    is_output: bool,
    /// The nodes that take it, once for every input; some that no longer do may be left among them.
    users: SmallVec<[NodeId; 2]>,
}

impl Draft {
    /// Of a graph; what is known of its inputs may be given. In a subgraph (`lenient`) that may be too little
    /// for the shape rules: then nothing is known of what follows.
    pub fn new(graph: Graph, inputs: &[Option<Fact>], lenient: bool) -> Result<Draft> {
        let Graph { name, values, nodes, inputs: ids, captures, outputs } = graph;
        let count = values.len();
        let mut draft = Draft {
            name,
            names: values.iter().map(|value| value.name.clone()).collect(),
            facts: values.iter().map(|value| value.constant.as_ref().map(constant_fact)).collect(),
            edges: vec![Edges::default(); count],
            nodes: Vec::with_capacity(nodes.len()),
            inputs: ids,
            captures,
            outputs,
            values,
            fresh: 0,
            lenient,
            remarks: Default::default(),
        };
        for (i, id) in draft.inputs.iter().enumerate() {
            let given = inputs.get(i).cloned().flatten();
            draft.facts[id.at()] = given.or_else(|| draft.values[id.at()].declared.clone());
        }
        for id in &draft.outputs {
            let edges = &mut draft.edges[id.at()];
            edges.is_output = true;
            edges.uses += 1;
        }
        for node in nodes {
            draft.infer(&node)?;
            draft.add(node);
        }
        Ok(draft)
    }

    /// The graph, with its nodes in that order.
    pub fn finish(mut self, order: &[NodeId]) -> Graph {
        let nodes = order.iter().filter_map(|id| self.nodes[id.at()].take()).collect();
        let Draft { name, values, inputs, captures, outputs, .. } = self;
        Graph { name, values, nodes, inputs, captures, outputs }
    }

    /// The ids of all nodes, in order, before anything was rewritten.
    pub fn order(&self) -> Vec<NodeId> {
        (0..self.nodes.len() as u32).map(NodeId).collect()
    }

    /// The node, unless it is gone.
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes[id.at()].as_ref()
    }

    /// The node, for its subgraphs to be rewritten.
    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes[id.at()].as_mut()
    }

    /// The node that makes a value.
    pub fn maker(&self, value: ValueId) -> Option<&Node> {
        self.get(self.edges[value.at()].maker?)
    }

    /// That node's id.
    pub fn maker_id(&self, value: ValueId) -> Option<NodeId> {
        self.edges[value.at()].maker
    }

    /// The nodes that take a value.
    pub fn users(&self, value: ValueId) -> impl Iterator<Item = NodeId> {
        let takes = move |id: &&NodeId| self.get(**id).is_some_and(|n| n.inputs.contains(&Some(value)));
        self.edges[value.at()].users.iter().filter(takes).copied()
    }

    /// The node that is all that needs a value.
    pub fn only_user(&self, value: ValueId) -> Option<NodeId> {
        let edges = &self.edges[value.at()];
        if edges.uses == 1 && !edges.is_output { self.users(value).next() } else { None }
    }

    /// Whether the caller gets this value.
    pub fn is_output(&self, value: ValueId) -> bool {
        self.edges[value.at()].is_output
    }

    /// The name of a value.
    pub fn name(&self, value: ValueId) -> &str {
        &self.values[value.at()].name
    }

    /// What is known of a value.
    pub fn fact(&self, value: ValueId) -> Option<&Fact> {
        self.facts[value.at()].as_ref()
    }

    /// The element type of a value, where it is known to be a tensor.
    pub fn dtype(&self, value: ValueId) -> Option<DType> {
        self.fact(value)?.dtype()
    }

    /// How many axes a value has.
    pub fn rank(&self, value: ValueId) -> Option<usize> {
        Some(self.fact(value)?.dims.as_ref()?.len())
    }

    /// Whether a value is a constant whose elements are known.
    pub fn is_constant(&self, value: ValueId) -> bool {
        self.values[value.at()].constant.is_some() && self.fact(value).is_some_and(Fact::is_known)
    }

    /// The elements of a constant. Large ones may be read for that, and stay in memory until all is rewritten: a rule
    /// that makes something of weights [derives](Patch::derived) it.
    pub fn constant(&self, value: ValueId) -> Option<View<'_>> {
        self.values[value.at()].constant.as_ref()?;
        self.fact(value)?.view()
    }

    /// The element of a constant that has one.
    pub fn single(&self, value: ValueId) -> Option<View<'_>> {
        self.fact(value).filter(|fact| fact.count() == Some(1))?;
        self.constant(value)
    }

    /// The elements of a constant, which nobody keeps: large ones are read again for the next who asks.
    pub fn glance(&self, value: ValueId) -> Option<Tensor> {
        self.values[value.at()].constant.as_ref()?;
        match self.fact(value)?.known.as_ref()? {
            Known::Tensor(tensor) => Some(tensor.clone()),
            Known::Unread(unread) => unread.once(),
            Known::Dims(_) => None,
        }
    }

    /// A constant as it is, be it in memory or not.
    pub fn stored(&self, value: ValueId) -> Option<&Constant> {
        self.values[value.at()].constant.as_ref().filter(|_| self.is_constant(value))
    }

    /// Says why a rule leaves a node as it is; always `None`, so that a rule can end with it.
    pub fn refuse<T>(&self, node: NodeId, why: impl Into<String>) -> Option<T> {
        self.remarks.borrow_mut().insert(node, why.into());
        None
    }

    /// What the rules said of the nodes that are left.
    pub fn remarks(&self) -> Vec<Remark> {
        let remarks = self.remarks.borrow();
        let left = remarks.iter().filter_map(|(id, why)| Some((self.get(*id)?, why)));
        left.map(|(node, why)| Remark { node: node.name.clone(), why: why.clone() }).collect()
    }

    /// How many values there are, those that are no more in use included.
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// Replaces a node by the nodes of the patch, and whatever then is of no more use by nothing. Gives the
    /// ids of the new nodes.
    pub fn apply(&mut self, root: NodeId, patch: Patch) -> Result<Vec<NodeId>> {
        let Patch { nodes, values, replaced, .. } = patch;
        let before: Vec<_> = self.get(root).into_iter().flat_map(|n| &n.outputs).flatten().copied().collect();
        let before: Vec<_> =
            before.into_iter().map(|id| (id, self.fact(id).map(|f| f.kind.clone()))).collect();
        for value in values {
            self.add_value(value);
        }
        let mut gone = Vec::new();
        for (old, new) in replaced {
            self.replace(old, new)?;
            if self.edges[old.at()].maker != Some(root) {
                gone.extend(self.remove_unused(old));
            }
        }
        let node = self.nodes[root.at()].take();
        for id in node.iter().flat_map(|node| &node.outputs).flatten() {
            self.edges[id.at()].maker = None;
        }
        let mut added = Vec::with_capacity(nodes.len());
        for node in nodes {
            self.infer(&node)?;
            added.push(self.add(node));
        }
        for (id, kind) in before {
            let edges = &self.edges[id.at()];
            let now = self.fact(id).map(|f| f.kind.clone());
            let fits = edges.uses == 0 || edges.maker.is_some() && (now == kind || self.lenient);
            ensure!(fits, Internal, "'{}' was {kind:?} and became {now:?}", self.name(id));
        }
        gone.extend(node);
        self.release(gone);
        Ok(added)
    }

    /// Whoever took `old` takes `new`.
    fn replace(&mut self, old: ValueId, new: ValueId) -> Result<()> {
        ensure!(
            !self.is_output(old),
            Internal,
            "'{}' is the graph's output and was replaced",
            self.name(old)
        );
        let edges = std::mem::take(&mut self.edges[old.at()]);
        self.edges[old.at()].maker = edges.maker;
        for id in edges.users {
            let Some(node) = self.nodes[id.at()].as_mut() else { continue };
            for input in node.inputs.iter_mut().filter(|input| **input == Some(old)) {
                *input = Some(new);
                self.edges[new.at()].uses += 1;
                self.edges[new.at()].users.push(id);
            }
        }
        Ok(())
    }

    /// Takes nodes' inputs off their users, and removes the makers that nobody needs any more.
    fn release(&mut self, mut gone: Vec<Node>) {
        while let Some(node) = gone.pop() {
            for id in node.inputs.iter().flatten() {
                let edges = &mut self.edges[id.at()];
                edges.uses = edges.uses.saturating_sub(1);
                if edges.uses == 0 {
                    edges.users.clear();
                    self.let_go(*id);
                    gone.extend(self.remove_unused(*id));
                } else if edges.users.len() > 2 * edges.uses + 8 {
                    let nodes = &self.nodes;
                    let takes = |user: &NodeId| {
                        nodes[user.at()].as_ref().is_some_and(|n| n.inputs.contains(&Some(*id)))
                    };
                    edges.users.retain(|user| takes(user));
                }
            }
        }
    }

    /// A constant that nobody takes any more keeps no memory: what was made of it has its own.
    fn let_go(&mut self, value: ValueId) {
        if self.values[value.at()].constant.take().is_some() {
            self.facts[value.at()] = None;
        }
    }

    /// The maker of a value, removed, if nobody takes any of its outputs.
    fn remove_unused(&mut self, value: ValueId) -> Option<Node> {
        let id = self.edges[value.at()].maker?;
        let unused = |id: &ValueId| self.edges[id.at()].uses == 0;
        if !self.get(id)?.outputs.iter().flatten().all(unused) {
            return None;
        }
        let node = self.nodes[id.at()].take()?;
        for id in node.outputs.iter().flatten() {
            self.edges[id.at()].maker = None;
        }
        Some(node)
    }

    fn add_value(&mut self, mut value: ValueInfo) {
        let mut count = 1;
        let name = value.name.clone();
        while !self.names.insert(value.name.clone()) {
            count += 1;
            value.name = format!("{name}_{count}");
        }
        self.facts.push(value.constant.as_ref().map(constant_fact));
        self.edges.push(Edges::default());
        self.values.push(value);
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        for value in node.inputs.iter().flatten() {
            let edges = &mut self.edges[value.at()];
            edges.uses += 1;
            edges.users.push(id);
        }
        for value in node.outputs.iter().flatten() {
            self.edges[value.at()].maker = Some(id);
        }
        self.nodes.push(Some(node));
        id
    }

    fn infer(&mut self, node: &Node) -> Result<()> {
        let facts = match infer_node(node, &self.facts, &mut self.fresh) {
            Ok(facts) => facts,
            Err(_) if self.lenient => vec![None; node.outputs.len()],
            Err(e) => return Err(e.at_node(&node.name, &node.op_name)),
        };
        for (id, fact) in node.outputs.iter().zip(facts) {
            if let Some(id) = id {
                self.facts[id.at()] = fact.or_else(|| self.values[id.at()].declared.clone());
            }
        }
        Ok(())
    }

    /// The values of constants that nobody uses keep no memory.
    pub fn drop_unused_constants(&mut self) {
        for (value, edges) in self.values.iter_mut().zip(&self.edges) {
            if edges.uses == 0 {
                value.constant = None;
            }
        }
    }

    /// The facts of what a node's subgraphs capture: those of its last inputs.
    pub fn captured_facts(&self, node: &Node) -> Vec<Option<Fact>> {
        let count: usize = node.op.graphs().iter().map(|graph| graph.captures).sum();
        let first = node.inputs.len().saturating_sub(count);
        node.inputs[first..].iter().map(|id| id.and_then(|id| self.fact(id).cloned())).collect()
    }
}
