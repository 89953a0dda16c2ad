//! Scan on the CPU.

use super::flow::{self, Body, Flow, Given};
use super::stack::{Stack, device_slice_at, is_sliced_by_words, slice_at};
use super::{Io, Kernel, Lowering, RunContext};
use crate::graph::normalize_axis;
use crate::ops::scan::Scan;
use crate::plan::{Program, Sides};
use crate::run::{Cost, Placed, fetch_all, run_carrying};
use crate::{BoxFuture, Result, Tensor};

impl Kernel for Scan {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(Some(Box::new(Sweep { body: cx.compile_body(0, &self.body)?, scan: self.clone() })))
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
        flow::run_on_host(self, io)
    }

    fn flow(&self) -> Option<&dyn Flow> {
        Some(self)
    }
}

impl Flow for Sweep {
    fn run_graphs<'a>(
        &'a self,
        given: &'a dyn Given,
        cx: &'a RunContext<'a>,
    ) -> BoxFuture<'a, Result<(Vec<Placed>, Cost)>> {
        Box::pin(async move {
            let (states, scans) = (self.scan.states, self.scan.scanned.len());
            let skip = self.scan.batched as usize;
            let initial = flow::all(given, skip..skip + states)?;
            let scanned = flow::all(given, skip + states..skip + states + scans)?;
            let first = skip + states + scans;
            let captured = flow::all(given, first..first + self.body.graph().captures)?;
            let mut cost = Cost::default();
            let outputs = if self.scan.batched {
                let lengths = flow::tensor(given, 0)?.map(|lengths| lengths.view().to_i64s()).transpose()?;
                self.batches(cx, lengths, initial, scanned, &captured, &mut cost).await?
            } else {
                self.sweep(cx, initial, scanned, &captured, None, &mut cost).await?
            };
            Ok((outputs, cost))
        })
    }

    fn sides(&self, i: usize) -> Sides {
        let skip = self.scan.batched as usize;
        match i.checked_sub(skip) {
            // A batch is cut on the host.
            Some(i) if self.scan.batched && i < self.scan.states + self.scan.scanned.len() => Sides::HOST,
            Some(i) => self.body.sides(i),
            None => Sides::HOST,
        }
    }

    fn bodies(&self) -> Vec<Body<'_>> {
        let (skip, graph) = (self.scan.batched as usize, self.body.graph());
        let inputs = (0..graph.inputs.len()).map(|i| Some(skip + i)).collect();
        vec![Body { name: "body", program: &self.body, inputs, kept: &graph.outputs }]
    }
}

/// A tensor that is scanned, cut on the device where it lies there and can be cut there, or else on the host.
enum Scanned {
    Host(Tensor),
    Device(crate::device::DeviceTensor),
}

impl Scanned {
    async fn of(placed: Placed, axis: i64, cx: &RunContext<'_>, cost: &mut Cost) -> Result<(Scanned, usize)> {
        let shape = placed.shape().ok_or_else(|| err!(InvalidModel, "only tensors can be scanned"))?;
        let axis = normalize_axis(axis, shape.len())?;
        match placed {
            Placed::Device(tensor) | Placed::Both(_, tensor)
                if is_sliced_by_words(tensor.dtype, &tensor.shape, axis) =>
            {
                Ok((Scanned::Device(tensor), axis))
            }
            other => {
                let tensor = fetch_all(vec![other], cx, cost).await?.pop();
                Ok((Scanned::Host(tensor.ok_or_else(|| err!(Internal, "nothing is scanned"))?), axis))
            }
        }
    }

    fn len(&self, axis: usize) -> usize {
        let shape = match self {
            Scanned::Host(tensor) => tensor.shape(),
            Scanned::Device(tensor) => &tensor.shape,
        };
        shape.get(axis).copied().unwrap_or(0)
    }

    fn at(&self, axis: usize, at: usize) -> Result<Placed> {
        Ok(match self {
            Scanned::Host(tensor) => Placed::Host(slice_at(tensor, axis, at)?.into()),
            Scanned::Device(tensor) => Placed::Device(device_slice_at(tensor, axis, at)?),
        })
    }
}

impl Sweep {
    /// Opset 8: every element of the batch by itself.
    async fn batches(
        &self,
        cx: &RunContext<'_>,
        lengths: Option<Vec<i64>>,
        initial: Vec<Placed>,
        scanned: Vec<Placed>,
        captured: &[Placed],
        cost: &mut Cost,
    ) -> Result<Vec<Placed>> {
        let (initial, scanned) = (fetch_all(initial, cx, cost).await?, fetch_all(scanned, cx, cost).await?);
        let sizes: Vec<_> = initial.iter().chain(&scanned).map(|t| t.shape().first().copied()).collect();
        let batch = sizes.first().copied().flatten();
        let batch = batch.filter(|_| sizes.iter().all(|size| *size == batch));
        let batch = batch
            .ok_or_else(|| err!(InvalidModel, "the inputs must have one batch size, they have {sizes:?}"))?;
        let mut stacks: Vec<Stack> = self.body.graph().outputs.iter().map(|_| Stack::new(cx)).collect();
        for b in 0..batch {
            let cut = |t: &Tensor| Ok(Placed::Host(slice_at(t, 0, b)?.into()));
            let states = initial.iter().map(cut).collect::<Result<_>>()?;
            let slices = scanned.iter().map(cut).collect::<Result<_>>()?;
            let length = lengths.as_ref().and_then(|l| l.get(b)).map(|&l| usize::try_from(l).unwrap_or(0));
            let results = self.sweep(cx, states, slices, captured, length, cost).await?;
            for (stack, value) in stacks.iter_mut().zip(results) {
                stack.push(value)?;
            }
        }
        let mut outputs = Vec::with_capacity(stacks.len());
        for stack in stacks {
            outputs.push(stack.finish(0, false, None, cost).await?);
        }
        Ok(outputs)
    }

    /// Over all slices, or the first `length` ones (the rest of the stacked outputs is zero).
    async fn sweep(
        &self,
        cx: &RunContext<'_>,
        mut states: Vec<Placed>,
        given: Vec<Placed>,
        captured: &[Placed],
        length: Option<usize>,
        cost: &mut Cost,
    ) -> Result<Vec<Placed>> {
        let mut scanned = Vec::with_capacity(given.len());
        for (placed, (axis, _)) in given.into_iter().zip(&self.scan.scanned) {
            scanned.push(Scanned::of(placed, *axis, cx, cost).await?);
        }
        let sizes: Vec<usize> = scanned.iter().map(|(tensor, axis)| tensor.len(*axis)).collect();
        let whole = sizes.first().copied().unwrap_or(0);
        ensure!(sizes.iter().all(|&s| s == whole), InvalidModel, "scanned inputs have the lengths {sizes:?}");
        let length = length.unwrap_or(whole).min(whole);
        let graph = self.body.graph();
        let mut stacks: Vec<Stack> = self.scan.stacked.iter().map(|_| Stack::new(cx)).collect();
        for at in 0..length {
            cx.check()?;
            let mut inputs = std::mem::take(&mut states);
            for ((tensor, axis), (_, backward)) in scanned.iter().zip(&self.scan.scanned) {
                let at = if *backward { length - 1 - at } else { at };
                inputs.push(tensor.at(*axis, at)?);
            }
            inputs.extend(captured.iter().cloned());
            let (mut results, spent) = run_carrying(&self.body, inputs, graph.outputs.clone(), cx).await?;
            cost.add(&spent);
            for (stack, value) in stacks.iter_mut().zip(results.split_off(self.scan.states)) {
                stack.push(value)?;
            }
            states = results;
        }
        for (i, (mut stack, (axis, backward))) in stacks.into_iter().zip(&self.scan.stacked).enumerate() {
            stack.pad(whole)?;
            let output = graph.outputs[self.scan.states + i];
            let like = graph.values[output.at()].declared.as_ref();
            states.push(stack.finish(*axis, *backward, like, cost).await?);
        }
        Ok(states)
    }
}
