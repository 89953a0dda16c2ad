//! What binding makes: steps with sizes and places.

use super::Carry;
use crate::cpu::Kernel;
use crate::device::{Check, Launch, PipelineId, Target};
use crate::graph::{Fact, ValueId};
use crate::tensor::byte_count;
use crate::{DType, Kind, Result, Shape, Tensor};

/// A place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// Where it begins, in bytes.
    pub offset: usize,
    /// How long it is.
    pub bytes: usize,
}

/// A place on the device: a buffer of the run, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceSlot {
    /// Which buffer.
    pub slot: usize,
    /// How many bytes of it, from its beginning.
    pub bytes: u64,
}

/// Where a value's elements are. One that lies on the host and on the device has two homes.
#[derive(Clone, Debug)]
pub enum Home {
    /// In the arena.
    Arena(Slot),
    /// With the run, as a value of its own: an input, an output, or what a kernel made. The id is that of
    /// the value that owns the elements: another one where this value only gives them another shape.
    Owned(ValueId),
    /// Known when the segment was bound, or a constant of the model.
    Known(Tensor),
    /// On the device.
    Device(DeviceSlot),
}

/// An input of a step.
#[derive(Clone, Debug)]
pub enum StepIn {
    /// Left out.
    Absent,
    /// A tensor: which one, what it is, and where its elements are.
    Tensor(ValueId, DType, Shape, Home),
    /// A sequence, optional or map that the run owns.
    Compound(ValueId),
    /// A tensor whose elements lie in the output of that index.
    Placed(ValueId, usize),
}

/// An output of a step.
#[derive(Clone, Debug)]
pub enum Destination {
    /// Nobody wants it.
    Unwanted,
    /// Into the arena.
    Arena(ValueId, DType, Shape, Slot),
    /// Into memory of its own: an output of the graph.
    Owned(ValueId, DType, Shape),
    /// The kernel makes it: its size depends on data, or it is no tensor of bytes.
    Made(ValueId, Kind, Option<Shape>),
}

/// One kernel call.
#[derive(Clone, Debug)]
pub struct Step {
    /// The node.
    pub node: usize,
    /// Its inputs.
    pub inputs: Vec<StepIn>,
    /// Its outputs.
    pub outputs: Vec<Destination>,
    /// Memory for its intermediate results.
    pub scratch: Option<Slot>,
}

/// One node on the device.
#[derive(Clone, Debug)]
pub struct DeviceStep {
    /// The node.
    pub node: usize,
    /// What it reads there, and what it writes.
    pub inputs: Vec<DeviceValue>,
    /// What it writes.
    pub outputs: Vec<DeviceValue>,
    /// What to launch.
    pub launches: Vec<Launch<Target>>,
}

/// One node that runs graphs beside the device: where its results lie only running it tells, so a segment ends behind
/// it.
#[derive(Clone, Debug)]
pub struct FlowStep {
    /// The node.
    pub node: usize,
    /// Its inputs on the host; `Absent` too where one lies on the device only.
    pub inputs: Vec<StepIn>,
    /// The same on the device, where they lie there.
    pub on_device: Vec<Option<DeviceValue>>,
    /// Its outputs.
    pub outputs: Vec<Destination>,
}

/// A tensor on the device.
#[derive(Clone, Debug)]
pub struct DeviceValue {
    /// Which one.
    pub id: ValueId,
    /// Its type.
    pub dtype: DType,
    /// Its shape.
    pub shape: Shape,
    /// Where it lies.
    pub target: Target,
}

/// Elements that go from the host to the device.
#[derive(Clone, Debug)]
pub struct Upload {
    /// What goes, and where it lies on the host.
    pub from: StepIn,
    /// Where it goes.
    pub to: DeviceSlot,
}

/// Elements that come back from the device.
#[derive(Clone, Debug)]
pub struct Download {
    /// Where they lie there.
    pub from: DeviceSlot,
    /// What comes, and where it goes.
    pub to: Destination,
}

/// What is done without a question in between.
#[derive(Clone, Debug)]
pub enum Work {
    /// A kernel call on the host.
    Step(Step),
    /// Nodes on the device, one after the other; recorded once and replayed as a whole.
    Stretch(Vec<DeviceStep>),
    /// A node that runs graphs, on the host and on the device.
    Flow(FlowStep),
    /// Copies to the device.
    Upload(Vec<Upload>),
    /// Copies from the device, all waited for at once.
    Download(Vec<Download>),
}

/// One entry of a segment.
#[derive(Clone, Debug)]
pub struct Task {
    /// The node that it belongs to, the last one of a stretch.
    pub node: usize,
    /// What is done.
    pub work: Work,
    /// Owned values that are of no more use afterwards.
    pub drops: Vec<ValueId>,
}

impl Step {
    /// Bytes of tensors that it reads and writes.
    pub fn bytes(&self) -> u64 {
        let size = |dtype: &DType, shape: &[usize]| byte_count(*dtype, shape).unwrap_or(0) as u64;
        let read = self.inputs.iter().map(|input| match input {
            StepIn::Tensor(_, dtype, shape, _) => size(dtype, shape),
            _ => 0,
        });
        let written = self.outputs.iter().map(|output| match output {
            Destination::Arena(_, dtype, shape, _) | Destination::Owned(_, dtype, shape) => {
                size(dtype, shape)
            }
            _ => 0,
        });
        read.chain(written).sum()
    }

    /// Additions and multiplications, where the kernel counts them.
    pub fn operations(&self, kernel: &dyn Kernel) -> Option<u64> {
        let input = |input: &StepIn| match input {
            StepIn::Tensor(_, _, shape, _) => shape.clone(),
            _ => Shape::new(),
        };
        let output = |output: &Destination| match output {
            Destination::Arena(_, _, shape, _) | Destination::Owned(_, _, shape) => shape.clone(),
            _ => Shape::new(),
        };
        let inputs: Vec<Shape> = self.inputs.iter().map(input).collect();
        let outputs: Vec<Shape> = self.outputs.iter().map(output).collect();
        let inputs: Vec<&[usize]> = inputs.iter().map(|s| &s[..]).collect();
        let outputs: Vec<&[usize]> = outputs.iter().map(|s| &s[..]).collect();
        kernel.operations(&inputs, &outputs)
    }

    /// What it makes, for people.
    pub fn results(&self) -> String {
        results(&self.outputs)
    }
}

impl FlowStep {
    /// What it makes, for people.
    pub fn results(&self) -> String {
        results(&self.outputs)
    }
}

fn results(outputs: &[Destination]) -> String {
    let outputs = outputs.iter().filter_map(|output| match output {
        Destination::Unwanted => None,
        Destination::Arena(_, dtype, shape, _) | Destination::Owned(_, dtype, shape) => {
            Some(format!("{dtype}{:?}", &shape[..]))
        }
        Destination::Made(_, kind, _) => Some(kind.to_string()),
    });
    outputs.collect::<Vec<_>>().join(", ")
}

impl DeviceStep {
    /// Bytes of tensors that it reads and writes.
    pub fn bytes(&self) -> u64 {
        self.inputs.iter().chain(&self.outputs).map(DeviceValue::bytes).sum()
    }

    /// What it makes, for people.
    pub fn results(&self) -> String {
        let outputs = self.outputs.iter().map(|output| format!("{}{:?}", output.dtype, &output.shape[..]));
        outputs.collect::<Vec<_>>().join(", ")
    }
}

impl DeviceValue {
    fn bytes(&self) -> u64 {
        byte_count(self.dtype, &self.shape).unwrap_or(0) as u64
    }
}

/// Why a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The graph does.
    End,
    /// The next node needs elements that its steps make.
    Ask,
    /// The sizes of its last step's outputs, or where these lie, depend on data.
    Look,
}

/// Steps that run without a question in between.
#[derive(Debug)]
pub struct Segment {
    /// The node after the last one of the segment.
    pub end: usize,
    /// Why it ends there.
    pub stop: Stop,
    /// The inputs whose elements the next node asks for; none where its rule does not say which.
    pub asked: Vec<ValueId>,
    /// What to do, in order.
    pub tasks: Vec<Task>,
    /// How large the arena must be.
    pub arena_bytes: usize,
    /// How large each buffer on the device must be.
    pub slot_bytes: Vec<u64>,
    /// What nodes on the device may find wrong, in their order: each has a word of the status.
    pub checks: Vec<(usize, Check)>,
    /// Tells it from all others of its program.
    pub number: u64,
    /// The largest sum of bytes that are alive at one step: no layout can do with less.
    pub live_bytes: usize,
    /// The values that are of use later: what is known of them and where they are.
    pub live: Vec<Live>,
}

/// A value that is of use after a segment: what is known of it and where it is.
pub type Live = (ValueId, Fact, Home);

/// All that a segment depends on.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Key {
    start: usize,
    ready: bool,
    live: Vec<LiveKey>,
    carry: Carry,
}

/// What a segment depends on of one value that is alive at its start.
#[derive(PartialEq, Eq, Hash)]
struct LiveKey {
    id: ValueId,
    kind: Kind,
    shape: Option<Shape>,
    slot: Option<Slot>,
    owner: Option<ValueId>,
    on_device: Option<DeviceSlot>,
    elements: Option<Vec<u8>>,
}

impl Segment {
    /// The kernel calls on the host.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.tasks.iter().filter_map(|task| match &task.work {
            Work::Step(step) => Some(step),
            _ => None,
        })
    }

    /// The nodes on the device.
    pub fn device_steps(&self) -> impl Iterator<Item = &DeviceStep> {
        self.tasks.iter().flat_map(|task| match &task.work {
            Work::Stretch(steps) => &steps[..],
            _ => &[],
        })
    }

    /// What the device launches, each pipeline once.
    pub fn pipelines(&self) -> Vec<PipelineId> {
        let launched = self.device_steps().flat_map(|step| &step.launches).map(|launch| launch.pipeline);
        let mut pipelines: Vec<PipelineId> = launched.collect();
        pipelines.sort_unstable();
        pipelines.dedup();
        pipelines
    }

    /// The largest tensor that lies in a buffer of the device, if one does.
    pub fn largest_in(&self, slot: usize) -> Option<ValueId> {
        let uploads = self.tasks.iter().flat_map(|task| match &task.work {
            Work::Upload(copies) => &copies[..],
            _ => &[],
        });
        let uploaded = uploads.filter_map(|copy| match &copy.from {
            StepIn::Tensor(id, ..) if copy.to.slot == slot => Some((copy.to.bytes, *id)),
            _ => None,
        });
        let made = self.device_steps().flat_map(|step| &step.outputs);
        let made = made.filter_map(|value| match value.target {
            Target::Slot(at) if at == slot => Some((value.bytes(), value.id)),
            _ => None,
        });
        uploaded.chain(made).max_by_key(|(bytes, _)| *bytes).map(|(_, id)| id)
    }

    /// How many tensors go to the device and come back from it.
    pub fn copies(&self) -> (usize, usize) {
        self.tasks.iter().fold((0, 0), |(up, down), task| match &task.work {
            Work::Upload(copies) => (up + copies.len(), down),
            Work::Download(copies) => (up, down + copies.len()),
            _ => (up, down),
        })
    }
}

impl Key {
    pub fn new(start: usize, live: &[Live], ready: bool, carry: &Carry) -> Result<Key> {
        let live = live
            .iter()
            .map(|(id, fact, home)| {
                let (mut slot, mut owner, mut on_device) = (None, None, None);
                match home {
                    Home::Arena(at) => slot = Some(*at),
                    Home::Owned(id) => owner = Some(*id),
                    Home::Device(at) => on_device = Some(*at),
                    Home::Known(_) => {}
                }
                let elements = fact.view().map(|view| match view.strings() {
                    Ok(strings) => strings.join("\0").into_bytes(),
                    Err(_) => view.bytes().to_vec(),
                });
                let (kind, shape) = (fact.kind.clone(), fact.shape());
                LiveKey { id: *id, kind, shape, slot, owner, on_device, elements }
            })
            .collect();
        Ok(Key { start, ready, live, carry: carry.clone() })
    }
}
