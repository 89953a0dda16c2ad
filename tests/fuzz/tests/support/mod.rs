//! What tests of weights share: models with large ones, and a device that takes them.

#[path = "../../../../core/tests/support/mod.rs"]
pub mod message;

use edgewise_core::device::{
    Binding, Bound, Device, DeviceKernel, Launch, Lowered, Memory, PipelineId, Recording, Target,
};
use edgewise_core::{BoxFuture, Error, ErrorKind, Result};
use message::{F32, Message, node, tensor};
use std::ops::Range;
use std::sync::Arc;

/// A device that takes every node and forgets what it is given: nothing runs there. Before it looks at a node it calls
/// what it was made with.
pub struct Forgets<F>(pub F);

struct Kernel;

impl<F: Fn() + Send + Sync + 'static> Device for Forgets<F> {
    fn name(&self) -> &str {
        "forgets"
    }

    fn lower(&self, _: &Lowered<'_>) -> Result<Option<Box<dyn DeviceKernel>>> {
        self.0();
        Ok(Some(Box::new(Kernel)))
    }

    fn prepare<'a>(&'a self, _: &'a [PipelineId]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn allocate(&self, bytes: u64, _: &str) -> Result<Memory> {
        Ok(Memory::new(bytes, Arc::new(())))
    }

    fn write(&self, _: &Memory, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn join(&self, _: &[(Memory, Range<u64>)], _: &Memory) -> Result<()> {
        Err(nothing())
    }

    fn record(&self, _: &[Launch<Target>], _: &[Memory]) -> Result<Recording> {
        Err(nothing())
    }

    fn replay<'a>(
        &'a self,
        _: &'a Recording,
        _: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(nothing()) })
    }

    fn read<'a>(
        &'a self,
        _: &'a [(Memory, usize)],
        _: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>>> {
        Box::pin(async { Err(nothing()) })
    }

    fn living(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Device>>> {
        Box::pin(async { Ok(self as Arc<dyn Device>) })
    }
}

impl DeviceKernel for Kernel {
    fn bind(&self, _: &Binding<'_>) -> Result<Bound> {
        Err(nothing())
    }
}

fn nothing() -> Error {
    Error::new(ErrorKind::Unsupported, "nothing runs here")
}

/// A weight of small whole numbers, whose sums are exact in any order.
pub fn weight(name: &str, dims: &[i64]) -> Message {
    let salt: usize = name.bytes().map(usize::from).sum();
    let count = dims.iter().product::<i64>() as usize;
    let pattern = (0..35).flat_map(|i| (((i / 5 + salt) % 7) as f32 - 3.0).to_le_bytes());
    let mut elements = pattern.collect::<Vec<u8>>().repeat(count.div_ceil(35));
    elements.truncate(count * 4);
    tensor(name, dims).bytes(9, &elements)
}

/// The same of bytes, with ONNX's number of their type.
pub fn weight_of_bytes(elements: i64, name: &str, dims: &[i64]) -> Message {
    let count: i64 = dims.iter().product();
    let bytes: Vec<u8> = (0..count).map(|i| (i * 11 % 251) as u8).collect();
    let message = dims.iter().fold(Message::default(), |m, &d| m.int(1, d));
    message.int(2, elements).text(8, name).bytes(9, &bytes)
}

/// A chain of so many products with square matrices of that size.
pub fn products(count: usize, size: i64) -> Message {
    let name = |i: usize| if i == 0 { "x".to_string() } else { format!("x{i}") };
    let nodes: Vec<Message> =
        (0..count).map(|i| node("MatMul", &[&name(i), &format!("w{i}")], &[&name(i + 1)])).collect();
    let weights: Vec<Message> = (0..count).map(|i| weight(&format!("w{i}"), &[size, size])).collect();
    let ports = [message::value_of(F32, "x", &[1, size]), message::value_of(F32, &name(count), &[1, size])];
    let [input, output] = ports;
    message::model(&message::graph(&nodes, &[input], &[output]).messages(5, &weights))
}
