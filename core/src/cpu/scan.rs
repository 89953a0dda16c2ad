//! Scan on the CPU.

use super::stack::{Stack, slice_at};
use super::{Io, Kernel, Lowering};
use crate::graph::normalize_axis;
use crate::ops::scan::Scan;
use crate::plan::Program;
use crate::{Result, Tensor, Value, run};

impl Kernel for Scan {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(Some(Box::new(Sweep { body: cx.compile(&self.body)?, scan: self.clone() })))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        Sweep { body: Program::compile(self.body.clone())?, scan: self.clone() }.run(io)
    }
}

/// The body, ready to run.
struct Sweep {
    body: Program,
    scan: Scan,
}

impl Kernel for Sweep {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (states, scans) = (self.scan.states, self.scan.scanned.len());
        let skip = self.scan.batched as usize;
        let tensors =
            |range: std::ops::Range<usize>| range.map(|i| io.value(skip + i)).collect::<Result<Vec<Value>>>();
        let initial = tensors(0..states)?;
        let scanned = tensors(states..states + scans)?;
        let captured = tensors(states + scans..states + scans + self.body.graph().captures)?;
        let scanned = scanned.iter().map(|v| v.tensor().cloned()).collect::<Result<Vec<_>>>()?;
        let outputs = if self.scan.batched {
            self.batches(io, &initial, &scanned, &captured)?
        } else {
            self.sweep(io, initial, &scanned, &captured, None)?
        };
        for (i, value) in outputs.into_iter().enumerate() {
            io.set(i, value)?;
        }
        Ok(())
    }
}

impl Sweep {
    /// Opset 8: every element of the batch by itself.
    fn batches(
        &self,
        io: &Io<'_>,
        initial: &[Value],
        scanned: &[Tensor],
        captured: &[Value],
    ) -> Result<Vec<Value>> {
        let lengths = io.optional(0)?.map(|view| view.to_i64s()).transpose()?;
        let states = initial.iter().map(Value::tensor).collect::<Result<Vec<_>>>()?;
        let sizes: Vec<_> = states.into_iter().chain(scanned).map(|t| t.shape().first().copied()).collect();
        let batch = sizes.first().copied().flatten();
        let batch = batch.filter(|_| sizes.iter().all(|size| *size == batch));
        let batch = batch
            .ok_or_else(|| err!(InvalidModel, "the inputs must have one batch size, they have {sizes:?}"))?;
        let mut stacks: Vec<Stack> =
            self.body.graph().outputs.iter().map(|_| Stack::new(io.context().max_bytes)).collect();
        for b in 0..batch {
            let states =
                initial.iter().map(|v| Ok(slice_at(v.tensor()?, 0, b)?.into())).collect::<Result<_>>()?;
            let slices = scanned.iter().map(|t| slice_at(t, 0, b)).collect::<Result<Vec<_>>>()?;
            let length = lengths.as_ref().and_then(|l| l.get(b)).map(|&l| usize::try_from(l).unwrap_or(0));
            for (stack, value) in stacks.iter_mut().zip(self.sweep(io, states, &slices, captured, length)?) {
                stack.push(value.tensor()?.clone())?;
            }
        }
        stacks.into_iter().map(|stack| Ok(stack.finish(0, false, None)?.into())).collect()
    }

    /// Over all slices, or the first `length` ones (the rest of the stacked outputs is zero).
    fn sweep(
        &self,
        io: &Io<'_>,
        mut states: Vec<Value>,
        scanned: &[Tensor],
        captured: &[Value],
        length: Option<usize>,
    ) -> Result<Vec<Value>> {
        let mut axes = Vec::new();
        for (tensor, (axis, _)) in scanned.iter().zip(&self.scan.scanned) {
            axes.push(normalize_axis(*axis, tensor.shape().len())?);
        }
        let sizes: Vec<usize> = scanned.iter().zip(&axes).map(|(t, &axis)| t.shape()[axis]).collect();
        let whole = sizes[0];
        ensure!(sizes.iter().all(|&s| s == whole), InvalidModel, "scanned inputs have the lengths {sizes:?}");
        let length = length.unwrap_or(whole).min(whole);
        let mut stacks: Vec<Stack> =
            self.scan.stacked.iter().map(|_| Stack::new(io.context().max_bytes)).collect();
        for at in 0..length {
            io.check()?;
            let mut inputs = std::mem::take(&mut states);
            for ((tensor, &axis), (_, backward)) in scanned.iter().zip(&axes).zip(&self.scan.scanned) {
                let at = if *backward { length - 1 - at } else { at };
                inputs.push(slice_at(tensor, axis, at)?.into());
            }
            inputs.extend(captured.iter().cloned());
            let (mut results, _) = run::run(&self.body, inputs, io.context())?;
            for (stack, value) in stacks.iter_mut().zip(results.split_off(self.scan.states)) {
                stack.push(value.tensor()?.clone())?;
            }
            states = results;
        }
        for (i, (mut stack, (axis, backward))) in stacks.into_iter().zip(&self.scan.stacked).enumerate() {
            stack.pad(whole)?;
            let output = self.body.graph().outputs[self.scan.states + i];
            let like = self.body.graph().values[output.at()].declared.as_ref();
            states.push(stack.finish(*axis, *backward, like)?.into());
        }
        Ok(states)
    }
}
