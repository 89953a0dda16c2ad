//! Binding a node that runs graphs beside the device.
//!
//! What a reader would get wrong: an input that is on neither side wanted is not copied; the graphs take it from where
//! it lies, and copy it themselves if they come to it.

use super::{Binder, OnDevice, Place};
use crate::cpu::Flow;
use crate::device::Target;
use crate::graph::{Node, ValueId};
use crate::plan::segment::{Destination, DeviceValue, FlowStep, StepIn, Work};
use crate::{DType, Result};

impl Binder<'_> {
    pub(super) fn flow_step(&mut self, at: usize, node: &Node, flow: &dyn Flow) -> Result<()> {
        let given = |i: usize| node.inputs.get(i).copied().flatten();
        let wanted = (0..node.inputs.len()).filter(|i| flow.needs(*i).host).filter_map(given);
        self.copy_down(at, wanted)?;
        for i in (0..node.inputs.len()).filter(|i| flow.needs(*i).device) {
            if let Some(id) = given(i).filter(|id| self.is_plain(*id)) {
                self.copy_up(at, id)?;
            }
        }
        let mut inputs = Vec::with_capacity(node.inputs.len());
        let mut on_device = Vec::with_capacity(node.inputs.len());
        for id in &node.inputs {
            let there = id.map(|id| self.on_device_now(id)).transpose()?.flatten();
            let here = id.filter(|id| self.places[id.at()].is_some() || there.is_none());
            inputs.push(if here.is_some() { self.input(here)? } else { StepIn::Absent });
            on_device.push(there);
        }
        let mut outputs = Vec::with_capacity(node.outputs.len());
        for id in &node.outputs {
            let Some(id) = id else {
                outputs.push(Destination::Unwanted);
                continue;
            };
            let fact = self.facts[id.at()].as_ref();
            let kind = fact.ok_or_else(|| err!(Internal, "an output without a fact"))?.kind.clone();
            outputs.push(Destination::Made(*id, kind, None));
            self.owned.insert(*id, self.program.last_use(*id));
            self.places[id.at()] = Some(Place::Owned(*id));
        }
        self.push(at, Work::Flow(FlowStep { node: at, inputs, on_device, outputs }));
        Ok(())
    }

    /// Whether it is a tensor that could lie on a device.
    fn is_plain(&self, id: ValueId) -> bool {
        let dtype = self.facts[id.at()].as_ref().and_then(|fact| fact.dtype());
        dtype.is_some_and(|dtype| dtype != DType::Str)
    }

    /// Where a value lies on the device, if it does; a constant of the device's own kernels does not count.
    fn on_device_now(&self, id: ValueId) -> Result<Option<DeviceValue>> {
        let held = || self.program.placement().and_then(|placement| placement.resident(id));
        let target = match &self.on_device[id.at()] {
            Some(OnDevice::Storage(stay)) => Target::Slot(*stay),
            Some(OnDevice::Held(memory)) => Target::Held(memory.clone()),
            None => match held() {
                Some(memory) => Target::Held(memory.clone()),
                None => return Ok(None),
            },
        };
        self.device_value(id, target).map(Some)
    }
}
