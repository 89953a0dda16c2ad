//! Loop on the CPU.

use super::stack::Stack;
use super::{Io, Kernel, Lowering};
use crate::ops::loop_::Loop;
use crate::plan::Program;
use crate::{DType, Kind, Result, Tensor, Truth, Value, run};

impl Kernel for Loop {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(Some(Box::new(Repeat { body: cx.compile(&self.body)?, carried: self.carried })))
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
        let most = io.optional(0)?.map(|view| view.scalar_i64()).transpose()?;
        let mut go_on = match io.optional(1)? {
            Some(condition) => truth(&condition.to_tensor()?)?,
            None => true,
        };
        let first = 2 + self.carried;
        let captured = first..first + self.body.graph().captures;
        let captured = captured.map(|i| io.value(i)).collect::<Result<Vec<_>>>()?;
        let mut carried = (2..first).map(|i| io.value(i)).collect::<Result<Vec<_>>>()?;
        let outputs = self.body.graph().outputs.len();
        let mut stacks: Vec<Stack> =
            (1 + self.carried..outputs).map(|_| Stack::new(io.context().max_bytes)).collect();
        let mut number = 0i64;
        while go_on && most.is_none_or(|most| number < most) {
            io.check()?;
            let mut inputs: Vec<Value> =
                vec![Tensor::scalar(number).into(), Tensor::scalar(Truth::from(true)).into()];
            inputs.append(&mut carried);
            inputs.extend(captured.iter().cloned());
            let (results, _) = run::run(&self.body, inputs, io.context())?;
            let mut results = results.into_iter();
            let condition = results.next().ok_or_else(|| err!(Internal, "the body gave no condition"))?;
            go_on = truth(condition.tensor()?)?;
            carried.extend(results.by_ref().take(self.carried));
            for (stack, value) in stacks.iter_mut().zip(results) {
                stack.push(value.tensor()?.clone())?;
            }
            number += 1;
        }
        for (i, value) in carried.into_iter().enumerate() {
            let value = carried_out(value, io.output_kind(i))?;
            io.set(i, value)?;
        }
        for (i, stack) in stacks.into_iter().enumerate() {
            let output = self.body.graph().outputs[1 + self.carried + i];
            let empty = &self.body.graph().values[output.at()].declared;
            let tensor = stack.finish(0, false, empty.as_ref())?;
            io.set(self.carried + i, tensor)?;
        }
        Ok(())
    }
}

/// A loop may begin with an optional and carry on with what was in it. If no iteration ran, that is taken out.
fn carried_out(value: Value, kind: Option<Kind>) -> Result<Value> {
    match value {
        Value::Optional(item, value) if kind.as_ref() == Some(&item) => match value {
            Some(value) => Ok(*value),
            None => Err(err!(InvalidInput, "no iteration ran, and the optional that it began with is empty")),
        },
        other => Ok(other),
    }
}

fn truth(condition: &Tensor) -> Result<bool> {
    ensure!(
        condition.dtype() == DType::Bool && condition.len() == 1,
        InvalidModel,
        "the condition must be one bool, got {condition:?}"
    );
    Ok(condition.view().bytes()[0] != 0)
}
