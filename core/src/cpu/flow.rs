//! Control flow: nodes that run graphs, on the host alone or with a device beside it.
//!
//! What a reader would get wrong: `If`, `Loop` and `Scan` are written once, for values that lie anywhere. On the host
//! alone they are kernels like all others, which wait for nothing. Beside a device they are work of their own, since
//! then they wait for it, and what their graphs give lies where it was made.

use super::{Io, RunContext};
use crate::graph::ValueId;
use crate::plan::{Program, Sides};
use crate::run::{Cost, Placed, at_once};
use crate::{BoxFuture, Kind, Result, Tensor};

/// What a node that runs graphs is given.
pub trait Given: Sync {
    /// Input `i`, if it is there, wherever it lies.
    fn get(&self, i: usize) -> Result<Option<Placed>>;

    /// The kind that output `i` must have; `None` where nobody wants it.
    fn output_kind(&self, i: usize) -> Option<Kind>;
}

/// A node that runs graphs.
pub trait Flow: Send + Sync {
    /// Runs them; gives the node's outputs, and what all of it cost.
    fn run_graphs<'a>(
        &'a self,
        given: &'a dyn Given,
        cx: &'a RunContext<'a>,
    ) -> BoxFuture<'a, Result<(Vec<Placed>, Cost)>>;

    /// On which sides input `i` is read, by the node itself or in its graphs.
    fn sides(&self, i: usize) -> Sides;

    /// On which sides input `i` must lie before it begins; anywhere, where neither is said.
    fn needs(&self, i: usize) -> Sides {
        self.sides(i)
    }

    /// Its graphs, as they are called.
    fn bodies(&self) -> Vec<Body<'_>>;
}

/// A graph of a node, ready to run.
pub struct Body<'a> {
    /// The attribute that holds it.
    pub name: &'static str,
    /// What runs.
    pub program: &'a Program,
    /// For each input of the graph, the node's input that is given to it at first, or of which it is given slices;
    /// `None` where the node makes it.
    pub inputs: Vec<Option<usize>>,
    /// Its outputs that stay where they are made.
    pub kept: &'a [ValueId],
}

impl Given for Io<'_> {
    fn get(&self, i: usize) -> Result<Option<Placed>> {
        self.has(i).then(|| self.value(i).map(Placed::Host)).transpose()
    }

    fn output_kind(&self, i: usize) -> Option<Kind> {
        Io::output_kind(self, i)
    }
}

/// Runs it where everything lies on the host.
pub fn run_on_host(flow: &dyn Flow, io: &mut Io<'_>) -> Result<()> {
    let (outputs, _) = {
        let _held = io.context().breath.hold();
        at_once(flow.run_graphs(&*io, io.context()))?
    };
    for (i, value) in outputs.into_iter().enumerate() {
        io.set(i, value.value()?)?;
    }
    Ok(())
}

/// Inputs that must be there.
pub fn all(given: &dyn Given, range: std::ops::Range<usize>) -> Result<Vec<Placed>> {
    let input = |i| given.get(i)?.ok_or_else(|| err!(InvalidModel, "input {i} is required and is left out"));
    range.map(input).collect()
}

/// A tensor that must lie on the host, if it is there.
pub fn tensor(given: &dyn Given, i: usize) -> Result<Option<Tensor>> {
    given.get(i)?.map(|placed| placed.value()?.tensor().cloned()).transpose()
}

/// What one bool says.
pub fn truth(condition: &Tensor) -> Result<bool> {
    ensure!(
        condition.dtype() == crate::DType::Bool && condition.len() == 1,
        InvalidModel,
        "the condition must be one bool, got {condition:?}"
    );
    Ok(condition.view().bytes().first().is_some_and(|&byte| byte != 0))
}
