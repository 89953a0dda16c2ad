//! Values that stay on the device between runs.

use super::Run;
use crate::device::DeviceTensor;
use crate::graph::ValueId;
use crate::plan::Home;
use crate::{Kind, Result, Value};
use std::collections::HashMap;

/// A value, on the host or on the device.
#[derive(Clone, Debug)]
pub enum Placed {
    /// On the host.
    Host(Value),
    /// On the device that the program was compiled for.
    Device(DeviceTensor),
}

impl Placed {
    /// Whether it lies on the host.
    pub fn is_on_host(&self) -> bool {
        matches!(self, Placed::Host(_))
    }

    /// What kind of value it is.
    pub fn kind(&self) -> Kind {
        match self {
            Placed::Host(value) => value.kind(),
            Placed::Device(tensor) => Kind::Tensor(tensor.dtype),
        }
    }

    /// Its shape, if it is a tensor.
    pub fn shape(&self) -> Option<&[usize]> {
        match self {
            Placed::Host(Value::Tensor(tensor)) => Some(tensor.shape()),
            Placed::Host(_) => None,
            Placed::Device(tensor) => Some(&tensor.shape),
        }
    }

    /// A value that lies on the host.
    pub fn value(self) -> Result<Value> {
        match self {
            Placed::Host(value) => Ok(value),
            Placed::Device(_) => Err(err!(Internal, "a value that nobody keeps is on the device")),
        }
    }
}

impl Run<'_> {
    /// The outputs that stay on the device, with their buffers.
    pub(super) fn kept(&mut self) -> Result<HashMap<ValueId, DeviceTensor>> {
        let (mut facts, mut slots) = (Vec::new(), Vec::new());
        for (id, fact, home) in &self.live {
            if let (Home::Device(at), true) = (home, self.carry.kept.contains(id)) {
                facts.push((*id, fact));
                slots.push(at.slot);
            }
        }
        let Some(placement) = self.program.placement() else { return Ok(HashMap::new()) };
        let (device, memories) = (placement.device(), self.on_device.give(&slots)?);
        let tensor = |((id, fact), memory): (&(ValueId, &crate::graph::Fact), _)| {
            let known = || err!(Internal, "an output on the device is no tensor with sizes");
            let dtype = fact.dtype().ok_or_else(known)?;
            let (device, shape) = (device.clone(), fact.shape().ok_or_else(known)?);
            Ok((*id, DeviceTensor { device, dtype, shape, memory }))
        };
        facts.iter().zip(memories).map(tensor).collect()
    }
}
