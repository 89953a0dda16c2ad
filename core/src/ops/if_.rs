//! If: one of two graphs runs.
//!
//! The node's inputs are the condition, then what the else branch captures, then what the then branch does.
//! Outputs have the kind that both branches give, and the sizes in which they agree.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Fact, Graph, Infer, Inside, infer_outputs};

/// If.
#[derive(Clone, Debug)]
pub struct If {
    /// Runs when the condition is false.
    pub else_branch: Graph,
    /// Runs when the condition is true.
    pub then_branch: Graph,
}

impl Operator for If {
    fn parse(a: &mut Attrs) -> Result<If> {
        a.arity(1..=1, 1..)?;
        let (else_branch, then_branch) = (a.graph("else_branch")?, a.graph("then_branch")?);
        let branches = If {
            else_branch: a.required("else_branch", else_branch)?,
            then_branch: a.required("then_branch", then_branch)?,
        };
        for (name, branch) in [("else_branch", &branches.else_branch), ("then_branch", &branches.then_branch)]
        {
            let (inputs, outputs) = (branch.inputs.len() - branch.captures, branch.outputs.len());
            ensure!(inputs == 0, InvalidModel, "{name} must have no inputs, it has {inputs}");
            let expected = a.output_count();
            ensure!(
                outputs == expected,
                InvalidModel,
                "{name} must have {expected} outputs, it has {outputs}"
            );
        }
        Ok(branches)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let [on_else, on_then] = self.captured(cx);
        let known = cx.view(0).filter(|view| view.len() == 1).map(|view| view.bytes()[0] != 0);
        let outputs = match known {
            Some(true) => infer_outputs(&self.then_branch, &on_then, cx)?,
            Some(false) => infer_outputs(&self.else_branch, &on_else, cx)?,
            None => {
                let a = infer_outputs(&self.then_branch, &on_then, cx)?;
                let b = infer_outputs(&self.else_branch, &on_else, cx)?;
                a.iter().zip(&b).map(|(a, b)| cx.either(a, b)).collect::<Result<_>>()?
            }
        };
        for (i, fact) in outputs.into_iter().enumerate() {
            cx.set(i, fact);
        }
        Ok(())
    }

    fn graphs(&self) -> Vec<&Graph> {
        vec![&self.else_branch, &self.then_branch]
    }

    fn graphs_mut(&mut self) -> Vec<&mut Graph> {
        vec![&mut self.else_branch, &mut self.then_branch]
    }

    fn inside(&self, cx: &mut Infer<'_>) -> Result<Vec<Inside>> {
        Ok(self.captured(cx).into_iter().map(|facts| Inside::new(facts, [])).collect())
    }

    fn is_pure(&self) -> bool {
        super::all_pure(&self.graphs())
    }
}

impl If {
    /// What is known of what each branch captures.
    fn captured(&self, cx: &Infer<'_>) -> [Vec<Option<Fact>>; 2] {
        let first = 1 + self.else_branch.captures;
        let branches = [(1, self.else_branch.captures), (first, self.then_branch.captures)];
        branches.map(|(from, count)| (from..from + count).map(|i| cx.optional(i).cloned()).collect())
    }
}
