//! SequenceMap on the CPU.

use super::{Io, Kernel, Lowering};
use crate::ops::sequence_map::SequenceMap;
use crate::plan::Program;
use crate::{Kind, Result, Value, run};

impl Kernel for SequenceMap {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(Some(Box::new(Map { body: cx.compile(&self.body)? })))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        Map { body: Program::compile(self.body.clone())? }.run(io)
    }
}

/// The body, ready to run.
struct Map {
    body: Program,
}

impl Kernel for Map {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let inputs = (0..io.input_count()).map(|i| io.value(i)).collect::<Result<Vec<_>>>()?;
        let length = inputs[0].sequence()?.len();
        let formal = inputs.len() - self.body.graph().captures;
        let mut outputs: Vec<Vec<Value>> = vec![Vec::new(); self.body.graph().outputs.len()];
        for at in 0..length {
            io.check()?;
            let item = |(i, value): (usize, &Value)| match value {
                Value::Sequence(_, items) if i < formal => items.get(at).cloned().ok_or_else(|| {
                    err!(InvalidModel, "input {i} has {} items, input 0 has {length}", items.len())
                }),
                other => Ok(other.clone()),
            };
            let inputs = inputs.iter().enumerate().map(item).collect::<Result<_>>()?;
            let (results, _) = run::run(&self.body, inputs, io.context())?;
            for (list, value) in outputs.iter_mut().zip(results) {
                list.push(value);
            }
        }
        for (i, items) in outputs.into_iter().enumerate() {
            let kind = match io.output_kind(i) {
                Some(Kind::Sequence(item)) => *item,
                _ => continue,
            };
            io.set(i, Value::Sequence(kind, items))?;
        }
        Ok(())
    }
}
