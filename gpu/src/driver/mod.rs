//! What is asked of a GPU's interface. A driver is thin: it knows memory, pipelines and dispatches, and
//! nothing of operators.
//!
//! `wgpu` speaks to Vulkan, Metal and DX12, `web` to the browser's WebGPU. What a driver makes is its own (`Memory`, [`Pipeline`],
//! `Recording`): the device hands it back without looking inside.

#[cfg(target_family = "wasm")]
pub mod web;
#[cfg(not(target_family = "wasm"))]
pub mod wgpu;

use crate::shader::Variant;
use edgewise_core::device::{Memory, Recording};
use edgewise_core::{BoxFuture, Result};
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// How much of everything one dispatch may use; never less than what every WebGPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Groups along one dimension.
    pub groups: u32,
    /// Invocations of a group.
    pub invocations: u32,
    /// Bytes that a group shares.
    pub shared_bytes: u32,
    /// Storage buffers of a dispatch.
    pub buffers: u32,
    /// Bytes of one buffer that a dispatch can see.
    pub buffer_bytes: u64,
}

/// What a GPU has beyond what every one has. Kernels use it where it is, and never need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// 16-bit floats that are computed with.
    pub f16: bool,
    /// Operations across the invocations of a subgroup.
    pub subgroups: bool,
    /// Times of dispatches.
    pub timestamps: bool,
    /// Barriers that cost little.
    pub barriers: bool,
}

/// Whether barriers cost little on a GPU of that name. SwiftShader, the one in software that comes with Chromium, makes
/// a fiber of every four invocations, and changes from one to the next at each barrier.
pub(crate) fn has_barriers(name: &str) -> bool {
    !name.to_ascii_lowercase().contains("swiftshader")
}

/// A compiled variant; the driver's own.
pub type Pipeline = Arc<dyn Any + Send + Sync>;

/// One call of a pipeline, all of it resolved.
pub struct Dispatch<'a> {
    /// What is called.
    pub pipeline: &'a Pipeline,
    /// What it is called, in messages.
    pub variant: &'a Variant,
    /// What it is given, in the order of its bindings.
    pub buffers: Vec<&'a Memory>,
    /// The words of its parameters.
    pub parameters: &'a [u32],
    /// How many groups, along each dimension.
    pub groups: [u32; 3],
}

/// An interface to a GPU.
pub trait Driver: Send + Sync {
    /// What the GPU is called, for people.
    fn name(&self) -> &str;

    /// What one dispatch may use.
    fn limits(&self) -> Limits;

    /// What there is beyond.
    fn features(&self) -> Features;

    /// Memory for so many bytes, rounded up to whole vectors of four words, which kernels may read; `what` is
    /// named where there is none.
    fn allocate(&self, bytes: u64, what: &str) -> Result<Memory>;

    /// Copies bytes of the host into memory, behind everything that was begun before.
    fn write(&self, to: &Memory, bytes: &[u8]) -> Result<()>;

    /// Copies parts of memories into another one, one behind the other, behind everything that was begun before.
    fn join(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()>;

    /// Compiles variants, side by side where that is possible.
    fn pipelines<'a>(&'a self, variants: &'a [Variant]) -> BoxFuture<'a, Result<Vec<Pipeline>>>;

    /// Makes dispatches ready for being replayed.
    fn record(&self, dispatches: &[Dispatch<'_>]) -> Result<Recording>;

    /// Begins the dispatches of a recording, in order, and asks `check` between bounded amounts of them.
    fn replay<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<()>>;

    /// The same, and from when to when each dispatch ran, since the first of them began; nothing where there are no
    /// timestamps.
    fn replay_timed<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Option<Vec<Range<Duration>>>>>;

    /// Waits for all that was begun before, and copies the first bytes of memories to the host. `check` is asked
    /// while it waits.
    fn read<'a>(
        &'a self,
        from: &'a [(Memory, usize)],
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>>>;

    /// Whether the GPU went away, or gave no answer. Then whatever is asked of it fails as `DeviceLost`.
    fn is_lost(&self) -> bool;

    /// Gives the GPU up: from here on it is lost.
    fn give_up(&self);

    /// Opens the same GPU again.
    fn reopen(&self) -> BoxFuture<'static, Result<Box<dyn Driver>>>;

    /// Itself, as the one over the browser's WebGPU.
    #[cfg(target_family = "wasm")]
    fn web(&self) -> &web::Web;
}

/// Where each part begins in the memory that all are copied into, empty ones left out; an error where one is not there,
/// is no whole words, or has no room.
pub(crate) fn placed<'a>(
    parts: &'a [(Memory, Range<u64>)],
    to: &Memory,
) -> Result<Vec<(&'a Memory, &'a Range<u64>, u64)>> {
    let (mut at, mut placed) = (0, Vec::with_capacity(parts.len()));
    for (from, range) in parts {
        let there = range.start <= range.end && range.end <= from.bytes();
        let words = range.start.is_multiple_of(4) && range.end.is_multiple_of(4);
        ensure!(there && words, Internal, "bytes {range:?} of {from:?} are copied");
        let size = range.end - range.start;
        ensure!(size <= to.bytes().saturating_sub(at), Internal, "{size} bytes are copied to {at} of {to:?}");
        if size > 0 {
            placed.push((from, range, at));
        }
        at += size;
    }
    Ok(placed)
}

/// Bytes that the parameters of a dispatch are bound with.
pub(crate) fn padded(parameters: &[u32]) -> usize {
    (parameters.len() * 4).next_multiple_of(16).max(16)
}

/// Where each dispatch's parameters lie in one buffer, and the bytes of that.
pub(crate) fn lay_out(dispatches: &[Dispatch<'_>], alignment: usize) -> (Vec<usize>, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut offsets = Vec::with_capacity(dispatches.len());
    for dispatch in dispatches {
        let at = bytes.len().next_multiple_of(alignment.max(16));
        bytes.resize(at, 0);
        bytes.extend(dispatch.parameters.iter().flat_map(|word| word.to_le_bytes()));
        bytes.resize(at + padded(dispatch.parameters), 0);
        offsets.push(at);
    }
    // A buffer cannot be empty.
    bytes.resize(bytes.len().max(16), 0);
    (offsets, bytes)
}
