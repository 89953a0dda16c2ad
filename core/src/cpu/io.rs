//! What a kernel sees while it runs: its inputs, its outputs, and the run it belongs to.

use super::Pool;
use crate::clock::Instant;
use crate::tensor::byte_count;
use crate::{Breath, DType, ErrorKind, Kind, Result, Tensor, Value, View, ViewMut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One input.
pub enum In<'a> {
    /// An optional input that is left out.
    Absent,
    /// A tensor.
    Tensor(View<'a>),
    /// A sequence, optional or map (or a tensor that a caller owns).
    Value(&'a Value),
    /// Its elements lie in the output of that index, to be changed in place.
    Placed(usize),
}

/// One output.
pub enum Out<'a> {
    /// Nobody wants it.
    Unwanted,
    /// A tensor whose memory is planned.
    Planned(ViewMut<'a>),
    /// A value that the kernel makes: its size depends on data, or it is no tensor of bytes.
    Made {
        /// Its kind.
        kind: Kind,
        /// The shape that it must have, where that is known.
        shape: Option<&'a [usize]>,
        /// Where it goes.
        slot: &'a mut Option<Value>,
    },
}

/// What all kernels of one run share.
pub struct RunContext<'a> {
    /// Threads to work on.
    pub pool: &'a Pool,
    /// Set by whoever wants the run to stop.
    pub cancel: &'a AtomicBool,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// Bytes that intermediate results and outputs may take.
    pub max_bytes: u64,
    /// Where the random operators without a seed of their own begin; every draw moves it.
    pub seed: AtomicU64,
    /// Where each step's time is written down.
    pub profile: Option<&'a crate::run::Profile>,
    /// Turns that the run gives to others.
    pub breath: Breath<'a>,
}

impl<'a> RunContext<'a> {
    /// Without a deadline or a limit.
    pub fn new(pool: &'a Pool, cancel: &'a AtomicBool) -> RunContext<'a> {
        RunContext {
            pool,
            cancel,
            deadline: None,
            max_bytes: u64::MAX,
            seed: AtomicU64::new(0),
            profile: None,
            breath: Breath::default(),
        }
    }

    /// An error if the run was cancelled or its deadline has passed.
    pub fn check(&self) -> Result<()> {
        ensure!(!self.cancel.load(Ordering::Relaxed), Cancelled, "the run was cancelled");
        let late = self.deadline.is_some_and(|d| Instant::now() > d);
        ensure!(!late, DeadlineExceeded, "the run passed its deadline");
        Ok(())
    }
}

/// A kernel's inputs and outputs.
pub struct Io<'a> {
    inputs: Vec<In<'a>>,
    outputs: Vec<Out<'a>>,
    scratch: &'a mut [u8],
    cx: &'a RunContext<'a>,
}

impl<'a> Io<'a> {
    /// For one step of a run.
    pub fn new(
        inputs: Vec<In<'a>>,
        outputs: Vec<Out<'a>>,
        scratch: &'a mut [u8],
        cx: &'a RunContext<'a>,
    ) -> Io<'a> {
        Io { inputs, outputs, scratch, cx }
    }

    /// How many inputs the node has, left-out ones within included.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// How many outputs the node has.
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// Whether input `i` is there.
    pub fn has(&self, i: usize) -> bool {
        !matches!(self.inputs.get(i), None | Some(In::Absent))
    }

    /// Whether anybody wants output `i` (and it has not been taken yet).
    pub fn wants(&self, i: usize) -> bool {
        !matches!(self.outputs.get(i), None | Some(Out::Unwanted))
    }

    /// Tensor input `i`; an error where it is left out or no tensor.
    pub fn input(&self, i: usize) -> Result<View<'a>> {
        match self.inputs.get(i) {
            Some(In::Tensor(view)) => Ok(*view),
            Some(In::Value(value)) => Ok(value.tensor()?.view()),
            Some(In::Placed(_)) => Err(err!(Internal, "input {i} lies in an output")),
            None | Some(In::Absent) => Err(err!(InvalidModel, "input {i} is required and is left out")),
        }
    }

    /// Tensor input `i`, if it is there.
    pub fn optional(&self, i: usize) -> Result<Option<View<'a>>> {
        if self.has(i) { self.input(i).map(Some) } else { Ok(None) }
    }

    /// Input `i` as an owned value, whatever its kind.
    pub fn value(&self, i: usize) -> Result<Value> {
        match self.inputs.get(i) {
            Some(In::Value(value)) => Ok((*value).clone()),
            _ => Ok(Value::Tensor(self.input(i)?.to_tensor()?)),
        }
    }

    /// Input `i` as a borrowed sequence, optional or map.
    pub fn compound(&self, i: usize) -> Result<&'a Value> {
        match self.inputs.get(i) {
            Some(In::Value(value)) => Ok(value),
            Some(In::Absent) | None => Err(err!(InvalidModel, "input {i} is required and is left out")),
            _ => Err(err!(InvalidModel, "input {i} must not be a tensor")),
        }
    }

    /// Whether input `i` lies in output `j` already, to be changed there.
    pub fn placed(&self, i: usize, j: usize) -> bool {
        matches!(self.inputs.get(i), Some(In::Placed(at)) if *at == j)
    }

    /// Takes output `i`, of which the shape rule knew the shape.
    pub fn output(&mut self, i: usize) -> Result<ViewMut<'a>> {
        match self.take(i)? {
            Out::Planned(view) => Ok(view),
            Out::Made { kind: Kind::Tensor(dtype), shape: Some(shape), slot } => {
                made(slot, dtype, shape, self.cx)
            }
            // The rule saw every element that it may see: what is to say the shape is none that can.
            _ => Err(err!(
                InvalidModel,
                "the shape of output {i} cannot be told: the input that says it must be a small integer tensor"
            )),
        }
    }

    /// Takes output `i` as a tensor of a shape that the kernel has found out.
    pub fn make(&mut self, i: usize, dtype: DType, shape: &[usize]) -> Result<ViewMut<'a>> {
        match self.take(i)? {
            Out::Planned(view) => {
                ensure!(
                    view.dtype() == dtype && view.shape() == shape,
                    Internal,
                    "output {i} was planned as {}{:?} and is {dtype}{shape:?}",
                    view.dtype(),
                    view.shape()
                );
                Ok(view)
            }
            Out::Made { slot, .. } => made(slot, dtype, shape, self.cx),
            Out::Unwanted => Err(err!(Internal, "output {i} is not wanted or was taken already")),
        }
    }

    /// Gives output `i` a value; nothing happens if nobody wants it.
    pub fn set(&mut self, i: usize, value: impl Into<Value>) -> Result<()> {
        if !self.wants(i) {
            return Ok(());
        }
        let value = value.into();
        match self.take(i)? {
            Out::Planned(view) => {
                let tensor = value.tensor()?;
                ensure!(
                    view.shape() == tensor.shape(),
                    Internal,
                    "output {i} was planned as {:?} and is {tensor:?}",
                    view.shape()
                );
                view.copy_from(tensor.view())
            }
            Out::Made { slot, .. } => {
                *slot = Some(value);
                Ok(())
            }
            Out::Unwanted => Ok(()),
        }
    }

    /// The kind that output `i` must have; `None` where nobody wants it.
    pub fn output_kind(&self, i: usize) -> Option<Kind> {
        match self.outputs.get(i)? {
            Out::Unwanted => None,
            Out::Planned(view) => Some(Kind::Tensor(view.dtype())),
            Out::Made { kind, .. } => Some(kind.clone()),
        }
    }

    /// The element type that output `i` must have; `None` where nobody wants it or it is no tensor.
    pub fn output_dtype(&self, i: usize) -> Option<DType> {
        self.output_kind(i)?.dtype()
    }

    /// Memory for intermediate results; its size is what [`Kernel::scratch_bytes`](super::Kernel) asked for.
    pub fn scratch(&mut self) -> &'a mut [u8] {
        std::mem::take(&mut self.scratch)
    }

    /// Threads to work on.
    pub fn pool(&self) -> &'a Pool {
        self.cx.pool
    }

    /// What all kernels of this run share.
    pub fn context(&self) -> &'a RunContext<'a> {
        self.cx
    }

    /// To be called about every 20 ms of work: an error if the run should stop.
    pub fn check(&self) -> Result<()> {
        self.cx.check()
    }

    /// A number that no other caller in this run gets, for random operators without a seed.
    pub fn draw_seed(&self) -> u64 {
        self.cx.seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
    }

    fn take(&mut self, i: usize) -> Result<Out<'a>> {
        match self.outputs.get_mut(i) {
            Some(out) if !matches!(out, Out::Unwanted) => Ok(std::mem::replace(out, Out::Unwanted)),
            _ => Err(err!(Internal, "output {i} is not wanted or was taken already")),
        }
    }
}

fn made<'a>(
    slot: &'a mut Option<Value>,
    dtype: DType,
    shape: &[usize],
    cx: &RunContext<'_>,
) -> Result<ViewMut<'a>> {
    let (bytes, limit) = (byte_count(dtype, shape)? as u64, cx.max_bytes);
    ensure!(bytes <= limit, LimitExceeded, "an output of {bytes} bytes passes the limit of {limit}");
    match slot.insert(Value::Tensor(Tensor::zeros(dtype, shape)?)) {
        Value::Tensor(tensor) => Ok(tensor.view_mut()),
        other => Err(crate::Error::new(ErrorKind::Internal, format!("{} is no tensor", other.kind()))),
    }
}
