//! Scan: a graph runs over the slices of its inputs, carrying a state.
//!
//! Inputs: the first states, the tensors to be scanned, then what the body captures. Opset 8 has a batch axis
//! first and, before everything, optional lengths; from 9 on axes and directions are free on both sides.

use super::loop_::settle;
use super::{Attrs, Operator};
use crate::graph::{Fact, Graph, Infer, Inside, infer_outputs, normalize_axis};
use crate::{Dim, Result};

/// Scan.
#[derive(Clone, Debug)]
pub struct Scan {
    /// What runs.
    pub body: Graph,
    /// How many states are carried.
    pub states: usize,
    /// Of every scanned input: the axis, and whether it is read backward.
    pub scanned: Vec<(i64, bool)>,
    /// Of every scanned output: the axis, and whether it is written backward.
    pub stacked: Vec<(i64, bool)>,
    /// Opset 8: there is a batch axis, and input 0 may give lengths.
    pub batched: bool,
}

impl Operator for Scan {
    fn parse(a: &mut Attrs) -> Result<Scan> {
        a.arity(1.., 1..)?;
        let batched = a.version() < 9;
        let (body, count) = (a.graph("body")?, a.int("num_scan_inputs")?);
        let body = a.required("body", body)?;
        let count = a.required("num_scan_inputs", count)?;
        let inputs = a.input_count() - batched as usize;
        let scans = usize::try_from(count).ok().filter(|n| (1..=inputs).contains(n));
        let scans =
            scans.ok_or_else(|| err!(InvalidModel, "num_scan_inputs must be 1 to {inputs}, got {count}"))?;
        let states = inputs - scans;
        let (formal, outputs) = (body.inputs.len() - body.captures, body.outputs.len());
        ensure!(formal == inputs, InvalidModel, "the body must have {inputs} inputs, it has {formal}");
        ensure!(
            outputs == a.output_count() && outputs >= states,
            InvalidModel,
            "the body must have {} outputs, at least {states}, it has {outputs}",
            a.output_count()
        );
        let mut list = |name: &str, len: usize| match a.ints(name)? {
            None => Ok(vec![0; len]),
            Some(given) if given.len() == len => Ok(given),
            Some(given) => {
                Err(err!(InvalidModel, "attribute '{name}' must have {len} entries, got {}", given.len()))
            }
        };
        let pairs = |axes: Vec<i64>, backward: Vec<i64>| -> Vec<(i64, bool)> {
            axes.into_iter().zip(backward).map(|(axis, back)| (axis, back != 0)).collect()
        };
        let outs = outputs - states;
        let (scanned, stacked) = if batched {
            (pairs(vec![0; scans], list("directions", scans)?), pairs(vec![0; outs], vec![0; outs]))
        } else {
            let scanned = (list("scan_input_axes", scans)?, list("scan_input_directions", scans)?);
            let stacked = (list("scan_output_axes", outs)?, list("scan_output_directions", outs)?);
            (pairs(scanned.0, scanned.1), pairs(stacked.0, stacked.1))
        };
        Ok(Scan { body, states, scanned, stacked, batched })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let Slices { inputs, batch, length } = self.slices(cx)?;
        for (i, mut fact) in infer_outputs(&self.body, &inputs, cx)?.into_iter().enumerate() {
            if let Some((axis, _)) = i.checked_sub(self.states).map(|i| self.stacked[i])
                && let Some(dims) = &mut fact.dims
            {
                let axis = normalize_axis(axis, dims.len() + 1)?;
                dims.insert(axis, length.clone().unwrap_or_else(|| cx.unknown_dim()));
            }
            if let (true, Some(dims)) = (self.batched, &mut fact.dims) {
                dims.insert(0, batch.clone().unwrap_or_else(|| cx.unknown_dim()));
            }
            cx.set(i, fact);
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
        let mut inputs = self.slices(cx)?.inputs;
        let initial = inputs.iter().take(self.states).flatten().cloned().collect();
        let given = |states: &[Fact], inputs: &[Option<Fact>]| {
            let rest = inputs.iter().skip(self.states).cloned();
            states.iter().cloned().map(Some).chain(rest).collect::<Vec<_>>()
        };
        let iterate =
            |cx: &mut Infer<'_>, states: &[Fact]| infer_outputs(&self.body, &given(states, &inputs), cx);
        let (states, _) = settle(cx, initial, 0, iterate)?;
        inputs = given(&states, &inputs);
        Ok(vec![Inside::new(inputs, (0..self.states).map(|i| (i, i)))])
    }

    fn is_pure(&self) -> bool {
        super::all_pure(&self.graphs())
    }
}

/// What is known of what the body is given first, and of the sizes that were taken off.
struct Slices {
    inputs: Vec<Option<Fact>>,
    batch: Option<Dim>,
    length: Option<Dim>,
}

impl Scan {
    fn slices(&self, cx: &Infer<'_>) -> Result<Slices> {
        let skip = self.batched as usize;
        let mut inputs = Vec::new();
        let (mut batch, mut length) = (None, None);
        for i in 0..self.states + self.scanned.len() {
            let mut fact = cx.input(skip + i)?.clone();
            fact.known = None;
            if self.batched {
                batch = take_axis(&mut fact, 0)?.or(batch);
            }
            if let Some((axis, _)) = i.checked_sub(self.states).map(|i| self.scanned[i]) {
                length = take_axis(&mut fact, axis)?.or(length);
            }
            inputs.push(Some(fact));
        }
        let first = skip + inputs.len();
        inputs.extend((first..first + self.body.captures).map(|i| cx.optional(i).cloned()));
        Ok(Slices { inputs, batch, length })
    }
}

/// Removes an axis from a tensor's dims and gives its size, if the dims are known.
fn take_axis(fact: &mut Fact, axis: i64) -> Result<Option<Dim>> {
    let Some(dims) = &mut fact.dims else { return Ok(None) };
    let axis = normalize_axis(axis, dims.len())?;
    Ok(Some(dims.remove(axis)))
}
