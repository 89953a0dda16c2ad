//! What a rewrite wants done: nodes that take the place of one node, and whatever values they need.

use super::Draft;
use crate::graph::{Constant, Node, ValueId, ValueInfo};
use crate::ops::Op;
use crate::{DType, Result, Tensor};

/// Nodes that take the place of one node, the root. They make its outputs, or tell what replaces them; what
/// the root alone needed goes by itself.
pub struct Patch {
    pub(super) nodes: Vec<Node>,
    pub(super) values: Vec<ValueInfo>,
    pub(super) replaced: Vec<(ValueId, ValueId)>,
    first: usize,
}

impl Patch {
    /// One that removes the root and adds nothing, so far.
    pub fn new(draft: &Draft) -> Patch {
        Patch { nodes: Vec::new(), values: Vec::new(), replaced: Vec::new(), first: draft.value_count() }
    }

    /// A new constant. If the name is taken, it gets a number.
    pub fn constant(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        self.add(name.into(), Some(Constant::Tensor(tensor)))
    }

    /// A new constant of that type and shape that is made of another one. Where that is not in memory, it is made when a
    /// kernel wants it, and perhaps more than once.
    pub fn derived(
        &mut self,
        name: impl Into<String>,
        of: &Constant,
        kind: (DType, &[usize]),
        make: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Result<ValueId> {
        self.derived_of_all(name, vec![Some(of.clone())], kind, move |of| match of {
            [Some(tensor)] => make(tensor),
            _ => Err(err!(Internal, "a constant is made of nothing")),
        })
    }

    /// The same, made of several, some of which may be left out.
    pub fn derived_of_all(
        &mut self,
        name: impl Into<String>,
        of: Vec<Option<Constant>>,
        kind: (DType, &[usize]),
        make: impl Fn(&[Option<Tensor>]) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Result<ValueId> {
        Ok(self.add(name.into(), Some(Constant::derived(of, kind, make)?)))
    }

    /// A new value, for one of the new nodes to make.
    pub fn value(&mut self, name: impl Into<String>) -> ValueId {
        self.add(name.into(), None)
    }

    /// How many axes a value has, be it one of the graph or a constant of the patch.
    pub fn rank(&self, draft: &Draft, value: ValueId) -> Option<usize> {
        match value.at().checked_sub(self.first) {
            None => draft.rank(value),
            Some(own) => Some(self.values.get(own)?.constant.as_ref()?.shape().len()),
        }
    }

    fn add(&mut self, name: String, constant: Option<Constant>) -> ValueId {
        self.values.push(ValueInfo { name, declared: None, constant });
        ValueId((self.first + self.values.len() - 1) as u32)
    }

    /// A new node, after those that were added before; what it takes must be there where the root stands.
    pub fn node(
        &mut self,
        name: &str,
        (op, op_name): (Op, &str),
        inputs: impl IntoIterator<Item = Option<ValueId>>,
        outputs: impl IntoIterator<Item = Option<ValueId>>,
    ) {
        let mut inputs: Vec<_> = inputs.into_iter().collect();
        while inputs.last() == Some(&None) {
            inputs.pop();
        }
        let outputs = outputs.into_iter().collect();
        self.nodes.push(Node { name: name.into(), op, op_name: op_name.into(), inputs, outputs });
    }

    /// The same node with other inputs and outputs.
    pub fn moved(
        &mut self,
        node: &Node,
        inputs: impl IntoIterator<Item = Option<ValueId>>,
        outputs: impl IntoIterator<Item = Option<ValueId>>,
    ) {
        self.node(&node.name, (node.op.clone(), &node.op_name), inputs, outputs);
    }

    /// Whoever took `old` is to take `new`. `old` is made by the root, or by a node that comes later and then
    /// goes; it is no output of the graph.
    pub fn replace(&mut self, old: ValueId, new: ValueId) {
        self.replaced.push((old, new));
    }

    /// What log level 3 shows.
    pub(super) fn summary(&self) -> String {
        let names: Vec<&str> = self.nodes.iter().map(|node| &node.op_name[..]).collect();
        if names.is_empty() { "nothing".into() } else { names.join(", ") }
    }
}
