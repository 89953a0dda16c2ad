//! Loop: runs the program of its body again and again.

use super::flow::{self, Body, Flow, Given, truth};
use super::stack::Stack;
use super::{Io, Kernel, Lowering, RunContext};
use crate::graph::ValueId;
use crate::ops::loop_::Loop;
use crate::plan::{Program, Sides};
use crate::run::{Cost, Placed, run_carrying};
use crate::{BoxFuture, Kind, Result, Tensor, Truth, Value};

impl Kernel for Loop {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(Some(Box::new(Repeat { body: cx.compile_body(0, &self.body)?, carried: self.carried })))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        Repeat { body: Program::compile(self.body.clone())?, carried: self.carried }.run(io)
    }
}

/// The body, ready to run.
struct Repeat {
    body: Program,
    carried: usize,
}

impl Kernel for Repeat {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        flow::run_on_host(self, io)
    }

    fn flow(&self) -> Option<&dyn Flow> {
        Some(self)
    }
}

impl Flow for Repeat {
    fn run_graphs<'a>(
        &'a self,
        given: &'a dyn Given,
        cx: &'a RunContext<'a>,
    ) -> BoxFuture<'a, Result<(Vec<Placed>, Cost)>> {
        Box::pin(self.repeat(given, cx))
    }

    fn sides(&self, i: usize) -> Sides {
        // The largest number and the condition are the node's; the body's first inputs are made for it.
        if i < 2 { Sides::HOST } else { self.body.sides(i) }
    }

    fn bodies(&self) -> Vec<Body<'_>> {
        let inputs = (0..self.body.graph().inputs.len()).map(|i| (i >= 2).then_some(i)).collect();
        vec![Body { name: "body", program: &self.body, inputs, kept: self.kept() }]
    }
}

impl Repeat {
    /// All that the body makes but the condition.
    fn kept(&self) -> &[ValueId] {
        self.body.graph().outputs.get(1..).unwrap_or_default()
    }

    async fn repeat(&self, given: &dyn Given, cx: &RunContext<'_>) -> Result<(Vec<Placed>, Cost)> {
        let (graph, first) = (self.body.graph(), 2 + self.carried);
        let most = flow::tensor(given, 0)?.map(|most| most.view().scalar_i64()).transpose()?;
        let mut go_on = flow::tensor(given, 1)?.map_or(Ok(true), |condition| truth(&condition))?;
        let captured = flow::all(given, first..first + graph.captures)?;
        let mut carried = flow::all(given, 2..first)?;
        let kept = self.kept();
        let stacked = graph.outputs.get(1 + self.carried..).unwrap_or_default();
        let mut stacks: Vec<Stack> = stacked.iter().map(|_| Stack::new(cx)).collect();
        let (mut number, mut cost) = (0i64, Cost::default());
        while go_on && most.is_none_or(|most| number < most) {
            cx.check()?;
            let truth_of_it = Tensor::scalar(Truth::from(true));
            let own: [Value; 2] = [Tensor::scalar(number).into(), truth_of_it.into()];
            let own = own.into_iter().map(Placed::Host);
            let inputs = own.chain(carried).chain(captured.iter().cloned()).collect();
            let (results, spent) = run_carrying(&self.body, inputs, kept.to_vec(), cx).await?;
            cost.add(&spent);
            let mut results = results.into_iter();
            let condition = results.next().ok_or_else(|| err!(Internal, "the body gave no condition"))?;
            go_on = truth(condition.value()?.tensor()?)?;
            carried = results.by_ref().take(self.carried).collect();
            for (stack, value) in stacks.iter_mut().zip(results) {
                stack.push(value)?;
            }
            number += 1;
        }
        let mut outputs = Vec::with_capacity(self.carried + stacks.len());
        for (i, value) in carried.into_iter().enumerate() {
            outputs.push(carried_out(value, given.output_kind(i))?);
        }
        for (stack, output) in stacks.into_iter().zip(stacked) {
            let empty = graph.values[output.at()].declared.as_ref();
            outputs.push(stack.finish(0, false, empty, &mut cost).await?);
        }
        Ok((outputs, cost))
    }
}

/// A loop may begin with an optional and carry on with what was in it. If no iteration ran, that is taken out.
fn carried_out(value: Placed, kind: Option<Kind>) -> Result<Placed> {
    match value {
        Placed::Host(Value::Optional(item, value)) if kind.as_ref() == Some(&item) => match value {
            Some(value) => Ok(Placed::Host(*value)),
            None => Err(err!(InvalidInput, "no iteration ran, and the optional that it began with is empty")),
        },
        other => Ok(other),
    }
}
