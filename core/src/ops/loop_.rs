//! Loop: a graph runs again and again, carrying values from one iteration to the next.
//!
//! Inputs: the largest number of iterations (optional), the first condition (optional), the carried values,
//! then what the body captures. The body takes the iteration's number, the condition and the carried values;
//! it gives the next condition, the carried values, and values that are stacked over the iterations.

use super::{Attrs, Operator};
use crate::graph::{Fact, Graph, Infer, Inside, infer_outputs};
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
        let initial = self.initial(cx)?;
        let (carried, mut outputs) = settle(cx, initial, 1, |cx, carried| self.iterate(cx, carried))?;
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

    fn inside(&self, cx: &mut Infer<'_>) -> Result<Vec<Inside>> {
        let initial = self.initial(cx)?;
        let (carried, _) = settle(cx, initial, 1, |cx, carried| self.iterate(cx, carried))?;
        let back = (0..self.carried).map(|i| (2 + i, 1 + i));
        Ok(vec![Inside::new(self.given(cx, &carried), back)])
    }

    fn is_pure(&self) -> bool {
        super::all_pure(&self.graphs())
    }
}

/// What is known of carried values in every round, and of the body's outputs then; `first` of these is the first that
/// is carried on.
pub fn settle(
    cx: &mut Infer<'_>,
    mut carried: Vec<Fact>,
    first: usize,
    iterate: impl Fn(&mut Infer<'_>, &[Fact]) -> Result<Vec<Fact>>,
) -> Result<(Vec<Fact>, Vec<Fact>)> {
    // What a first iteration sees need not hold for the second.
    carried.iter_mut().for_each(|fact| fact.known = None);
    let mut outputs = iterate(cx, &carried)?;
    for round in 0.. {
        let mut next = Vec::new();
        for (before, after) in carried.iter().zip(outputs.iter().skip(first)) {
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
        outputs = iterate(cx, &carried)?;
    }
    Ok((carried, outputs))
}

impl Loop {
    /// What is known of the carried values before the first iteration.
    fn initial(&self, cx: &Infer<'_>) -> Result<Vec<Fact>> {
        (2..2 + self.carried).map(|i| cx.input(i).cloned()).collect()
    }

    /// What is known of the body's inputs.
    fn given(&self, cx: &Infer<'_>, carried: &[Fact]) -> Vec<Option<Fact>> {
        let none: [Dim; 0] = [];
        let own = [Fact::tensor(DType::I64, none.clone()), Fact::tensor(DType::Bool, none)];
        let captured = 2 + self.carried..2 + self.carried + self.body.captures;
        let inputs = own.into_iter().chain(carried.iter().cloned()).map(Some);
        inputs.chain(captured.map(|i| cx.optional(i).cloned())).collect()
    }

    fn iterate(&self, cx: &mut Infer<'_>, carried: &[Fact]) -> Result<Vec<Fact>> {
        let inputs = self.given(cx, carried);
        infer_outputs(&self.body, &inputs, cx)
    }
}

/// Whether two rounds agree, symbols for what is unknown aside: those are new in every round.
fn settled(a: &Fact, b: &Fact) -> bool {
    let (Some(a), Some(b)) = (&a.dims, &b.dims) else { return a.dims.is_none() == b.dims.is_none() };
    let unknown = |dim: &Dim| dim.to_string().starts_with('?');
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (unknown(a) && unknown(b)))
}
