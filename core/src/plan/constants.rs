//! The constants of a graph while kernels are made of them, one node after the other.
//!
//! What is in memory stays there until kernels have taken it. What is not is read when a node that takes it is looked
//! at, and let go behind it, unless the host needs it: so of the weights of a model no more than one node's are in
//! memory at once. One that several nodes take may be read for each of them.

use crate::graph::{Constant, Fact, Graph, ValueId, constant_fact};
use crate::{Result, Tensor};

/// The constants of a graph.
pub struct Constants {
    /// Those in memory.
    held: Vec<Option<Tensor>>,
    /// Those that can be read, even while they are in memory for a node.
    unread: Vec<Option<Constant>>,
    /// How many inputs of nodes, and outputs of the graph, have not taken each value yet.
    needed: Vec<usize>,
}

impl Constants {
    /// Of a graph, in which those that are in memory are tensors from here on.
    pub fn of(graph: &mut Graph) -> Result<Constants> {
        let needed = uses(graph);
        let count = graph.values.len();
        let mut constants = Constants { held: vec![None; count], unread: vec![None; count], needed };
        for (at, value) in graph.values.iter_mut().enumerate() {
            match &value.constant {
                None => {}
                Some(Constant::Packed(..)) => {
                    bail!(Internal, "constant '{}' was packed for another program", value.name)
                }
                Some(constant) => match constant.tensor().cloned() {
                    Some(tensor) => {
                        value.constant = Some(Constant::Tensor(tensor.clone()));
                        constants.held[at] = Some(tensor);
                    }
                    None => constants.unread[at] = Some(constant.clone()),
                },
            }
        }
        Ok(constants)
    }

    /// Reads what a node takes.
    pub fn read_for(&mut self, graph: &mut Graph, node: usize, mut facts: Facts<'_>) -> Result<()> {
        for id in graph.nodes[node].inputs.clone().into_iter().flatten() {
            if let (None, Some(constant)) = (&self.held[id.at()], &self.unread[id.at()]) {
                let tensor = constant.read()?;
                self.held[id.at()] = Some(tensor.clone());
                set(graph, id, Constant::Tensor(tensor), &mut facts);
            }
        }
        Ok(())
    }

    /// Lets go what nobody needs any more behind a node whose kernels have taken those inputs, and what can be read again
    /// for whoever does.
    pub fn let_go(&mut self, graph: &mut Graph, node: usize, taken: &[usize], mut facts: Facts<'_>) {
        let inputs = graph.nodes[node].inputs.clone();
        let all = || inputs.iter().enumerate().filter_map(|(i, id)| Some((i, (*id)?)));
        let is_taken = |i: &usize| taken.contains(i);
        for (_, id) in all().filter(|(i, _)| is_taken(i)) {
            self.needed[id.at()] -= 1;
        }
        for (_, id) in all().filter(|(i, _)| !is_taken(i)) {
            if let Some(Constant::Stored(stored)) = self.unread[id.at()].take()
                && let Some(tensor) = self.held[id.at()].take()
            {
                self.held[id.at()] = Some(stored.keep(tensor));
            }
        }
        for (_, id) in all().filter(|(i, _)| is_taken(i)) {
            let Some(tensor) = &self.held[id.at()] else { continue };
            let instead = if self.needed[id.at()] == 0 {
                self.unread[id.at()] = None;
                Constant::Packed(tensor.dtype(), tensor.shape().into())
            } else if let Some(unread) = &self.unread[id.at()] {
                unread.clone()
            } else {
                continue;
            };
            self.held[id.at()] = None;
            set(graph, id, instead, &mut facts);
        }
    }

    /// Those that the host keeps. What is left unread is nobody's, but for outputs of the graph.
    pub fn finish(mut self, graph: &mut Graph) -> Result<Vec<Option<Tensor>>> {
        for (at, value) in graph.values.iter_mut().enumerate() {
            let Some(constant) = self.unread[at].take().filter(|_| self.held[at].is_none()) else { continue };
            value.constant = Some(if self.needed[at] == 0 {
                Constant::Packed(constant.dtype(), constant.shape().into())
            } else {
                let tensor = constant.read()?;
                self.held[at] = Some(tensor.clone());
                Constant::Tensor(tensor)
            });
        }
        Ok(self.held)
    }
}

/// What is known of every value, where anybody asks.
type Facts<'a> = Option<&'a mut Vec<Option<Fact>>>;

fn set(graph: &mut Graph, id: ValueId, constant: Constant, facts: &mut Facts<'_>) {
    if let Some(facts) = facts {
        facts[id.at()] = Some(constant_fact(&constant));
    }
    graph.values[id.at()].constant = Some(constant);
}

/// How many inputs of nodes, and outputs of the graph, each value is.
fn uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0; graph.values.len()];
    for id in graph.nodes.iter().flat_map(|node| &node.inputs).flatten().chain(&graph.outputs) {
        uses[id.at()] += 1;
    }
    uses
}
