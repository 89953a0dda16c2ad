//! If: runs the program of the branch that the condition chooses.

use super::flow::{self, Body, Flow, Given};
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::if_::If;
use crate::plan::{Program, Sides};
use crate::run::{Cost, Placed, run_carrying};
use crate::{BoxFuture, Result};

impl Kernel for If {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let (otherwise, then) =
            (cx.compile_body(0, &self.else_branch)?, cx.compile_body(1, &self.then_branch)?);
        Ok(Some(Box::new(Branches { otherwise, then })))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let compile = |graph: &crate::graph::Graph| Program::compile(graph.clone());
        Branches { otherwise: compile(&self.else_branch)?, then: compile(&self.then_branch)? }.run(io)
    }
}

/// Both branches, ready to run.
struct Branches {
    otherwise: Program,
    then: Program,
}

impl Branches {
    /// Each branch, and the node's input that is the first that it captures.
    fn branches(&self) -> [(&Program, usize); 2] {
        [(&self.otherwise, 1), (&self.then, 1 + self.otherwise.graph().captures)]
    }
}

impl Kernel for Branches {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        flow::run_on_host(self, io)
    }

    fn flow(&self) -> Option<&dyn Flow> {
        Some(self)
    }
}

impl Flow for Branches {
    fn run_graphs<'a>(
        &'a self,
        given: &'a dyn Given,
        cx: &'a RunContext<'a>,
    ) -> BoxFuture<'a, Result<(Vec<Placed>, Cost)>> {
        Box::pin(async move {
            let condition = flow::tensor(given, 0)?;
            let condition = condition.ok_or_else(|| err!(InvalidModel, "the condition is left out"))?;
            let [otherwise, then] = self.branches();
            let (branch, first) = if flow::truth(&condition)? { then } else { otherwise };
            let inputs = flow::all(given, first..first + branch.graph().captures)?;
            run_carrying(branch, inputs, branch.graph().outputs.clone(), cx).await
        })
    }

    fn sides(&self, i: usize) -> Sides {
        let of = |(branch, first): (&Program, usize)| i.checked_sub(first).map(|i| branch.sides(i));
        self.branches().into_iter().filter_map(of).fold(self.needs(i), Sides::or)
    }

    /// Only one branch will run, so what both capture waits where it lies.
    fn needs(&self, i: usize) -> Sides {
        if i == 0 { Sides::HOST } else { Sides::default() }
    }

    fn bodies(&self) -> Vec<Body<'_>> {
        let names = ["else_branch", "then_branch"].into_iter();
        let bodies = names.zip(self.branches()).map(|(name, (program, first))| {
            let inputs = (first..first + program.graph().captures).map(Some).collect();
            Body { name, program, inputs, kept: &program.graph().outputs }
        });
        bodies.collect()
    }
}
