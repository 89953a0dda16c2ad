//! The driver over wgpu: Vulkan, Metal and DX12.
//!
//! What a reader would get wrong: futures of this driver are ready when they are first polled. wgpu compiles
//! and waits on the thread that asks, so compiling is spread over threads here, and waiting has a time limit.
//! A GPU that fails does so between calls: what it said is kept, and the next call that could return it does.

mod memory;
mod open;
mod pipelines;
mod recording;

pub use open::open;

use self::pipelines::Layouts;
use super::{Dispatch, Driver, Features, Limits, Pipeline};
use crate::shader::Variant;
use edgewise_core::device::{Memory, Recording};
use edgewise_core::{BoxFuture, Error, Result, block_on};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wgpu::{Device, ErrorFilter, PollError, PollType, Queue, SubmissionIndex};

/// How long a GPU may be silent before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// wgpu's device and queue, and what is kept for them.
struct Wgpu {
    name: String,
    device: Device,
    queue: Queue,
    features: Features,
    layouts: Layouts,
    trouble: Trouble,
}

/// What went wrong while nobody asked.
#[derive(Clone, Default)]
struct Trouble(Arc<Mutex<Option<Error>>>);

impl Trouble {
    /// Keeps the first error: those that follow are its consequences.
    fn keep(&self, error: Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn check(&self) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }
}

impl Wgpu {
    /// Does something, and answers with what wgpu had against it; `what` names it.
    fn checked<T>(&self, what: impl Fn() -> String, f: impl FnOnce() -> T) -> Result<T> {
        self.trouble.check()?;
        let filters = [ErrorFilter::Validation, ErrorFilter::OutOfMemory, ErrorFilter::Internal];
        let scopes = filters.map(|filter| self.device.push_error_scope(filter));
        let result = f();
        let errors: Vec<_> = scopes.into_iter().rev().filter_map(|scope| block_on(scope.pop())).collect();
        match errors.into_iter().next() {
            None => Ok(result),
            Some(error) => Err(named(what(), &error)),
        }
    }

    /// Waits until that submission, or everything, is done.
    fn wait(&self, submission_index: Option<SubmissionIndex>) -> Result<()> {
        let result = self.device.poll(PollType::Wait { submission_index, timeout: Some(PATIENCE) });
        self.trouble.check()?;
        match result {
            Ok(_) => Ok(()),
            Err(PollError::Timeout) => {
                Err(err!(DeviceLost, "{} has not answered for {} seconds", self.name, PATIENCE.as_secs()))
            }
            Err(e) => Err(err!(Internal, "{}: {e}", self.name)),
        }
    }
}

/// wgpu's error as one of ours.
fn named(what: String, error: &wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => err!(OutOfMemory, "the GPU has no memory for {what}"),
        error => err!(Internal, "{what}: {error}"),
    }
}

impl Driver for Wgpu {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> Limits {
        let limits = self.device.limits();
        Limits {
            groups: limits.max_compute_workgroups_per_dimension,
            invocations: limits.max_compute_invocations_per_workgroup,
            shared_bytes: limits.max_compute_workgroup_storage_size,
            buffers: limits.max_storage_buffers_per_shader_stage,
            buffer_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        }
    }

    fn features(&self) -> Features {
        self.features
    }

    fn allocate(&self, bytes: u64, what: &str) -> Result<Memory> {
        self.make_memory(bytes, what)
    }

    fn write(&self, to: &Memory, bytes: &[u8]) -> Result<()> {
        self.write_memory(to, bytes)
    }

    fn pipelines<'a>(&'a self, variants: &'a [Variant]) -> BoxFuture<'a, Result<Vec<Pipeline>>> {
        Box::pin(async move { self.compile_all(variants) })
    }

    fn record(&self, dispatches: &[Dispatch<'_>]) -> Result<Recording> {
        self.make_recording(dispatches)
    }

    fn replay<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.submit(recording, check) })
    }

    fn read<'a>(&'a self, from: &'a [(Memory, usize)]) -> BoxFuture<'a, Result<Vec<Vec<u8>>>> {
        Box::pin(async move { self.read_all(from) })
    }
}
