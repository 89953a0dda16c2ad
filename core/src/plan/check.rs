//! Proves a segment right by replaying it.
//!
//! The checker knows nothing of intervals. It remembers which value's elements lie in which bytes, and in which
//! buffers of the device, and holds every read against that: a layout that let one value overwrite another that
//! was still needed is found at the read, whatever the planner believed.

use super::{
    Carry, Destination, DeviceStep, FlowStep, Home, Live, Program, Segment, Slot, Step, StepIn, Work,
};
use crate::Result;
use crate::device::Target;
use crate::graph::{Node, ValueId};
use std::collections::{HashMap, HashSet};

/// An error that names the first step that would read anything but what the graph means.
pub fn check(program: &Program, start: usize, live: &[Live], segment: &Segment, carry: &Carry) -> Result<()> {
    let (roots, lent) = (roots(program, start, segment), carry.lent);
    let mut memory = Contents { roots, lent, ..Contents::default() };
    memory.end = segment.arena_bytes;
    for (id, _, home) in live {
        match home {
            Home::Arena(slot) => memory.arena.push((*slot, *id)),
            Home::Device(at) => memory.device.entry(at.slot).or_default().push(*id),
            Home::Owned(_) | Home::Known(_) => {}
        }
    }
    for task in &segment.tasks {
        match &task.work {
            Work::Step(step) => {
                let node = &program.graph().nodes[step.node];
                memory.step(step, node).map_err(|e| e.at_node(&node.name, &node.op_name))?;
            }
            Work::Stretch(steps) => {
                for step in steps {
                    let node = &program.graph().nodes[step.node];
                    memory.device_step(step, node).map_err(|e| e.at_node(&node.name, &node.op_name))?;
                }
            }
            Work::Flow(step) => {
                let node = &program.graph().nodes[step.node];
                memory.flow(step, node).map_err(|e| e.at_node(&node.name, &node.op_name))?;
            }
            Work::Upload(copies) => {
                for copy in copies {
                    let StepIn::Tensor(id, _, _, home) = &copy.from else {
                        bail!(Internal, "only a tensor can be copied to the device");
                    };
                    if let Home::Arena(slot) = home {
                        memory.read(*id, *slot)?;
                    }
                    memory.write_device(copy.to.slot, Some(*id))?;
                }
            }
            Work::Download(copies) => {
                for copy in copies {
                    let (Destination::Arena(id, ..) | Destination::Owned(id, ..)) = &copy.to else {
                        bail!(Internal, "a copy from the device goes nowhere");
                    };
                    memory.read_device(*id, copy.from.slot)?;
                    if let Destination::Arena(id, _, _, slot) = &copy.to {
                        memory.write(&[(Some(*id), *slot)], &[])?;
                    }
                }
            }
        }
    }
    for (id, _, home) in &segment.live {
        match home {
            Home::Arena(slot) => memory.read(*id, *slot)?,
            Home::Device(at) => memory.read_device(*id, at.slot)?,
            Home::Owned(_) | Home::Known(_) => {}
        }
    }
    Ok(())
}

/// The value whose elements each alias names: those of nodes that no task runs.
fn roots(program: &Program, start: usize, segment: &Segment) -> HashMap<ValueId, ValueId> {
    let ran: HashSet<usize> =
        segment.steps().map(|step| step.node).chain(segment.device_steps().map(|step| step.node)).collect();
    let is_flow = |at: usize| program.flow(at).is_some();
    let mut roots = HashMap::new();
    for at in (start..segment.end).filter(|at| !ran.contains(at) && !is_flow(*at)) {
        let node = &program.graph().nodes[at];
        if let (Some(Some(from)), [Some(to)]) = (node.inputs.first(), &node.outputs[..]) {
            let root = roots.get(from).copied().unwrap_or(*from);
            roots.insert(*to, root);
        }
    }
    roots
}

#[derive(Default)]
struct Contents {
    /// Which value's elements begin where.
    arena: Vec<(Slot, ValueId)>,
    /// Which value lies in which buffer, under all the names that it had when the segment began.
    device: HashMap<usize, Vec<ValueId>>,
    /// Of an alias: the value whose elements it names.
    roots: HashMap<ValueId, ValueId>,
    end: usize,
    /// How many buffers are lent.
    lent: usize,
}

impl Contents {
    fn root(&self, id: ValueId) -> ValueId {
        self.roots.get(&id).copied().unwrap_or(id)
    }

    fn step(&mut self, step: &Step, node: &Node) -> Result<()> {
        for (input, meant) in step.inputs.iter().zip(&node.inputs) {
            match input {
                StepIn::Tensor(id, _, _, Home::Arena(slot)) => {
                    ensure!(Some(*id) == *meant, Internal, "reads value {} in place of {meant:?}", id.0);
                    self.read(*id, *slot)?;
                }
                StepIn::Placed(id, j) => {
                    let Some(Destination::Arena(_, _, _, slot)) = step.outputs.get(*j) else {
                        bail!(Internal, "input {} lies in an output without a slot", id.0);
                    };
                    self.read(*id, *slot)?;
                }
                _ => {}
            }
        }
        let outputs = step.outputs.iter().filter_map(|o| match o {
            Destination::Arena(id, _, _, slot) => Some((Some(*id), *slot)),
            _ => None,
        });
        let written: Vec<_> = outputs.chain(step.scratch.iter().map(|slot| (None, *slot))).collect();
        // Inputs must survive the step, but for those that an output takes over.
        let read: Vec<Slot> = step
            .inputs
            .iter()
            .filter_map(|i| match i {
                StepIn::Tensor(_, _, _, Home::Arena(slot)) => Some(*slot),
                _ => None,
            })
            .collect();
        self.write(&written, &read)
    }

    /// What it gives has memory of its own, on either side.
    fn flow(&self, step: &FlowStep, node: &Node) -> Result<()> {
        for (input, meant) in step.inputs.iter().zip(&node.inputs) {
            if let StepIn::Tensor(id, _, _, Home::Arena(slot)) = input {
                ensure!(Some(*id) == *meant, Internal, "reads value {} in place of {meant:?}", id.0);
                self.read(*id, *slot)?;
            }
        }
        for (input, meant) in step.on_device.iter().zip(&node.inputs) {
            let Some(input) = input else { continue };
            ensure!(Some(input.id) == *meant, Internal, "reads value {} in place of {meant:?}", input.id.0);
            if let Target::Slot(slot) = input.target {
                self.read_device(input.id, slot)?;
            }
        }
        Ok(())
    }

    fn device_step(&mut self, step: &DeviceStep, node: &Node) -> Result<()> {
        let mut read = Vec::new();
        for input in &step.inputs {
            ensure!(node.inputs.contains(&Some(input.id)), Internal, "reads value {}", input.id.0);
            if let Target::Slot(slot) = input.target {
                self.read_device(input.id, slot)?;
                read.push(slot);
            }
        }
        let mut written = Vec::new();
        for output in &step.outputs {
            let Target::Slot(slot) = output.target else { bail!(Internal, "writes what is held") };
            let clash = read.contains(&slot) || written.contains(&slot);
            ensure!(!clash, Internal, "buffer {slot} is written while it is in use");
            self.write_device(slot, Some(output.id))?;
            written.push(slot);
        }
        for target in step.launches.iter().flat_map(|launch| &launch.buffers) {
            if let Target::Slot(slot) = target
                && !read.contains(slot)
                && !written.contains(slot)
            {
                // An intermediate result: what was there is gone.
                self.write_device(*slot, None)?;
            }
        }
        Ok(())
    }

    fn read(&self, id: ValueId, slot: Slot) -> Result<()> {
        let root = self.root(id);
        let found = slot.bytes == 0
            || self
                .arena
                .iter()
                .any(|(s, v)| s.offset == slot.offset && (*v == root || self.root(*v) == root));
        ensure!(found, Internal, "value {} is read at byte {} and does not lie there", id.0, slot.offset);
        Ok(())
    }

    fn read_device(&self, id: ValueId, slot: usize) -> Result<()> {
        let is = |there: &ValueId| self.root(*there) == self.root(id);
        let found = self.device.get(&slot).is_some_and(|there| there.iter().any(is));
        ensure!(found, Internal, "value {} is read in buffer {slot} and does not lie there", id.0);
        Ok(())
    }

    fn write_device(&mut self, slot: usize, id: Option<ValueId>) -> Result<()> {
        ensure!(slot >= self.lent, Internal, "buffer {slot} is lent, and written");
        self.device.insert(slot, id.into_iter().collect());
        Ok(())
    }

    fn write(&mut self, writes: &[(Option<ValueId>, Slot)], read: &[Slot]) -> Result<()> {
        let mut written: Vec<Slot> = Vec::new();
        for &(id, slot) in writes {
            ensure!(slot.offset + slot.bytes <= self.end, Internal, "byte {} is past the arena", slot.offset);
            let clash = written.iter().chain(read).any(|other| meet(*other, slot));
            ensure!(!clash, Internal, "bytes from {} on are written while they are in use", slot.offset);
            self.arena.retain(|(other, _)| !meet(*other, slot));
            if let Some(id) = id {
                self.arena.push((slot, id));
            }
            written.push(slot);
        }
        Ok(())
    }
}

fn meet(a: Slot, b: Slot) -> bool {
    a.bytes > 0 && b.bytes > 0 && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
}
