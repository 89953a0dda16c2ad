//! The driver over wgpu: Vulkan, Metal and DX12.
//!
//! What a reader would get wrong: futures of this driver are ready when they are first polled. wgpu compiles
//! and waits on the thread that asks, so compiling is spread over threads here, and waiting has a time limit.
//! A GPU that fails does so between calls: what it said is kept, and the next call that could return it does.

mod memory;
mod open;
mod patience;
mod pipelines;
mod recording;
mod timing;

pub use open::open;

use self::memory::Uploads;
use self::patience::{PATIENCE, Pending, wait_until};
use self::pipelines::Layouts;
use super::{Dispatch, Driver, Features, Limits, Pipeline};
use crate::shader::Variant;
use edgewise_core::device::{Memory, Recording};
use edgewise_core::{BoxFuture, Error, ErrorKind, Result, block_on};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wgpu::{CommandBuffer, Device, ErrorFilter, PollType, Queue};

/// wgpu's device and queue, and what is kept for them.
struct Wgpu {
    name: String,
    device: Device,
    queue: Queue,
    features: Features,
    layouts: Layouts,
    uploads: Uploads,
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
        // It may have gone away meanwhile; then nothing else is to blame.
        self.trouble.check()?;
        match errors.into_iter().next() {
            None => Ok(result),
            Some(error) => Err(named(what(), &error)),
        }
    }

    /// Submits commands; what it gives is done when they are.
    fn submit_and_tell<const N: usize>(&self, commands: [CommandBuffer; N]) -> Pending {
        self.queue.submit(commands);
        let pending = Pending::new(1);
        let when_done = pending.clone();
        self.queue.on_submitted_work_done(move || when_done.done());
        pending
    }

    /// Waits until that is done; `check` is asked meanwhile.
    fn wait(&self, pending: &Pending, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let poll = || {
            let polled = self.device.poll(PollType::Poll);
            self.trouble.check()?;
            polled.map_err(|e| err!(Internal, "{}: {e}", self.name))?;
            Ok(pending.is_done())
        };
        let waited = wait_until(PATIENCE, check, poll);
        if let Err(e) = &waited
            && e.kind() == ErrorKind::DeviceLost
        {
            self.trouble.keep(err!(DeviceLost, "{}: {}", self.name, e.what()));
            self.trouble.check()?;
        }
        waited
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

    fn join(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()> {
        self.join_parts(parts, to)
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

    fn replay_timed<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Option<Vec<Range<Duration>>>>> {
        Box::pin(async move {
            if self.features.timestamps {
                return self.submit_timed(recording, check).map(Some);
            }
            self.submit(recording, check)?;
            Ok(None)
        })
    }

    fn read<'a>(
        &'a self,
        from: &'a [(Memory, usize)],
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>>> {
        Box::pin(async move { self.read_all(from, check) })
    }

    fn is_lost(&self) -> bool {
        self.trouble.check().is_err_and(|e| e.kind() == ErrorKind::DeviceLost)
    }

    fn give_up(&self) {
        self.trouble.keep(err!(DeviceLost, "{} was given up", self.name));
        self.device.destroy();
    }

    fn reopen(&self) -> BoxFuture<'static, Result<Box<dyn Driver>>> {
        Box::pin(open::open_named(self.name.clone()))
    }
}
