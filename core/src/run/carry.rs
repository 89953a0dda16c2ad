//! Values that stay on the device between runs.

use super::{Cost, Run};
use crate::cpu::RunContext;
use crate::device::DeviceTensor;
use crate::graph::ValueId;
use crate::plan::Home;
use crate::tensor::byte_count;
use crate::{Buffer, DType, Kind, Result, Tensor, Value};
use std::collections::HashMap;

/// A value, on the host or on the device.
#[derive(Clone, Debug)]
pub enum Placed {
    /// On the host.
    Host(Value),
    /// On the device that the program was compiled for.
    Device(DeviceTensor),
    /// On both sides.
    Both(Value, DeviceTensor),
}

impl Placed {
    /// Whether it lies on the host.
    pub fn is_on_host(&self) -> bool {
        matches!(self, Placed::Host(_))
    }

    /// What kind of value it is.
    pub fn kind(&self) -> Kind {
        match self {
            Placed::Host(value) | Placed::Both(value, _) => value.kind(),
            Placed::Device(tensor) => Kind::Tensor(tensor.dtype),
        }
    }

    /// Its shape, if it is a tensor.
    pub fn shape(&self) -> Option<&[usize]> {
        match self {
            Placed::Host(Value::Tensor(tensor)) => Some(tensor.shape()),
            Placed::Host(_) => None,
            Placed::Device(tensor) | Placed::Both(_, tensor) => Some(&tensor.shape),
        }
    }

    /// The type of its elements, if it is a tensor.
    pub fn dtype(&self) -> Option<DType> {
        self.kind().dtype()
    }

    /// What of it lies on the host, and what on the device.
    pub fn split(self) -> (Option<Value>, Option<DeviceTensor>) {
        match self {
            Placed::Host(value) => (Some(value), None),
            Placed::Device(tensor) => (None, Some(tensor)),
            Placed::Both(value, tensor) => (Some(value), Some(tensor)),
        }
    }

    /// A value that lies on the host.
    pub fn value(self) -> Result<Value> {
        match self {
            Placed::Host(value) | Placed::Both(value, _) => Ok(value),
            Placed::Device(_) => Err(err!(Internal, "a value that nobody keeps is on the device")),
        }
    }
}

/// Tensors on the host. Those that lie on a device only come in one go.
pub async fn fetch_all(placed: Vec<Placed>, cx: &RunContext<'_>, cost: &mut Cost) -> Result<Vec<Tensor>> {
    let far = placed.iter().filter_map(|placed| match placed {
        Placed::Device(tensor) => Some(tensor),
        _ => None,
    });
    let far: Vec<DeviceTensor> = far.cloned().collect();
    let mut came = Vec::new();
    if let Some(first) = far.first() {
        let size =
            |tensor: &DeviceTensor| Ok((tensor.memory.clone(), byte_count(tensor.dtype, &tensor.shape)?));
        let wanted = far.iter().map(size).collect::<Result<Vec<_>>>()?;
        came = first.device.read(&wanted, &|| cx.check()).await?;
        cost.downloads += far.len();
    }
    let mut came = came.into_iter();
    let tensor = |placed| match placed {
        Placed::Host(value) | Placed::Both(value, _) => value.tensor().cloned(),
        Placed::Device(tensor) => {
            let bytes = came.next().ok_or_else(|| err!(Internal, "nothing came from the device"))?;
            Tensor::from_buffer(tensor.dtype, &tensor.shape, Buffer::copy_of(&bytes)?)
        }
    };
    placed.into_iter().map(tensor).collect()
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
