//! A node that runs graphs: what is given to it where it lies, and what comes of it where it was made.

use super::{Placed, Run, profile::Timer};
use crate::cpu::Given;
use crate::device::{DeviceTensor, Memory, Target, device_bytes};
use crate::graph::Fact;
use crate::plan::{Destination, DeviceSlot, DeviceValue, FlowStep, Home, Segment, StepIn};
use crate::tensor::byte_count;
use crate::{Kind, Result, Value, View};

/// The inputs of a node, as a run has them.
struct Inputs<'a, 'r> {
    run: &'a Run<'r>,
    step: &'a FlowStep,
}

impl Given for Inputs<'_, '_> {
    fn get(&self, i: usize) -> Result<Option<Placed>> {
        let on_host = self.step.inputs.get(i).map(|input| self.run.on_host(input)).transpose()?.flatten();
        let on_device = self.step.on_device.get(i).and_then(Option::as_ref);
        let on_device = on_device.map(|value| self.run.on_device(value)).transpose()?;
        Ok(match (on_host, on_device) {
            (Some(value), Some(tensor)) => Some(Placed::Both(value, tensor)),
            (Some(value), None) => Some(Placed::Host(value)),
            (None, Some(tensor)) => Some(Placed::Device(tensor)),
            (None, None) => None,
        })
    }

    fn output_kind(&self, i: usize) -> Option<Kind> {
        match self.step.outputs.get(i)? {
            Destination::Made(_, kind, _) => Some(kind.clone()),
            _ => None,
        }
    }
}

impl Run<'_> {
    pub(super) async fn flow(&mut self, step: &FlowStep) -> Result<()> {
        let node = &self.program.graph().nodes[step.node];
        let named = |e: crate::Error| e.at_node(&node.name, &node.op_name);
        let flow = self.program.flow(step.node);
        let flow = flow.ok_or_else(|| err!(Internal, "'{}' runs no graphs", node.name))?;
        let timer = Timer::start(self.cx.profile);
        let inputs = Inputs { run: self, step };
        let (outputs, cost) = flow.run_graphs(&inputs, self.cx).await.map_err(named)?;
        self.cost.add(&cost);
        timer.stop_flow(node, step);
        for (output, placed) in step.outputs.iter().zip(outputs) {
            let Destination::Made(id, kind, _) = output else { continue };
            let made = placed.kind();
            ensure!(made == *kind, Internal, "expected {kind}, the graphs of '{}' made {made}", node.name);
            let (on_host, on_device) = placed.split();
            let on_host = match on_device {
                // What is held outlives the run, which may write what it adopts.
                Some(tensor) if self.holds(step, &tensor.memory) => match on_host {
                    None => self.held_on_host(step, &tensor)?,
                    there => there,
                },
                Some(tensor) => {
                    self.given.push((*id, tensor));
                    on_host
                }
                None => on_host,
            };
            if let Some(value) = on_host {
                self.keep(*id, value)?;
            }
        }
        Ok(())
    }

    /// Gives what lies on the device a buffer of the run: the one that it lies in already, or a new one.
    pub(super) fn adopt(&mut self, segment: &Segment) -> Result<()> {
        let lying = self.live.iter().filter_map(|(_, _, home)| match home {
            Home::Device(at) => Some(at.slot + 1),
            _ => None,
        });
        let mut next = lying.chain([segment.slot_bytes.len(), self.carry.lent]).max().unwrap_or(0);
        for (id, tensor) in std::mem::take(&mut self.given) {
            let Some(i) = self.live.iter().position(|(live, _, _)| *live == id) else { continue };
            let slot = match self.on_device.find(&tensor.memory) {
                Some(slot) => slot,
                None => {
                    self.on_device.put(next, tensor.memory)?;
                    next += 1;
                    next - 1
                }
            };
            let bytes = device_bytes(byte_count(tensor.dtype, &tensor.shape)?);
            let fact = Fact::sized(tensor.dtype, &tensor.shape);
            let entry = (id, fact, Home::Device(DeviceSlot { slot, bytes }));
            match self.owned[id.at()] {
                Some(_) => self.live.push(entry),
                None => self.live[i] = entry,
            }
        }
        Ok(())
    }

    /// An input on the host, if it lies there.
    fn on_host(&self, input: &StepIn) -> Result<Option<Value>> {
        Ok(match input {
            StepIn::Absent | StepIn::Placed(..) | StepIn::Tensor(_, _, _, Home::Device(_)) => None,
            StepIn::Tensor(_, dtype, shape, Home::Arena(slot)) => {
                let bytes = self.arena.as_ref().get(slot.offset..slot.offset + slot.bytes);
                let bytes = bytes.ok_or_else(|| err!(Internal, "a slot is past the arena"))?;
                Some(View::over(*dtype, shape, bytes).to_tensor()?.into())
            }
            StepIn::Tensor(_, _, shape, Home::Known(tensor)) => Some(tensor.clone().reshaped(shape)?.into()),
            StepIn::Tensor(_, _, shape, Home::Owned(owner)) => {
                Some(self.tensor(*owner)?.clone().reshaped(shape)?.into())
            }
            StepIn::Compound(owner) => {
                let value = self.owned[owner.at()].clone();
                Some(value.ok_or_else(|| err!(Internal, "value {} is gone", owner.0))?)
            }
        })
    }

    fn on_device(&self, value: &DeviceValue) -> Result<DeviceTensor> {
        let memory = match &value.target {
            Target::Slot(slot) => self.on_device.slot(*slot)?.clone(),
            Target::Held(memory) => memory.clone(),
            Target::Status => bail!(Internal, "a status is no tensor"),
        };
        let device = self.placement()?.device().clone();
        Ok(DeviceTensor { device, dtype: value.dtype, shape: value.shape.clone(), memory })
    }

    /// Whether memory is one that the program holds, as an input of the node.
    fn holds(&self, step: &FlowStep, memory: &Memory) -> bool {
        held(step).any(|(_, held)| held.is(memory))
    }

    /// What a graph gave back of what the program holds, from the host, which has it too.
    fn held_on_host(&self, step: &FlowStep, tensor: &DeviceTensor) -> Result<Option<Value>> {
        let Some((i, _)) = held(step).find(|(_, held)| held.is(&tensor.memory)) else { return Ok(None) };
        let on_host = step.inputs.get(i).map(|input| self.on_host(input)).transpose()?.flatten();
        let on_host = on_host.ok_or_else(|| err!(Internal, "a constant is on the device only"))?;
        Ok(Some(on_host.tensor()?.clone().reshaped(&tensor.shape)?.into()))
    }
}

/// The inputs that lie in memory of the program, and where.
fn held(step: &FlowStep) -> impl Iterator<Item = (usize, &Memory)> {
    step.on_device.iter().enumerate().filter_map(|(i, value)| match &value.as_ref()?.target {
        Target::Held(memory) => Some((i, memory)),
        _ => None,
    })
}
