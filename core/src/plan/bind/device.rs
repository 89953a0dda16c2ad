//! Binding where a device comes in: its nodes, and copies between the host and it.
//!
//! What the host has when the segment begins goes to the device before everything else, so that no copy lies
//! between two of its nodes. What it has known since binding goes there once, not with every run.

use super::common::Made;
use super::{Binder, OnDevice, Place};
use crate::Result;
use crate::device::{Already, Binding, DeviceKernel, Launch, Memory, Operand, Target, device_bytes};
use crate::graph::{Fact, Node, ValueId};
use crate::plan::segment::{
    Destination, DeviceSlot, DeviceStep, DeviceValue, Download, Slot, Task, Upload, Work,
};
use crate::plan::slots::Stay;
use crate::tensor::byte_count;

impl Binder<'_> {
    /// A node that runs on the device.
    pub(super) fn device_step(&mut self, at: usize, node: &Node, kernel: &dyn DeviceKernel) -> Result<()> {
        let unused = |i: usize| kernel.packed().contains(&i) || kernel.on_host().contains(&i);
        let mut inputs: Vec<Option<DeviceValue>> = Vec::with_capacity(node.inputs.len());
        for (i, id) in node.inputs.iter().enumerate() {
            inputs.push(match id {
                Some(id) if !unused(i) => {
                    let target = self.copy_up(at, *id)?;
                    Some(self.device_value(*id, target)?)
                }
                _ => None,
            });
        }
        let mut outputs: Vec<Option<DeviceValue>> = Vec::with_capacity(node.outputs.len());
        for id in &node.outputs {
            outputs.push(match id {
                Some(id) => {
                    let stay = self.stay(at, *id)?;
                    self.on_device[id.at()] = Some(OnDevice::Storage(stay));
                    Some(self.device_value(*id, Target::Slot(stay))?)
                }
                None => None,
            });
        }
        let bound = {
            let fact = |id: &Option<ValueId>| id.and_then(|id| self.facts[id.at()].as_ref());
            let facts: Vec<Option<&Fact>> = node.inputs.iter().map(fact).collect();
            let results: Vec<Option<&Fact>> = node.outputs.iter().map(fact).collect();
            kernel.bind(&Binding { inputs: &facts, outputs: &results, word: self.checks.len() })?
        };
        let scratch: Vec<usize> = bound
            .scratch
            .iter()
            .map(|&bytes| {
                self.stays.push(Stay {
                    first: at,
                    last: at,
                    bytes: bytes.max(device_bytes(0)),
                    fixed: None,
                    alone: false,
                });
                self.stays.len() - 1
            })
            .collect();
        let target = |operand: Operand| -> Result<Target> {
            let absent = || err!(Internal, "a kernel uses {operand:?}, which is not there");
            let of = |values: &[Option<DeviceValue>], i: usize| Some(values.get(i)?.as_ref()?.target.clone());
            match &operand {
                Operand::Input(i) => of(&inputs, *i).ok_or_else(absent),
                Operand::Output(i) => of(&outputs, *i).ok_or_else(absent),
                Operand::Scratch(i) => scratch.get(*i).map(|stay| Target::Slot(*stay)).ok_or_else(absent),
                Operand::Held(memory) => Ok(Target::Held(memory.clone())),
                Operand::Status => Ok(Target::Status),
            }
        };
        self.checks.extend(bound.checks.iter().map(|check| (at, *check)));
        let launch = |launch: Launch<Operand>| -> Result<Launch<Target>> {
            let Launch { pipeline, buffers, parameters, groups } = launch;
            let buffers = buffers.into_iter().map(target).collect::<Result<_>>()?;
            Ok(Launch { pipeline, buffers, parameters, groups })
        };
        let mut launches = bound.launches.into_iter().map(launch).collect::<Result<_>>()?;
        self.leave_out_common(at, &mut launches, &bound.common, &scratch);
        for Already { launch: done, makes } in bound.already {
            let makes = makes.iter().filter_map(|i| scratch.get(*i).copied()).collect();
            self.common.push(Made::already(launch(done)?, makes));
        }
        let (inputs, outputs) =
            (inputs.into_iter().flatten().collect(), outputs.into_iter().flatten().collect());
        let step = DeviceStep { node: at, inputs, outputs, launches };
        match self.tasks.last_mut() {
            Some(Task { node, work: Work::Stretch(steps), .. }) => {
                *node = at;
                steps.push(step);
            }
            _ => self.push(at, Work::Stretch(vec![step])),
        }
        Ok(())
    }

    /// Where a value lies on the device; it is copied there if it does not yet.
    pub(super) fn copy_up(&mut self, at: usize, id: ValueId) -> Result<Target> {
        if let Some(place) = &self.on_device[id.at()] {
            return Ok(match place {
                OnDevice::Storage(stay) => Target::Slot(*stay),
                OnDevice::Held(memory) => Target::Held(memory.clone()),
            });
        }
        if let Some(memory) = self.program.placement().and_then(|placement| placement.resident(id)) {
            return Ok(Target::Held(memory.clone()));
        }
        if let Some(Place::Known(tensor)) = &self.places[id.at()] {
            let memory = self.hold(id, tensor.view().bytes())?;
            self.on_device[id.at()] = Some(OnDevice::Held(memory.clone()));
            return Ok(Target::Held(memory));
        }
        let from = self.input(Some(id))?;
        // What callers gave, and what earlier segments left.
        let early = match self.places[id.at()] {
            Some(Place::Owned(owner)) => !self.tasks.iter().any(|task| makes(task, owner)),
            _ => false,
        };
        let stay = self.stay(if early { self.start } else { at }, id)?;
        self.on_device[id.at()] = Some(OnDevice::Storage(stay));
        let upload = Upload { from, to: self.whole(stay) };
        match self.tasks.first_mut() {
            Some(Task { node, work: Work::Upload(copies), .. }) if early && *node == self.start => {
                copies.push(upload);
            }
            _ if early => {
                let work = Work::Upload(vec![upload]);
                self.tasks.insert(0, Task { node: self.start, work, drops: Vec::new() });
            }
            _ => self.push(at, Work::Upload(vec![upload])),
        }
        Ok(Target::Slot(stay))
    }

    /// Copies those inputs of a node to the host that lie on the device only.
    pub(super) fn copy_down(&mut self, at: usize, inputs: impl Iterator<Item = ValueId>) -> Result<()> {
        let mut copies = Vec::new();
        for id in inputs {
            let (Some(OnDevice::Storage(stay)), None) = (&self.on_device[id.at()], &self.places[id.at()])
            else {
                continue;
            };
            let from = self.whole(*stay);
            let (dtype, shape) = self.dtype_and_shape(id)?;
            let bytes = byte_count(dtype, &shape)?;
            let storage = self.storage(at, bytes)?;
            // An output of the graph is copied once more when the graph ends, into memory of its own.
            let last = self.program.last_use(id);
            self.storages[storage].last =
                if last == usize::MAX { self.program.graph().nodes.len() } else { last };
            self.places[id.at()] = Some(Place::Storage(storage));
            let to = Destination::Arena(id, dtype, shape, Slot { offset: storage, bytes });
            copies.push(Download { from, to });
        }
        if !copies.is_empty() {
            self.push(at, Work::Download(copies));
        }
        Ok(())
    }

    /// Copies the graph's outputs to the host that do not have memory of their own there.
    pub(super) fn copy_outputs_down(&mut self, end: usize) -> Result<()> {
        let mut copies = Vec::new();
        for id in &self.program.graph().outputs {
            let own = matches!(self.places[id.at()], Some(Place::Owned(_) | Place::Known(_)));
            let stays = own || self.carry.kept.contains(id);
            let (Some(OnDevice::Storage(stay)), false) = (&self.on_device[id.at()], stays) else { continue };
            let from = self.whole(*stay);
            let (dtype, shape) = self.dtype_and_shape(*id)?;
            self.places[id.at()] = Some(Place::Owned(*id));
            copies.push(Download { from, to: Destination::Owned(*id, dtype, shape) });
        }
        if !copies.is_empty() {
            self.push(end, Work::Download(copies));
        }
        Ok(())
    }

    /// All of a storage on the device.
    fn whole(&self, stay: usize) -> DeviceSlot {
        DeviceSlot { slot: stay, bytes: self.stays[stay].bytes }
    }

    /// Lets what lies there last until a node.
    pub(super) fn keep_on_device(&mut self, place: &OnDevice, last: usize) {
        if let OnDevice::Storage(stay) = place {
            self.stays[*stay].last = self.stays[*stay].last.max(last);
        }
    }

    /// A new storage on the device for a value, from a node on until its last use.
    fn stay(&mut self, first: usize, id: ValueId) -> Result<usize> {
        let (dtype, shape) = self.dtype_and_shape(id)?;
        let bytes = device_bytes(byte_count(dtype, &shape)?);
        let last = self.program.last_use(id);
        self.stays.push(Stay { first, last: last.max(first), bytes, fixed: None, alone: false });
        Ok(self.stays.len() - 1)
    }

    /// Memory on the device that the segment keeps.
    fn hold(&self, id: ValueId, bytes: &[u8]) -> Result<Memory> {
        let placement = self.program.placement();
        let device = placement.ok_or_else(|| err!(Internal, "there is no device"))?.device();
        let what = format!("tensor '{}'", self.program.graph().values[id.at()].name);
        let memory = device.allocate(device_bytes(bytes.len()), &what)?;
        device.write(&memory, bytes)?;
        Ok(memory)
    }

    pub(super) fn device_value(&self, id: ValueId, target: Target) -> Result<DeviceValue> {
        let (dtype, shape) = self.dtype_and_shape(id)?;
        Ok(DeviceValue { id, dtype, shape, target })
    }

    fn dtype_and_shape(&self, id: ValueId) -> Result<(crate::DType, crate::Shape)> {
        let dtype = self.facts[id.at()].as_ref().and_then(Fact::dtype);
        let dtype = dtype.ok_or_else(|| err!(Internal, "only tensors go to a device"))?;
        Ok((dtype, self.shape(id)?))
    }
}

/// Whether a task makes that owned value.
fn makes(task: &Task, owner: ValueId) -> bool {
    let is = |output: &Destination| match output {
        Destination::Owned(id, ..) | Destination::Made(id, ..) => *id == owner,
        _ => false,
    };
    match &task.work {
        Work::Step(step) => step.outputs.iter().any(is),
        Work::Download(copies) => copies.iter().any(|copy| is(&copy.to)),
        _ => false,
    }
}
