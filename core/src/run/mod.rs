//! Runs a program: binds what can be bound, replays the steps, looks at what only data tells, goes on.

mod carry;
mod carve;
mod device;
mod flow;
mod profile;
mod step;

pub use carry::{Placed, fetch_all};
use profile::Timer;
pub use profile::{Event, Profile};

use crate::cpu::RunContext;
use crate::device::{Check, DeviceTensor, device_bytes};
use crate::graph::{FOLD_ELEMENTS, Fact, Known, ValueId};
use crate::plan::{Carry, DeviceArena, DeviceSlot, Home, Live, Program, Segment, Stop, Work};
use crate::tensor::{byte_count, element_count};
use crate::{Buffer, Result, Tensor, Value, View};
use std::collections::HashMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Kernel calls on the host.
    pub steps: usize,
    /// Kernel calls on the device.
    pub launches: usize,
    /// Tensors that went to the device.
    pub uploads: usize,
    /// Tensors that came back from it.
    pub downloads: usize,
    /// Segments that were replayed.
    pub segments: usize,
    /// The largest arena, in bytes.
    pub arena_bytes: usize,
    /// The largest sum of bytes alive at one step: what no layout could undercut.
    pub live_bytes: usize,
    /// Bytes of the buffers on the device.
    pub device_bytes: u64,
}

impl Cost {
    /// With what a run inside of this one cost; of the sizes, the larger ones.
    pub fn add(&mut self, inner: &Cost) {
        self.steps += inner.steps;
        self.launches += inner.launches;
        self.uploads += inner.uploads;
        self.downloads += inner.downloads;
        self.segments += inner.segments;
        self.arena_bytes = self.arena_bytes.max(inner.arena_bytes);
        self.live_bytes = self.live_bytes.max(inner.live_bytes);
        self.device_bytes = self.device_bytes.max(inner.device_bytes);
    }
}

/// Runs a program on inputs in the graph's order; they have been checked. It must run on the host alone: nobody
/// waits for a device here.
pub fn run(program: &Program, inputs: Vec<Value>, cx: &RunContext<'_>) -> Result<(Vec<Value>, Cost)> {
    let _held = cx.breath.hold();
    at_once(run_async(program, inputs, cx))
}

/// What a future gives that has nothing to wait for.
pub(crate) fn at_once<T>(run: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(run).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(err!(Unsupported, "this model runs on a device, which has to be awaited")),
    }
}

/// Runs a program on inputs in the graph's order; they have been checked. Waits only for a device.
pub async fn run_async(
    program: &Program,
    inputs: Vec<Value>,
    cx: &RunContext<'_>,
) -> Result<(Vec<Value>, Cost)> {
    let inputs = inputs.into_iter().map(Placed::Host).collect();
    let (outputs, cost) = run_carrying(program, inputs, Vec::new(), cx).await?;
    Ok((outputs.into_iter().map(Placed::value).collect::<Result<_>>()?, cost))
}

/// The same, where inputs may lie on the device, and outputs `kept` stay there if that is where they are made.
pub async fn run_carrying(
    program: &Program,
    inputs: Vec<Placed>,
    kept: Vec<ValueId>,
    cx: &RunContext<'_>,
) -> Result<(Vec<Placed>, Cost)> {
    let mut run = Run::new(program, inputs, kept, cx);
    let mut start = 0;
    let mut ready = false;
    loop {
        let segment = program.segment_carrying(start, &run.live, ready, &run.carry)?;
        run.replay(&segment).await?;
        start = segment.end;
        ready = segment.stop == Stop::Ask;
        if ready {
            run.look(start, &segment.asked).await?;
        }
        if segment.stop == Stop::End {
            break;
        }
    }
    let cost = run.cost;
    let stays = run.kept()?;
    program.arena().leave(std::mem::take(&mut run.arena), run.arena_bytes);
    if let Some(placement) = program.placement() {
        run.on_device.lend(Vec::new());
        placement.leave_arena(std::mem::take(&mut run.on_device));
    }
    Ok((run.outputs(stays)?, cost))
}

struct Run<'a> {
    program: &'a Program,
    cx: &'a RunContext<'a>,
    arena: Buffer,
    /// Bytes of it that are of use to this run; another one may have needed more.
    arena_bytes: usize,
    /// Buffers on the device.
    on_device: DeviceArena,
    /// What launches of the segment may find wrong, by their words of the status.
    checks: Vec<(usize, Check)>,
    /// Whether such launches have begun since the status was read.
    unread: bool,
    /// Inputs, outputs, and what kernels made; by value id.
    owned: Vec<Option<Value>>,
    /// What nodes that run graphs gave on the device, until the segment ends.
    given: Vec<(ValueId, DeviceTensor)>,
    /// Bytes of `owned`, the inputs left aside: those are the caller's.
    held: u64,
    /// The values that are of use from here on.
    live: Vec<Live>,
    /// What lies on the device before, and stays there.
    carry: Carry,
    cost: Cost,
}

impl<'a> Run<'a> {
    fn new(program: &'a Program, inputs: Vec<Placed>, kept: Vec<ValueId>, cx: &'a RunContext<'a>) -> Run<'a> {
        let mut owned = vec![None; program.graph().values.len()];
        let (mut live, mut lent) = (Vec::new(), Vec::new());
        for (id, value) in program.graph().inputs.iter().zip(inputs) {
            let (on_host, on_device) = value.split();
            if let Some(value) = on_host {
                live.push((*id, fact_of(&value), Home::Owned(*id)));
                owned[id.at()] = Some(value);
            }
            if let Some(tensor) = on_device {
                let fact = Fact::sized(tensor.dtype, &tensor.shape);
                // Not all of what may be a larger buffer: equal tensors are to give equal segments.
                let bytes = device_bytes(byte_count(tensor.dtype, &tensor.shape).unwrap_or(0));
                live.push((*id, fact, Home::Device(DeviceSlot { slot: lent.len(), bytes })));
                lent.push(tensor.memory);
            }
        }
        let arena = program.arena().take();
        let mut on_device = program.placement().map(|placement| placement.take_arena()).unwrap_or_default();
        let carry = Carry { lent: lent.len(), kept };
        on_device.lend(lent);
        let (checks, unread, cost) = (Vec::new(), false, Cost::default());
        Run {
            program,
            cx,
            arena,
            arena_bytes: 0,
            on_device,
            checks,
            unread,
            owned,
            given: Vec::new(),
            held: 0,
            live,
            carry,
            cost,
        }
    }

    async fn replay(&mut self, segment: &Segment) -> Result<()> {
        let bytes = self.arena_bytes.max(segment.arena_bytes);
        self.afford((bytes - self.arena_bytes) as u64)?;
        if self.arena_bytes == 0 && self.arena.len() < bytes {
            // What another run has left is too small, and its contents are worth no copy.
            self.arena = Buffer::default();
        }
        self.arena.grow(bytes)?;
        self.arena_bytes = bytes;
        self.fit_device(segment).await?;
        for (i, task) in segment.tasks.iter().enumerate() {
            if let Some(pause) = self.cx.breath.due() {
                pause.await;
            }
            self.cx.check()?;
            match &task.work {
                Work::Step(step) => {
                    let node = &self.program.graph().nodes[step.node];
                    let timer = Timer::start(self.cx.profile);
                    self.step(step).map_err(|e| e.at_node(&node.name, &node.op_name))?;
                    timer.stop(node, step, self.program.kernel(step.node));
                    self.cost.steps += 1;
                }
                Work::Stretch(steps) => self.stretch(segment, i, steps).await?,
                Work::Flow(step) => self.flow(step).await?,
                Work::Upload(copies) => self.upload(copies)?,
                Work::Download(copies) => self.download(copies).await?,
            }
            task.drops.iter().for_each(|id| self.drop(*id));
        }
        self.hear().await?;
        self.cost.segments += 1;
        self.cost.arena_bytes = self.cost.arena_bytes.max(segment.arena_bytes);
        self.cost.live_bytes = self.cost.live_bytes.max(segment.live_bytes);
        self.live.clone_from(&segment.live);
        for (id, fact, home) in &mut self.live {
            // What a kernel made has sizes that binding could not know; what was read of it before still holds.
            if let Home::Owned(owner) = home
                && owner == id
                && let Some(value) = &self.owned[owner.at()]
            {
                *fact = Fact { known: fact.known.take(), ..fact_of(value) };
            }
        }
        self.adopt(segment)
    }

    /// An error if so many more bytes would pass the limit.
    fn afford(&self, more: u64) -> Result<()> {
        let (limit, have) = (self.cx.max_bytes, self.arena_bytes as u64 + self.held);
        let sum = have.saturating_add(more);
        ensure!(
            sum <= limit,
            LimitExceeded,
            "intermediate results and outputs take {sum} bytes, the limit is {limit}"
        );
        Ok(())
    }

    fn keep(&mut self, id: ValueId, value: Value) -> Result<()> {
        self.held += value.bytes();
        self.owned[id.at()] = Some(value);
        self.afford(0)
    }

    fn drop(&mut self, id: ValueId) {
        if let Some(value) = self.owned[id.at()].take()
            && !self.program.graph().inputs.contains(&id)
        {
            self.held -= value.bytes();
        }
    }

    /// Reads the elements that a node's shape rule asks for: those of all its small inputs where it does not say
    /// which.
    async fn look(&mut self, node: usize, asked: &[ValueId]) -> Result<()> {
        let Some(node) = self.program.graph().nodes.get(node) else { return Ok(()) };
        let mut has_read = asked.is_empty();
        for i in 0..self.live.len() {
            let (id, fact, home) = &self.live[i];
            let wanted = node.inputs.contains(&Some(*id)) && (asked.is_empty() || asked.contains(id));
            let unknown = wanted && fact.known.is_none();
            let (true, Some(dtype), Some(shape)) = (unknown, fact.dtype(), fact.shape()) else { continue };
            // Sizes follow from integers and from lists of floats, such as those that scale an image.
            let tells = !asked.is_empty() || !dtype.is_float() || shape.len() <= 1;
            if !tells || element_count(&shape)? > FOLD_ELEMENTS {
                continue;
            }
            let tensor = match home {
                Home::Known(tensor) => tensor.clone(),
                Home::Owned(owner) => self.tensor(*owner)?.clone().reshaped(&shape)?,
                Home::Arena(slot) => {
                    let bytes = byte_count(dtype, &shape)?;
                    let at = slot.offset..slot.offset + bytes;
                    View::over(dtype, &shape, &self.arena.as_ref()[at]).to_tensor()?
                }
                Home::Device(at) => {
                    let at = *at;
                    self.fetch(dtype, &shape, at).await?
                }
            };
            self.live[i].1.known = Some(Known::Tensor(tensor));
            has_read = true;
        }
        ensure!(has_read, Internal, "'{}' asks for elements that are not there", node.name);
        Ok(())
    }

    fn tensor(&self, owner: ValueId) -> Result<&Tensor> {
        let value = self.owned[owner.at()].as_ref();
        value.ok_or_else(|| err!(Internal, "value {} is gone", owner.0))?.tensor()
    }

    /// The outputs in the graph's order, of which some stay on the device.
    fn outputs(mut self, stays: HashMap<ValueId, DeviceTensor>) -> Result<Vec<Placed>> {
        let live = std::mem::take(&mut self.live);
        let output = |id: &ValueId| match stays.get(id) {
            Some(tensor) => Ok(Placed::Device(tensor.clone())),
            None => self.output(&live, id).map(Placed::Host),
        };
        self.program.graph().outputs.iter().map(output).collect()
    }

    fn output(&self, live: &[Live], id: &ValueId) -> Result<Value> {
        if let Some(tensor) = self.program.constant(*id) {
            return Ok(tensor.clone().into());
        }
        let on_host = |home: &Home| !matches!(home, Home::Device(_));
        let entry = live.iter().find(|(live, _, home)| live == id && on_host(home));
        match entry.ok_or_else(|| err!(Internal, "output {} was not made", id.0))? {
            (_, _, Home::Known(tensor)) => Ok(tensor.clone().into()),
            (_, fact, Home::Owned(owner)) => match (fact.shape(), &self.owned[owner.at()]) {
                (Some(shape), Some(Value::Tensor(t))) => Ok(t.clone().reshaped(&shape)?.into()),
                (_, Some(value)) => Ok(value.clone()),
                (_, None) => Err(err!(Internal, "output {} is gone", id.0)),
            },
            (_, _, Home::Arena(_) | Home::Device(_)) => {
                Err(err!(Internal, "an output that has no memory of its own"))
            }
        }
    }
}

/// What is known of a value that is there, its elements left aside.
fn fact_of(value: &Value) -> Fact {
    match value {
        Value::Tensor(t) => Fact::sized(t.dtype(), t.shape()),
        other => Fact::of(other.kind()),
    }
}
