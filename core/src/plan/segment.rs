//! What binding makes: steps with sizes and places.

use crate::cpu::Kernel;
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

/// Where a value's elements are.
#[derive(Clone, Debug)]
pub enum Home {
    /// In the arena.
    Arena(Slot),
    /// With the run, as a value of its own: an input, an output, or what a kernel made. The id is that of
    /// the value that owns the elements: another one where this value only gives them another shape.
    Owned(ValueId),
    /// Known when the segment was bound, or a constant of the model.
    Known(Tensor),
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
        let outputs = self.outputs.iter().filter_map(|output| match output {
            Destination::Unwanted => None,
            Destination::Arena(_, dtype, shape, _) | Destination::Owned(_, dtype, shape) => {
                Some(format!("{dtype}{:?}", &shape[..]))
            }
            Destination::Made(_, kind, _) => Some(kind.to_string()),
        });
        outputs.collect::<Vec<_>>().join(", ")
    }
}

/// Why a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The graph does.
    End,
    /// The next node needs elements that its steps make.
    Ask,
    /// The sizes of its last step's outputs depend on data.
    Look,
}

/// Steps that run without a question in between.
#[derive(Debug)]
pub struct Segment {
    /// The node after the last one of the segment.
    pub end: usize,
    /// Why it ends there.
    pub stop: Stop,
    /// What to run, in order.
    pub steps: Vec<Step>,
    /// How large the arena must be.
    pub arena_bytes: usize,
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
}

/// What a segment depends on of one value that is alive at its start.
#[derive(PartialEq, Eq, Hash)]
struct LiveKey {
    id: ValueId,
    kind: Kind,
    shape: Option<Shape>,
    slot: Option<Slot>,
    owner: Option<ValueId>,
    elements: Option<Vec<u8>>,
}

impl Key {
    pub fn new(start: usize, live: &[Live], ready: bool) -> Result<Key> {
        let live = live
            .iter()
            .map(|(id, fact, home)| {
                let (slot, owner) = match home {
                    Home::Arena(slot) => (Some(*slot), None),
                    Home::Owned(owner) => (None, Some(*owner)),
                    Home::Known(_) => (None, None),
                };
                let elements = fact.view().map(|view| match view.strings() {
                    Ok(strings) => strings.join("\0").into_bytes(),
                    Err(_) => view.bytes().to_vec(),
                });
                LiveKey { id: *id, kind: fact.kind.clone(), shape: fact.shape(), slot, owner, elements }
            })
            .collect();
        Ok(Key { start, ready, live })
    }
}
