//! Binding: nodes and numbers become steps and slots.
//!
//! Time is counted in nodes, so that intervals need no translation. What a reader would get wrong: a value
//! and its aliases (the same elements under another shape) share one storage, which lives as long as the last
//! of them. On a device there are storages too, and a value may lie on both sides.

mod common;
mod device;
mod flow;

use super::memory::{Interval, aligned, lay_out, live_bytes};
use super::segment::{Destination, DeviceSlot, Home, Segment, Slot, Step, StepIn, Stop, Task, Work};
use super::slots::{Stay, assign};
use super::{Carry, Live, Program};
use crate::cpu::Kernel;
use crate::device::{Check, Memory, Target};
use crate::graph::{FOLD_ELEMENTS, Fact, Node, ValueId, constant_fact, infer_asking};
use crate::tensor::{byte_count, element_count};
use crate::{DType, Kind, Result, Shape, Tensor};
use common::Made;
use std::collections::HashMap;

/// Binds nodes from `start` on, as far as sizes are known. `ready`: the small inputs that the first node asked for
/// are known, so that a node whose sizes are still not, and which asks for nothing more, is one whose outputs only
/// running it will tell.
pub fn bind(program: &Program, start: usize, live: &[Live], ready: bool, carry: &Carry) -> Result<Segment> {
    let mut binder = Binder::new(program, start, live, carry);
    let nodes = &program.graph().nodes;
    let mut stop = Stop::End;
    let mut at = start;
    while at < nodes.len() {
        let node = &nodes[at];
        let next = binder.node(at, node, ready && at == start);
        match next.map_err(|e| e.at_node(&node.name, &node.op_name))? {
            Next::GoOn => at += 1,
            Next::Ask => {
                stop = Stop::Ask;
                break;
            }
            Next::Look => {
                stop = Stop::Look;
                at += 1;
                break;
            }
        }
    }
    binder.finish(at, stop)
}

/// What follows a node.
enum Next {
    GoOn,
    /// The node needs elements that are there only when the steps so far have run.
    Ask,
    /// The sizes of its outputs are there only when it has run.
    Look,
}

/// Where a value's elements will be.
#[derive(Clone)]
enum Place {
    Storage(usize),
    Owned(ValueId),
    Known(Tensor),
    /// In the kernels that take it.
    Packed,
}

/// Where a value's elements will be on the device.
#[derive(Clone)]
enum OnDevice {
    Storage(usize),
    /// A constant, or what was known when the segment was bound.
    Held(Memory),
}

struct Binder<'a> {
    program: &'a Program,
    carry: &'a Carry,
    facts: Vec<Option<Fact>>,
    /// On the host.
    places: Vec<Option<Place>>,
    on_device: Vec<Option<OnDevice>>,
    /// Slots of the steps hold a storage's index until the layout is known.
    storages: Vec<Interval>,
    /// The same of the device.
    stays: Vec<Stay>,
    /// Of every owned value: the last node that needs it or an alias of it.
    owned: HashMap<ValueId, usize>,
    /// Where the segment begins.
    start: usize,
    tasks: Vec<Task>,
    /// What nodes on the device may find wrong; a node's place here is its word of the status.
    checks: Vec<(usize, Check)>,
    /// Launches that other nodes may share.
    common: Vec<Made>,
    /// What the next node asks for.
    asked: Vec<ValueId>,
    fresh: u32,
}

impl<'a> Binder<'a> {
    fn new(program: &'a Program, start: usize, live: &[Live], carry: &'a Carry) -> Binder<'a> {
        let graph = program.graph();
        let mut binder = Binder {
            program,
            carry,
            facts: vec![None; graph.values.len()],
            places: vec![None; graph.values.len()],
            on_device: vec![None; graph.values.len()],
            storages: Vec::new(),
            stays: Vec::new(),
            owned: HashMap::new(),
            start,
            tasks: Vec::new(),
            checks: Vec::new(),
            common: Vec::new(),
            asked: Vec::new(),
            fresh: 0,
        };
        for i in 0..graph.values.len() {
            if let Some(tensor) = program.constant(ValueId(i as u32)) {
                binder.facts[i] = Some(Fact::constant(tensor.clone()));
                binder.places[i] = Some(Place::Known(tensor.clone()));
            } else if let Some(packed) = &graph.values[i].constant {
                binder.facts[i] = Some(constant_fact(packed));
                binder.places[i] = Some(Place::Packed);
            }
        }
        let (mut by_offset, mut by_slot) = (HashMap::new(), HashMap::new());
        for (id, fact, home) in live {
            let last = program.last_use(*id);
            let place = match home {
                Home::Known(tensor) => Place::Known(tensor.clone()),
                Home::Owned(owner) => {
                    let until = binder.owned.entry(*owner).or_default();
                    *until = last.max(*until);
                    Place::Owned(*owner)
                }
                Home::Arena(slot) => {
                    let storages = &mut binder.storages;
                    let storage = *by_offset.entry((slot.offset, slot.bytes)).or_insert_with(|| {
                        let fixed = Some(slot.offset);
                        storages.push(Interval { first: start, last, bytes: slot.bytes, fixed });
                        storages.len() - 1
                    });
                    storages[storage].last = storages[storage].last.max(last);
                    Place::Storage(storage)
                }
                Home::Device(at) => {
                    let stays = &mut binder.stays;
                    let stay = *by_slot.entry(at.slot).or_insert_with(|| {
                        stays.push(Stay {
                            first: start,
                            last,
                            bytes: at.bytes,
                            fixed: Some(at.slot),
                            alone: false,
                        });
                        stays.len() - 1
                    });
                    // Nothing else may come to lie in a lent buffer.
                    let last = if carry.is_lent(at.slot) { usize::MAX } else { last };
                    stays[stay].last = stays[stay].last.max(last);
                    binder.facts[id.at()] = Some(fact.clone());
                    binder.on_device[id.at()] = Some(OnDevice::Storage(stay));
                    continue;
                }
            };
            binder.facts[id.at()] = Some(fact.clone());
            binder.places[id.at()] = Some(place);
        }
        binder
    }

    fn node(&mut self, at: usize, node: &Node, ready: bool) -> Result<Next> {
        let (facts, asked) = infer_asking(node, &self.facts, &mut self.fresh)?;
        let wanted =
            || node.outputs.iter().zip(&facts).filter_map(|(id, fact)| Some(((*id)?, fact.as_ref())));
        for (id, fact) in wanted() {
            let name = &self.program.graph().values[id.at()].name;
            ensure!(fact.is_some(), Internal, "nothing was inferred for output '{name}'");
        }
        let determined = wanted().all(|(_, f)| f.is_some_and(|f| f.dtype().is_none() || f.shape().is_some()));
        // A rule may ask for more when it knows what it asked for before.
        let asked: Vec<ValueId> = asked.into_iter().filter(|id| self.can_be_read(*id)).collect();
        let flow = self.program.flow(at);
        // What runs graphs tells the sizes of its outputs when it has run.
        if flow.is_none() && !determined && (!ready || !asked.is_empty()) {
            self.asked = asked;
            return Ok(Next::Ask);
        }
        let known = node.op.is_pure() && wanted().all(|(_, fact)| fact.is_some_and(|f| f.view().is_some()));
        for (id, fact) in wanted() {
            self.facts[id.at()] = fact.cloned();
        }
        if known {
            for (id, fact) in wanted() {
                let tensor = fact.and_then(Fact::view).map(|v| v.to_tensor()).transpose()?;
                self.places[id.at()] = tensor.map(Place::Known);
            }
        } else if let Some(flow) = flow {
            self.flow_step(at, node, flow)?;
            return Ok(Next::Look);
        } else if !determined || !self.alias(at, node)? {
            match self.program.placement().and_then(|placement| placement.kernel(at)) {
                Some(kernel) => self.device_step(at, node, kernel)?,
                None => self.step(at, node)?,
            }
        }
        Ok(if determined { Next::GoOn } else { Next::Look })
    }

    /// Whether the elements of a value could be read, for a shape rule.
    fn can_be_read(&self, id: ValueId) -> bool {
        let shape = self.facts[id.at()].as_ref().filter(|fact| fact.dtype().is_some()).and_then(Fact::shape);
        shape.is_some_and(|shape| element_count(&shape).is_ok_and(|n| n <= FOLD_ELEMENTS))
    }

    /// Whether output 0 could be made a second name for the elements of input 0.
    fn alias(&mut self, at: usize, node: &Node) -> Result<bool> {
        let (Some(Some(from)), [Some(to)]) = (node.inputs.first(), &node.outputs[..]) else {
            return Ok(false);
        };
        let kind = |id: &ValueId| self.facts[id.at()].as_ref().map(|f| f.kind.clone());
        if !self.program.kernel(at).is_alias() || kind(from) != kind(to) {
            return Ok(false);
        }
        let last = self.program.last_use(*to);
        if let Some(place) = self.on_device[from.at()].clone() {
            self.keep_on_device(&place, last);
            self.on_device[to.at()] = Some(place);
            if self.places[from.at()].is_none() {
                return Ok(true);
            }
        }
        let place = match self.places[from.at()].clone() {
            Some(Place::Storage(_)) if last == usize::MAX => {
                return Ok(self.on_device[to.at()].is_some());
            }
            Some(Place::Storage(storage)) => {
                let interval = &mut self.storages[storage];
                interval.last = interval.last.max(last);
                Place::Storage(storage)
            }
            Some(Place::Owned(owner)) => {
                let until = self.owned.entry(owner).or_default();
                *until = last.max(*until);
                Place::Owned(owner)
            }
            Some(Place::Known(tensor)) => Place::Known(tensor.reshaped(&self.shape(*to)?)?),
            None | Some(Place::Packed) => return Err(err!(Internal, "an alias of nothing")),
        };
        self.places[to.at()] = Some(place);
        Ok(true)
    }

    fn step(&mut self, at: usize, node: &Node) -> Result<()> {
        let kernel = self.program.kernel(at);
        self.copy_down(at, node.inputs.iter().flatten().copied())?;
        let mut inputs = node.inputs.iter().map(|id| self.input(*id)).collect::<Result<Vec<_>>>()?;
        let mut outputs = Vec::with_capacity(node.outputs.len());
        for (j, id) in node.outputs.iter().enumerate() {
            let Some(id) = id else {
                outputs.push(Destination::Unwanted);
                continue;
            };
            let fact =
                self.facts[id.at()].clone().ok_or_else(|| err!(Internal, "an output without a fact"))?;
            let (destination, place) = match (&fact.kind, fact.shape()) {
                (Kind::Tensor(dtype), Some(shape)) if *dtype != DType::Str => {
                    if self.program.last_use(*id) == usize::MAX {
                        (Destination::Owned(*id, *dtype, shape), Place::Owned(*id))
                    } else {
                        let bytes = byte_count(*dtype, &shape)?;
                        let storage = match self.in_place(at, node, kernel, j, bytes) {
                            Some((i, storage)) => {
                                inputs[i] = StepIn::Placed(node.inputs[i].unwrap_or(*id), j);
                                storage
                            }
                            None => self.storage(at, bytes)?,
                        };
                        let interval = &mut self.storages[storage];
                        interval.last = interval.last.max(self.program.last_use(*id));
                        let slot = Slot { offset: storage, bytes };
                        (Destination::Arena(*id, *dtype, shape, slot), Place::Storage(storage))
                    }
                }
                (kind, shape) => (Destination::Made(*id, kind.clone(), shape), Place::Owned(*id)),
            };
            if let Place::Owned(owner) = place {
                self.owned.insert(owner, self.program.last_use(*id));
            }
            self.places[id.at()] = Some(place);
            outputs.push(destination);
        }
        let scratch = self.scratch(at, node, kernel)?;
        self.push(at, Work::Step(Step { node: at, inputs, outputs, scratch }));
        Ok(())
    }

    fn input(&self, id: Option<ValueId>) -> Result<StepIn> {
        let Some(id) = id else { return Ok(StepIn::Absent) };
        let (fact, place) = (&self.facts[id.at()], &self.places[id.at()]);
        let (Some(fact), Some(place)) = (fact, place) else {
            let name = &self.program.graph().values[id.at()].name;
            return Err(err!(Internal, "input '{name}' has no place"));
        };
        let home = match (place, fact.dtype()) {
            (Place::Packed, _) => return Ok(StepIn::Absent),
            (Place::Owned(owner), None) => return Ok(StepIn::Compound(*owner)),
            (Place::Owned(owner), _) => Home::Owned(*owner),
            (Place::Known(tensor), _) => Home::Known(tensor.clone()),
            (Place::Storage(storage), Some(dtype)) => {
                Home::Arena(Slot { offset: *storage, bytes: byte_count(dtype, &self.shape(id)?)? })
            }
            (Place::Storage(_), None) => return Err(err!(Internal, "a compound value in the arena")),
        };
        let dtype = fact.dtype().ok_or_else(|| err!(Internal, "a tensor without a type"))?;
        Ok(StepIn::Tensor(id, dtype, self.shape(id)?, home))
    }

    /// An input whose storage output `j` can take over: nobody needs it after this node, and the kernel can.
    fn in_place(
        &self,
        at: usize,
        node: &Node,
        kernel: &dyn Kernel,
        j: usize,
        bytes: usize,
    ) -> Option<(usize, usize)> {
        kernel.in_place().iter().filter(|(_, output)| *output == j).find_map(|(i, _)| {
            let id = (*node.inputs.get(*i)?)?;
            let Some(Place::Storage(storage)) = self.places[id.at()] else { return None };
            let shape = self.facts[id.at()].as_ref()?.shape()?;
            let same = byte_count(self.facts[id.at()].as_ref()?.dtype()?, &shape).ok()? == bytes;
            let shared = |other: &&Option<ValueId>| {
                other.is_some_and(|o| matches!(self.places[o.at()], Some(Place::Storage(s)) if s == storage))
            };
            let once = node.inputs.iter().filter(shared).count() == 1;
            (same && once && self.storages[storage].last == at).then_some((*i, storage))
        })
    }

    fn storage(&mut self, at: usize, bytes: usize) -> Result<usize> {
        self.storages.push(Interval { first: at, last: at, bytes: aligned(bytes)?, fixed: None });
        Ok(self.storages.len() - 1)
    }

    fn scratch(&mut self, at: usize, node: &Node, kernel: &dyn Kernel) -> Result<Option<Slot>> {
        let shapes = |ids: &[Option<ValueId>]| -> Vec<Shape> {
            let shape = |id: &Option<ValueId>| id.and_then(|id| self.facts[id.at()].as_ref()?.shape());
            ids.iter().map(|id| shape(id).unwrap_or_default()).collect()
        };
        let (inputs, outputs) = (shapes(&node.inputs), shapes(&node.outputs));
        let (inputs, outputs): (Vec<&[usize]>, Vec<&[usize]>) =
            (inputs.iter().map(|s| &s[..]).collect(), outputs.iter().map(|s| &s[..]).collect());
        match kernel.scratch_bytes(&inputs, &outputs)? {
            0 => Ok(None),
            bytes => Ok(Some(Slot { offset: self.storage(at, bytes)?, bytes })),
        }
    }

    fn shape(&self, id: ValueId) -> Result<Shape> {
        let fact = self.facts[id.at()].as_ref();
        fact.and_then(Fact::shape).ok_or_else(|| err!(Internal, "a size is not known"))
    }

    fn push(&mut self, node: usize, work: Work) {
        self.tasks.push(Task { node, work, drops: Vec::new() });
    }

    fn finish(mut self, end: usize, stop: Stop) -> Result<Segment> {
        if stop == Stop::End {
            self.copy_outputs_down(end)?;
        }
        for id in &self.carry.kept {
            if let Some(OnDevice::Storage(stay)) = self.on_device[id.at()] {
                self.stays[stay].alone = true;
            }
        }
        let (offsets, arena_bytes) = lay_out(&self.storages)?;
        let (slots, slot_bytes) = assign(&self.stays);
        for task in &mut self.tasks {
            place(&mut task.work, &offsets, &slots);
        }
        for (owner, last) in &self.owned {
            let at = self.tasks.partition_point(|task| task.node <= *last);
            if *last < end && at > 0 {
                self.tasks[at - 1].drops.push(*owner);
            }
        }
        let live = self.live(end, &offsets, &slots);
        let live_bytes = live_bytes(&self.storages);
        let number = self.program.next_number();
        let (tasks, checks, asked) = (self.tasks, self.checks, self.asked);
        Ok(Segment { end, stop, asked, tasks, arena_bytes, slot_bytes, checks, number, live_bytes, live })
    }

    /// Whether a storage on the device is a buffer that the run's caller lends.
    fn is_lent(&self, stay: usize) -> bool {
        self.stays[stay].fixed.is_some_and(|slot| self.carry.is_lent(slot))
    }

    /// What is of use later, and where it is: on both sides, where it lies on both.
    fn live(&self, end: usize, offsets: &[usize], slots: &[usize]) -> Vec<Live> {
        let mut live = Vec::new();
        for (i, fact) in self.facts.iter().enumerate() {
            let id = ValueId(i as u32);
            let Some(fact) = fact else { continue };
            if self.program.graph().values[i].constant.is_some() {
                continue;
            }
            let of_use = self.program.last_use(id) >= end;
            let on_host = match self.places[i].as_ref().filter(|_| of_use) {
                None | Some(Place::Packed) => None,
                Some(Place::Known(tensor)) => Some(Home::Known(tensor.clone())),
                Some(Place::Owned(owner)) => Some(Home::Owned(*owner)),
                Some(Place::Storage(storage)) => {
                    let bytes = self.storages[*storage].bytes;
                    Some(Home::Arena(Slot { offset: offsets[*storage], bytes }))
                }
            };
            let on_device = match &self.on_device[i] {
                // What is lent lies there until the run ends, and nothing else may.
                Some(OnDevice::Storage(stay)) if of_use || self.is_lent(*stay) => {
                    let slot = DeviceSlot { slot: slots[*stay], bytes: self.stays[*stay].bytes };
                    Some(Home::Device(slot))
                }
                // Of no more use, or known on the host as well.
                _ => None,
            };
            live.extend(on_host.into_iter().chain(on_device).map(|home| (id, fact.clone(), home)));
        }
        live
    }
}

/// Puts offsets and buffers in the place of storages.
fn place(work: &mut Work, offsets: &[usize], slots: &[usize]) {
    let slot = |slot: &mut Slot| slot.offset = offsets[slot.offset];
    let input = |input: &mut StepIn| {
        if let StepIn::Tensor(_, _, _, Home::Arena(at)) = input {
            slot(at);
        }
    };
    let output = |output: &mut Destination| {
        if let Destination::Arena(_, _, _, at) = output {
            slot(at);
        }
    };
    let target = |target: &mut Target| {
        if let Target::Slot(at) = target {
            *at = slots[*at];
        }
    };
    match work {
        Work::Step(step) => {
            step.inputs.iter_mut().for_each(input);
            step.outputs.iter_mut().for_each(output);
            step.scratch.iter_mut().for_each(slot);
        }
        Work::Stretch(steps) => {
            for step in steps {
                step.inputs.iter_mut().chain(&mut step.outputs).for_each(|v| target(&mut v.target));
                step.launches.iter_mut().flat_map(|l| &mut l.buffers).for_each(target);
            }
        }
        Work::Flow(step) => {
            step.inputs.iter_mut().for_each(input);
            step.on_device.iter_mut().flatten().for_each(|value| target(&mut value.target));
        }
        Work::Upload(copies) => {
            for copy in copies {
                input(&mut copy.from);
                copy.to.slot = slots[copy.to.slot];
            }
        }
        Work::Download(copies) => {
            for copy in copies {
                copy.from.slot = slots[copy.from.slot];
                output(&mut copy.to);
            }
        }
    }
}
