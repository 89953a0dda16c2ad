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

    /// A kernel for a node; `None` where this device has none, so that the host takes it. It may name
    /// pipelines, of which [`prepare`](Device::prepare) makes those that are launched.
    fn lower(&self, node: &Lowered<'_>) -> Result<Option<Box<dyn DeviceKernel>>>;

    /// Makes pipelines ready for being recorded, those that are not yet.
    fn prepare<'a>(&'a self, wanted: &'a [PipelineId]) -> BoxFuture<'a, Result<()>>;

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
    /// The forms in which nodes behind it wish to have its output 0.
    pub wished: &'a [u64],
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

/// A form in which a kernel has to have an input before it can begin: rows rounded to fewer bits, say. It makes that by
/// a launch, unless the node that makes the input has done so [already](Bound::already).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The input.
    pub input: usize,
    /// The form, in numbers that the device alone understands.
    pub form: u64,
}

/// A kernel of a device, for one node.
pub trait DeviceKernel: Send + Sync {
    /// What to launch for those sizes.
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound>;

    /// The constant inputs that it has taken into a form of its own: if nobody else needs them they are forgotten.
    fn packed(&self) -> &[usize] {
        &[]
    }

    /// The form in which it has to have an input. Nodes are lowered from the last one on, so that the one which makes the
    /// input [finds it](Lowered::wished).
    fn wish(&self) -> Option<Wish> {
        None
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
    /// The first word of the status that is this node's, for launches that are given [`Operand::Status`]: each of the
    /// node's [checks](Bound::checks) has one.
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
    /// What launches may find wrong. Of several things the first one is told.
    pub checks: Vec<Check>,
    /// Launches that another node may make in the same way.
    pub common: Vec<Common>,
    /// Launches that no other node need make, since these have done the same besides what they are for.
    pub already: Vec<Already>,
}

/// A launch that need not be made again where a node before has made the same one of the same buffers.
pub struct Common {
    /// Its place among the launches.
    pub launch: usize,
    /// The scratch that it makes, which no other launch writes.
    pub makes: Vec<usize>,
}

/// What launches have done already, as another one would do it.
pub struct Already {
    /// That one, on the node's buffers.
    pub launch: Launch<Operand>,
    /// The scratch that it would make, in the order in which it would.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    Status,
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

/// What a launch may find wrong with the elements that it is given: numbers that are not in a range.
///
/// A kernel cannot stop a run. It goes on with elements that are there, and makes its word of the status as small
/// as the least of what it found; a run that reads a word that is not [`NOTHING_WRONG`] fails. A word is an i32 with
/// its sign bit turned, so that words are in the order of numbers; one that is no i32 counts as the nearest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// An index in an axis, of that size if there is only one; negative ones count from its end.
    Index(Option<usize>),
    /// A place in a tensor of so many elements, counted from its first. Any word says that one is not there.
    Place(usize),
    /// An item of a batch of that size.
    Batch(usize),
    /// An axis of a tensor of that rank; negative ones count from its end.
    Axis(usize),
    /// One of so many classes.
    Class(usize),
    /// A row of a table of so many embeddings.
    Row(usize),
    /// A position in a rotary table of so many rows.
    Position(usize),
    /// The entries of a sample, which has that many.
    Entries(usize),
    /// The steps of a sequence, of so many.
    Steps(usize),
    /// The rows of a past that are filled, in front of new ones.
    Past {
        /// All that there are.
        rows: usize,
        /// New ones.
        added: usize,
    },
    /// The tokens of a batch.
    Total {
        /// As many as there may be.
        total: usize,
        /// New ones among them.
        added: usize,
        /// Rows of the cache, for the others.
        rows: usize,
    },
}

/// What every word of the status is before anything went wrong.
pub const NOTHING_WRONG: u32 = u32::MAX;

impl Check {
    /// What that word says.
    pub fn verdict(self, word: u32) -> Result<()> {
        if word == NOTHING_WRONG {
            return Ok(());
        }
        let number = (word ^ 0x8000_0000) as i32;
        let of = match number {
            i32::MIN => format!("{number} or less"),
            _ if number >= i32::MAX - 1 => format!("{number} or more"),
            _ => number.to_string(),
        };
        match self {
            Check::Index(Some(size)) => bail!(InvalidInput, "index {of} is outside -{size}..{size}"),
            Check::Index(None) => bail!(InvalidInput, "index {of} is outside of its axis"),
            Check::Place(elements) => {
                bail!(InvalidInput, "an index lies outside a tensor of {elements} elements")
            }
            Check::Batch(size) => bail!(InvalidInput, "batch index {of} is outside a batch of {size}"),
            Check::Axis(rank) => {
                bail!(InvalidModel, "axis {of} is outside -{rank}..{rank} for a tensor of rank {rank}")
            }
            Check::Class(classes) => bail!(InvalidInput, "there is no class {of} of {classes}"),
            Check::Row(rows) => {
                bail!(InvalidInput, "there is no row {of} in a table of {rows} embeddings")
            }
            Check::Position(rows) => {
                bail!(InvalidInput, "position {of} is outside the rotary table's {rows} rows")
            }
            Check::Entries(all) => bail!(InvalidInput, "a length of {of} for {all} entries"),
            Check::Steps(steps) => bail!(InvalidInput, "a sequence of {of} of {steps} steps"),
            Check::Past { rows, added } => {
                bail!(InvalidInput, "the past's {rows} rows do not hold {of} and {added} new ones")
            }
            Check::Total { total, .. } if usize::try_from(number).is_ok_and(|all| all <= total) => {
                self.too_few(number, &of)
            }
            Check::Total { total, .. } => {
                bail!(InvalidInput, "a total length must be in 0..={total}, as total_sequence_length says")
            }
        }
    }

    /// What is wrong with a total that is in its range.
    fn too_few(self, number: i32, of: &str) -> Result<()> {
        let Check::Total { added, rows, .. } = self else { return Ok(()) };
        match usize::try_from(number).unwrap_or(0).checked_sub(added) {
            None => bail!(InvalidInput, "a total length of {of} is less than the {added} new tokens"),
            Some(past) => bail!(InvalidInput, "the cache's {rows} rows do not hold {past} tokens"),
        }
    }
}

/// Memory of a device. It is given back with the last handle.
#[derive(Clone)]
pub struct Memory {
    bytes: u64,
    of_device: Arc<dyn Any + Send + Sync>,
    built: Built,
}

/// There is none in a build without the feature `devices`. So there is no memory of a device either, and a compiler
/// leaves out whatever only that would reach.
#[cfg(feature = "devices")]
pub(crate) type Built = ();
#[cfg(not(feature = "devices"))]
pub(crate) type Built = std::convert::Infallible;

/// That this build knows devices.
pub(crate) fn built() -> Result<Built> {
    #[cfg(feature = "devices")]
    return Ok(());
    #[cfg(not(feature = "devices"))]
    bail!(Unsupported, "this build knows no devices")
}

impl Memory {
    /// What a device calls its own.
    #[cfg(feature = "devices")]
    pub fn new(bytes: u64, of_device: Arc<dyn Any + Send + Sync>) -> Memory {
        Memory { bytes, of_device, built: () }
    }

    /// One that has no room for anything.
    pub(crate) fn without_room(&self) -> Memory {
        Memory { bytes: 0, of_device: Arc::new(()), built: self.built }
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

    #[test]
    fn a_total_is_too_large_or_too_small_or_more_than_a_cache_holds() {
        let check = Check::Total { total: 9, added: 2, rows: 5 };
        let says = |total: i32| check.verdict(total as u32 ^ 0x8000_0000).unwrap_err();
        assert_eq!(says(-1).what(), "a total length must be in 0..=9, as total_sequence_length says");
        assert_eq!(says(10).what(), says(-1).what());
        assert_eq!(says(1).what(), "a total length of 1 is less than the 2 new tokens");
        assert_eq!(says(8).what(), "the cache's 5 rows do not hold 6 tokens");
    }
}
