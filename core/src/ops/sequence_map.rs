//! SequenceMap: a graph runs for every item of a sequence, and its outputs become sequences.
//!
//! Further inputs are sequences of the same length, whose items go along, or tensors, which every item sees.

use super::{Attrs, Operator};
use crate::graph::{Fact, Graph, Infer, infer_outputs};
use crate::{Kind, Result};

/// SequenceMap.
#[derive(Clone, Debug)]
pub struct SequenceMap {
    /// What runs.
    pub body: Graph,
}

impl Operator for SequenceMap {
    fn parse(a: &mut Attrs) -> Result<SequenceMap> {
        a.arity(1.., 1..)?;
        let all = (0..a.input_count()).all(|i| a.has_input(i));
        ensure!(all, InvalidModel, "no input may be left out");
        let body = a.graph("body")?;
        let body = a.required("body", body)?;
        let (inputs, outputs) = (body.inputs.len() - body.captures, body.outputs.len());
        ensure!(
            inputs == a.input_count() && outputs == a.output_count(),
            InvalidModel,
            "the body must have {} inputs and {} outputs, it has {inputs} and {outputs}",
            a.input_count(),
            a.output_count()
        );
        Ok(SequenceMap { body })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let inputs: Vec<Option<Fact>> = (0..cx.input_count())
            .map(|i| {
                cx.optional(i).map(|fact| match &fact.kind {
                    Kind::Sequence(item) => Fact::of((**item).clone()),
                    _ => fact.clone(),
                })
            })
            .collect();
        for (i, fact) in infer_outputs(&self.body, &inputs, cx)?.into_iter().enumerate() {
            cx.set(i, Fact::of(Kind::Sequence(Box::new(fact.kind))));
        }
        Ok(())
    }

    fn graphs(&self) -> Vec<&Graph> {
        vec![&self.body]
    }

    fn graphs_mut(&mut self) -> Vec<&mut Graph> {
        vec![&mut self.body]
    }

    fn is_pure(&self) -> bool {
        super::all_pure(&self.graphs())
    }
}
