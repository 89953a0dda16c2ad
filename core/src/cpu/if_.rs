//! If on the CPU: runs the program of the branch that the condition chooses.

use super::{Io, Kernel, Lowering};
use crate::Result;
use crate::ops::if_::If;
use crate::plan::Program;
use crate::run;

impl Kernel for If {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let (otherwise, then) = (cx.compile(&self.else_branch)?, cx.compile(&self.then_branch)?);
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

impl Kernel for Branches {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let condition = io.input(0)?;
        ensure!(
            condition.dtype() == crate::DType::Bool && condition.len() == 1,
            InvalidModel,
            "the condition must be one bool, got {condition:?}"
        );
        let (branch, first) = match condition.bytes()[0] {
            0 => (&self.otherwise, 1),
            _ => (&self.then, 1 + self.otherwise.graph().captures),
        };
        let inputs = (first..first + branch.graph().captures).map(|i| io.value(i)).collect::<Result<_>>()?;
        let (outputs, _) = run::run(branch, inputs, io.context())?;
        for (i, value) in outputs.into_iter().enumerate() {
            io.set(i, value)?;
        }
        Ok(())
    }
}
