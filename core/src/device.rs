//! What a device other than the host is to the executor.
//!
//! A device lowers nodes to kernels once, when a model is loaded. Binding gives a kernel numbers for sizes, and
//! gets back [`Launch`]es: a pipeline, the buffers it is given, a few words of parameters, and how many groups.
//! The planner puts buffers in their place; then a stretch of launches is recorded once and replayed for every
//! run. The host itself is no such device: it is [`cpu`](crate::cpu), what every operator means.
//!
//! What a reader would get wrong: a tensor's bytes on a device are its bytes on the host, rounded up to whole
//! words of four. So 8-bit elements lie four in a word, 64-bit integers as two words, the low one first, and
//! copies between host and device convert nothing. What lies in the rest of the last word is undefined.

use crate::graph::{Fact, Node};
use crate::tensor::byte_count;
use crate::{BoxFuture, Buffer, DType, Result, Shape, Tensor, View};
use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A device behind the host: a GPU.
pub trait Device: Send + Sync {
    /// What it is called, for people.
    fn name(&self) -> &str;

    /// A kernel for a node; `None` where this device has none, so that the host takes it. It may ask for
    /// pipelines, which [`prepare`](Device::prepare) makes.
    fn lower(&self, node: &Lowered<'_>) -> Result<Option<Box<dyn DeviceKernel>>>;

    /// Makes everything ready that kernels have asked for since the last time.
    fn prepare(&self) -> BoxFuture<'_, Result<()>>;

    /// Memory for so many bytes; `what` is named where there is none. What it holds is undefined.
    fn allocate(&self, bytes: u64, what: &str) -> Result<Memory>;

    /// Copies bytes of the host into memory, behind everything that was begun before.
    fn write(&self, to: &Memory, bytes: &[u8]) -> Result<()>;

    /// Copies parts of memories into another one, one behind the other, behind everything that was begun before.
    /// Parts are whole words.
    fn join(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()>;

    /// Makes launches ready for being replayed on those slots.
    fn record(&self, launches: &[Launch<Target>], slots: &[Memory]) -> Result<Recording>;

    /// Begins the launches of a recording, in order. `check` is asked between bounded amounts of work whether to
    /// go on. It need not wait until they end.
    fn replay<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<()>>;

    /// The same, and from when to when each launch ran, since the first of them began; nothing where the device
    /// cannot tell. It may be slower.
    fn replay_timed<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Option<Vec<Range<Duration>>>>> {
        Box::pin(async move {
            self.replay(recording, check).await?;
            Ok(None)
        })
    }

    /// Waits for all that was begun before, and copies the first bytes of memories to the host. `check` is asked
    /// while it waits.
    fn read<'a>(
        &'a self,
        from: &'a [(Memory, usize)],
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>>>;

    /// This device while it is there. After it was lost, the same one opened again: all who ask share it, and
    /// nothing that the lost one made is of use to it.
    fn living(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Device>>>;
}

/// What a device can know of a node when it lowers it: all but numbers for sizes.
pub struct Lowered<'a> {
    /// The node.
    pub node: &'a Node,
    /// What is known of its inputs; constants with their elements.
    pub inputs: &'a [Option<&'a Fact>],
    /// What is known of its outputs.
    pub outputs: &'a [Option<&'a Fact>],
}

impl<'a> Lowered<'a> {
    /// Whether input `i` is there.
    pub fn has(&self, i: usize) -> bool {
        self.fact(i).is_some()
    }

    /// What is known of input `i`, if it is there.
    pub fn fact(&self, i: usize) -> Option<&'a Fact> {
        self.inputs.get(i).copied().flatten()
    }

    /// What is known of output `i`, if anybody wants it.
    pub fn output(&self, i: usize) -> Option<&'a Fact> {
        self.outputs.get(i).copied().flatten()
    }

    /// The elements of input `i`, if it is a constant.
    pub fn constant(&self, i: usize) -> Option<View<'a>> {
        self.fact(i)?.view()
    }
}

/// A kernel of a device, for one node.
pub trait DeviceKernel: Send + Sync {
    /// What to launch for those sizes.
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound>;

    /// The constant inputs that it has taken into a form of its own: if nobody else needs them they are forgotten.
    fn packed(&self) -> &[usize] {
        &[]
    }

    /// The inputs that it never reads on the device: their elements or sizes were all it wanted.
    fn on_host(&self) -> &[usize] {
        &[]
    }
}

/// What a kernel is given to bind: sizes, and the elements of what is known.
pub struct Binding<'a> {
    /// Of the inputs.
    pub inputs: &'a [Option<&'a Fact>],
    /// Of the outputs; `None` where nobody wants one.
    pub outputs: &'a [Option<&'a Fact>],
    /// The word of the status that is this node's, for launches that are given [`Operand::Status`].
    pub word: usize,
}

impl<'a> Binding<'a> {
    /// The shape of input `i`.
    pub fn input(&self, i: usize) -> Result<Shape> {
        shape(self.inputs, i).ok_or_else(|| err!(Internal, "the size of input {i} is not known"))
    }

    /// The shape of input `i`, if it is there.
    pub fn optional(&self, i: usize) -> Option<Shape> {
        shape(self.inputs, i)
    }

    /// The shape of output `i`.
    pub fn output(&self, i: usize) -> Result<Shape> {
        shape(self.outputs, i).ok_or_else(|| err!(Internal, "the size of output {i} is not known"))
    }

    /// The elements of input `i`, where they are known.
    pub fn known(&self, i: usize) -> Option<View<'a>> {
        self.inputs.get(i).copied().flatten()?.view()
    }

    /// The elements of integer input `i`, where they are known.
    pub fn ints(&self, i: usize) -> Option<Vec<i64>> {
        self.known(i)?.to_i64s().ok()
    }
}

fn shape(facts: &[Option<&Fact>], i: usize) -> Option<Shape> {
    facts.get(i).copied().flatten()?.shape()
}

/// What a kernel does for certain sizes.
#[derive(Default)]
pub struct Bound {
    /// One after the other; each sees what those before it wrote.
    pub launches: Vec<Launch<Operand>>,
    /// Bytes of memory for intermediate results.
    pub scratch: Vec<u64>,
    /// Launches that another node may make in the same way.
    pub common: Vec<Common>,
}

/// A launch that need not be made again where a node before has made the same one of the same buffers.
pub struct Common {
    /// Its place among the launches.
    pub launch: usize,
    /// The scratch that it makes, which no other launch writes.
    pub makes: Vec<usize>,
}

impl Bound {
    /// One launch, without scratch.
    pub fn one(launch: Launch<Operand>) -> Bound {
        Bound { launches: vec![launch], ..Bound::default() }
    }

    /// Nothing: an output without elements.
    pub fn nothing() -> Bound {
        Bound::default()
    }
}

/// A pipeline of a device, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PipelineId(pub u32);

/// One call of a pipeline. `B` says how buffers are named.
#[derive(Clone, Debug)]
pub struct Launch<B> {
    /// What is called.
    pub pipeline: PipelineId,
    /// What it is given, in the order of its bindings.
    pub buffers: Vec<B>,
    /// The words of its parameters.
    pub parameters: Vec<u32>,
    /// How many groups, along each dimension.
    pub groups: [u32; 3],
}

/// A buffer, as a kernel names it.
#[derive(Clone, Debug)]
pub enum Operand {
    /// The node's input.
    Input(usize),
    /// The node's output.
    Output(usize),
    /// An intermediate result.
    Scratch(usize),
    /// The kernel's own.
    Held(Memory),
    /// The run's status, for a launch that may find something wrong.
    Status(Check),
}

/// A buffer, as a plan names it.
#[derive(Clone, Debug)]
pub enum Target {
    /// A slot of the run.
    Slot(usize),
    /// The run's status. It is put in its place before launches are recorded.
    Status,
    /// One that outlives runs: a constant, or a kernel's own.
    Held(Memory),
}

/// What a launch may find wrong with the elements that it is given.
///
/// A kernel cannot stop a run. It goes on with elements that are there, and makes its word of the status as small
/// as the least of what it found; a run that reads a word that is not [`NOTHING_WRONG`] fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Indices lie in an axis, of that size if there is only one; negative ones count from its end. A word is an i32 with its sign bit
    /// turned, so that words are in the order of indices; an index that is no i32 counts as the nearest one.
    Index(Option<usize>),
    /// Places lie in a tensor of so many elements, counted from its first. Any word says that one does not.
    Place(usize),
    /// Indices lie in a batch of that size, and none is negative. Words are those of indices.
    Batch(usize),
}

/// What every word of the status is before anything went wrong.
pub const NOTHING_WRONG: u32 = u32::MAX;

impl Check {
    /// What that word says.
    pub fn verdict(self, word: u32) -> Result<()> {
        if word == NOTHING_WRONG {
            return Ok(());
        }
        let size = match self {
            Check::Index(size) => size,
            Check::Place(elements) => {
                bail!(InvalidInput, "an index lies outside a tensor of {elements} elements")
            }
            Check::Batch(size) => {
                let index = (word ^ 0x8000_0000) as i32;
                bail!(InvalidInput, "batch index {index} is outside a batch of {size}")
            }
        };
        let index = match (word ^ 0x8000_0000) as i32 {
            i32::MIN => format!("{} or less", i32::MIN),
            index if index >= i32::MAX - 1 => format!("{index} or more"),
            index => index.to_string(),
        };
        match size {
            Some(size) => bail!(InvalidInput, "index {index} is outside -{size}..{size}"),
            None => bail!(InvalidInput, "index {index} is outside of its axis"),
        }
    }
}

/// Memory of a device. It is given back with the last handle.
#[derive(Clone)]
pub struct Memory {
    bytes: u64,
    of_device: Arc<dyn Any + Send + Sync>,
}

impl Memory {
    /// What a device calls its own.
    pub fn new(bytes: u64, of_device: Arc<dyn Any + Send + Sync>) -> Memory {
        Memory { bytes, of_device }
    }

    /// Whether both are the same bytes of the device.
    pub fn is(&self, other: &Memory) -> bool {
        Arc::ptr_eq(&self.of_device, &other.of_device)
    }

    /// How large it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the device made.
    pub fn of_device(&self) -> &(dyn Any + Send + Sync) {
        &*self.of_device
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes on a device", self.bytes)
    }
}

/// A tensor that lies on a device. What is in its memory never changes.
#[derive(Clone)]
pub struct DeviceTensor {
    /// The device.
    pub device: Arc<dyn Device>,
    /// The type of its elements.
    pub dtype: DType,
    /// Its sizes.
    pub shape: Shape,
    /// Where they lie, from its beginning.
    pub memory: Memory,
}

impl DeviceTensor {
    /// The same tensor on the host.
    pub async fn fetch(&self) -> Result<Tensor> {
        let wanted = [(self.memory.clone(), byte_count(self.dtype, &self.shape)?)];
        let mut came = self.device.read(&wanted, &|| Ok(())).await?;
        let bytes = came.pop().ok_or_else(|| err!(Internal, "nothing came from the device"))?;
        Tensor::from_buffer(self.dtype, &self.shape, Buffer::copy_of(&bytes)?)
    }
}

impl fmt::Debug for DeviceTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?} on {}", self.dtype, self.shape, self.device.name())
    }
}

/// Launches that are ready to be replayed; a device's own.
pub type Recording = Box<dyn Any + Send + Sync>;

/// Bytes of a tensor on a device: whole words, and at least one, since a buffer cannot be empty.
pub fn device_bytes(bytes: usize) -> u64 {
    (bytes as u64).next_multiple_of(4).max(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_status_says_which_index_it_was() {
        let says = |index: i32| Check::Index(Some(5)).verdict(index as u32 ^ 0x8000_0000).unwrap_err();
        assert!(Check::Index(Some(5)).verdict(NOTHING_WRONG).is_ok());
        assert_eq!(says(7).what(), "index 7 is outside -5..5");
        assert_eq!(says(-6).what(), "index -6 is outside -5..5");
        assert_eq!(says(i32::MIN).what(), "index -2147483648 or less is outside -5..5");
        assert_eq!(says(i32::MAX - 1).what(), "index 2147483646 or more is outside -5..5");
        assert_eq!(says(0).kind(), crate::ErrorKind::InvalidInput);
        let batch = Check::Batch(2).verdict(-1i32 as u32 ^ 0x8000_0000).unwrap_err();
        assert_eq!(batch.what(), "batch index -1 is outside a batch of 2");
        let place = Check::Place(6).verdict(0).unwrap_err();
        assert_eq!(place.what(), "an index lies outside a tensor of 6 elements");
    }
}
