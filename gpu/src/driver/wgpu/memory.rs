//! Buffers: made, written, read back.

use super::Wgpu;
use super::patience::Pending;
use crate::driver::placed;
use edgewise_core::Result;
use edgewise_core::device::{Memory, device_bytes};
use std::ops::Range;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{Buffer, BufferDescriptor, BufferUsages, CommandEncoder, CommandEncoderDescriptor, MapMode};

/// Bytes on their way to the GPU of which wgpu keeps copies before they are sent off and waited for.
const WINDOW: usize = 4 << 20;

/// What is on its way to the GPU.
#[derive(Default)]
pub(super) struct Uploads(Mutex<Window>);

#[derive(Default)]
struct Window {
    /// Written since something was sent off.
    bytes: usize,
    sent: Option<Pending>,
}

/// The buffer behind a memory.
pub(super) fn buffer(memory: &Memory) -> Result<&Buffer> {
    let buffer = memory.of_device().downcast_ref::<Buffer>();
    buffer.ok_or_else(|| err!(Internal, "memory of another device"))
}

impl Wgpu {
    pub(super) fn make_memory(&self, bytes: u64, what: &str) -> Result<Memory> {
        // Kernels may read whole vectors of four words.
        let bytes = bytes.next_multiple_of(16).max(16);
        let most = super::Driver::limits(self).buffer_bytes;
        ensure!(
            bytes <= most,
            OutOfMemory,
            "{what} takes {bytes} bytes, and a buffer of {} has {most} at most",
            self.name
        );
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let buffer = self.make_buffer(bytes, usage, what)?;
        Ok(Memory::new(bytes, Arc::new(buffer)))
    }

    pub(super) fn make_buffer(&self, size: u64, usage: BufferUsages, what: &str) -> Result<Buffer> {
        let descriptor = BufferDescriptor { label: Some(what), size, usage, mapped_at_creation: false };
        self.checked(|| what.to_string(), || self.device.create_buffer(&descriptor))
    }

    pub(super) fn write_memory(&self, to: &Memory, bytes: &[u8]) -> Result<()> {
        ensure!(
            bytes.len() as u64 <= to.bytes(),
            Internal,
            "{} bytes are written to {}",
            bytes.len(),
            to.bytes()
        );
        let (buffer, whole) = (buffer(to)?, bytes.len() / 4 * 4);
        let (words, rest) = bytes.split_at(whole);
        self.checked(
            || "copying to the GPU".to_string(),
            || {
                if !words.is_empty() {
                    self.queue.write_buffer(buffer, 0, words);
                }
                if !rest.is_empty() {
                    let mut word = [0; 4];
                    word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                    self.queue.write_buffer(buffer, whole as u64, &word);
                }
            },
        )?;
        self.send(bytes.len())
    }

    /// Sends off what was written once that is much, so that copies of a model's weights do not pile up. Two windows
    /// are on their way at most.
    fn send(&self, bytes: usize) -> Result<()> {
        let mut window = self.uploads.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.bytes = window.bytes.saturating_add(bytes);
        if window.bytes < WINDOW {
            return Ok(());
        }
        window.bytes = 0;
        let sent = self.checked(|| "copying to the GPU".to_string(), || self.submit_and_tell([]))?;
        match window.sent.replace(sent) {
            Some(before) => self.wait(&before, &|| Ok(())),
            None => Ok(()),
        }
    }

    pub(super) fn join_parts(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()> {
        let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        for (from, range, at) in placed(parts, to)? {
            let size = range.end - range.start;
            encoder.copy_buffer_to_buffer(buffer(from)?, range.start, buffer(to)?, at, size);
        }
        self.checked(|| "copying on the GPU".to_string(), || self.queue.submit([encoder.finish()]))?;
        Ok(())
    }

    pub(super) fn read_all(
        &self,
        from: &[(Memory, usize)],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<u8>>> {
        let mut staging = Vec::with_capacity(from.len());
        let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        for (memory, bytes) in from {
            let size = device_bytes(*bytes);
            ensure!(size <= memory.bytes(), Internal, "{bytes} bytes are read from {}", memory.bytes());
            let to = self.staging(size)?;
            encoder.copy_buffer_to_buffer(buffer(memory)?, 0, &to, 0, size);
            staging.push(to);
        }
        let copied = self.take(encoder, &staging, check)?;
        let cut = |(mut copy, (_, bytes)): (Vec<u8>, &(Memory, usize))| {
            copy.truncate(*bytes);
            copy
        };
        Ok(copied.into_iter().zip(from).map(cut).collect())
    }

    /// A buffer that the host can read.
    pub(super) fn staging(&self, size: u64) -> Result<Buffer> {
        let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        self.make_buffer(size, usage, "a copy for the host")
    }

    /// Submits copies to such buffers, waits for them, and gives what is in the buffers then.
    pub(super) fn take(
        &self,
        encoder: CommandEncoder,
        staging: &[Buffer],
        check: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Vec<u8>>> {
        let what = || "copying from the GPU".to_string();
        let pending = Pending::new(staging.len().max(1));
        let (failed, failures) = channel();
        self.checked(what, || {
            self.queue.submit([encoder.finish()]);
            for buffer in staging {
                let (pending, failed) = (pending.clone(), failed.clone());
                buffer.map_async(MapMode::Read, .., move |result| {
                    // Nobody listens any more where waiting has ended with an error.
                    result.unwrap_or_else(|e| drop(failed.send(e)));
                    pending.done();
                });
            }
            if staging.is_empty() {
                let pending = pending.clone();
                self.queue.on_submitted_work_done(move || pending.done());
            }
        })?;
        self.wait(&pending, check)?;
        if let Ok(e) = failures.try_recv() {
            bail!(Internal, "{}: {e}", what());
        }
        let read = |buffer: &Buffer| {
            let view = buffer.get_mapped_range(..).map_err(|e| err!(Internal, "{}: {e}", what()))?;
            Ok(view.to_vec())
        };
        staging.iter().map(read).collect()
    }
}
