//! Loop: a graph runs again and again, carrying values from one iteration to the next.
//!
//! Inputs: the largest number of iterations (optional), the first condition (optional), the carried values,
//! then what the body captures. The body takes the iteration's number, the condition and the carried values;
//! it gives the next condition, the carried values, and values that are stacked over the iterations.

use super::{Attrs, Operator};
use crate::graph::{Fact, Graph, Infer, infer_outputs};
use crate::{DType, Dim, Result};

/// How often sizes of carried values are inferred anew before they count as unknown.
const ROUNDS: usize = 3;

/// Loop.
#[derive(Clone, Debug)]
pub struct Loop {
    /// What runs.
    pub body: Graph,
    /// How many values are carried.
    pub carried: usize,
}

impl Operator for Loop {
    fn parse(a: &mut Attrs) -> Result<Loop> {
        a.arity(2.., 1..)?;
        let body = a.graph("body")?;
        let body = a.required("body", body)?;
        let carried = a.input_count() - 2;
        let (inputs, outputs) = (body.inputs.len() - body.captures, body.outputs.len());
        ensure!(
            inputs == 2 + carried,
            InvalidModel,
            "the body must have {} inputs (number, condition, {carried} carried values), it has {inputs}",
            2 + carried
        );
        ensure!(
            outputs > carried && outputs - 1 == a.output_count(),
            InvalidModel,
            "the body must have {} outputs, it has {outputs}",
            1 + a.output_count()
        );
        Ok(Loop { body, carried })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let initial = (2..2 + self.carried).map(|i| cx.input(i).cloned());
        let mut carried: Vec<Fact> = initial.collect::<Result<_>>()?;
        // What a first iteration sees need not hold for the second.
        carried.iter_mut().for_each(|fact| fact.known = None);
        let mut outputs = self.iterate(cx, &carried)?;
        for round in 0.. {
            let mut next = Vec::new();
            for (before, after) in carried.iter().zip(&outputs[1..]) {
                let same = before.kind == after.kind && before.dims == after.dims;
                next.push(match same {
                    true => before.clone(),
                    false if round < ROUNDS => cx.either(before, after)?,
                    false => Fact::of(before.kind.clone()),
                });
            }
            let stable = next.iter().zip(&carried).all(|(a, b)| settled(a, b));
            carried = next;
            if stable || round > ROUNDS {
                break;
            }
            outputs = self.iterate(cx, &carried)?;
        }
        let stacked = outputs.split_off(1 + self.carried);
        for (i, fact) in carried.into_iter().enumerate() {
            cx.set(i, fact);
        }
        for (i, fact) in stacked.into_iter().enumerate() {
            let dtype = fact.dtype().ok_or_else(|| err!(InvalidModel, "only tensors can be stacked"))?;
            let trips = cx.unknown_dim();
            let dims = fact.dims.map(|dims| std::iter::once(trips).chain(dims).collect());
            cx.set_tensor(self.carried + i, dtype, dims);
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

impl Loop {
    fn iterate(&self, cx: &mut Infer<'_>, carried: &[Fact]) -> Result<Vec<Fact>> {
        let none: [Dim; 0] = [];
        let number = Fact::tensor(DType::I64, none.clone());
        let condition = Fact::tensor(DType::Bool, none);
        let mut inputs = vec![Some(number), Some(condition)];
        inputs.extend(carried.iter().cloned().map(Some));
        let captured = 2 + self.carried..2 + self.carried + self.body.captures;
        inputs.extend(captured.map(|i| cx.optional(i).cloned()));
        infer_outputs(&self.body, &inputs, cx)
    }
}

/// Whether two rounds agree, symbols for what is unknown aside: those are new in every round.
fn settled(a: &Fact, b: &Fact) -> bool {
    let (Some(a), Some(b)) = (&a.dims, &b.dims) else { return a.dims.is_none() == b.dims.is_none() };
    let unknown = |dim: &Dim| dim.to_string().starts_with('?');
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (unknown(a) && unknown(b)))
}
