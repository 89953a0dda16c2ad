//! Buffers: made, written, read back.
//!
//! What a reader would get wrong: memory of a GPU is no concern of the garbage collector, which would let go of it
//! at some time. A [`Buffer`] gives it back when its last user goes; work that was begun before still has it.

use super::{Local, Web, kept, thrown};
use crate::driver::placed;
use edgewise_core::Result;
use edgewise_core::device::{Memory, device_bytes};
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use wasm_bindgen::JsValue;
use web_sys::{GpuBuffer, GpuBufferDescriptor, gpu_buffer_usage as usage, gpu_map_mode};

/// A buffer, which is destroyed when nobody has it any more, unless it is the page's.
pub(super) struct Buffer(pub GpuBuffer, pub Owner);

/// Whose something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Made here.
    Us,
    /// Made by the page, and left to it.
    Page,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.1 == Owner::Us {
            self.0.destroy();
        }
    }
}

/// The buffer behind a memory.
pub(super) fn buffer(memory: &Memory) -> Result<Rc<Buffer>> {
    let buffer = memory.of_device().downcast_ref::<Local<Buffer>>();
    buffer.ok_or_else(|| err!(Internal, "memory of another device"))?.get()
}

/// Buffers through which copies come to the host, kept for the next time.
#[derive(Default)]
pub(super) struct Staging(RefCell<Vec<(u64, Buffer)>>);

impl Staging {
    /// One that is large enough, if there is one.
    fn take(&self, bytes: u64) -> Option<(u64, Buffer)> {
        let mut free = self.0.borrow_mut();
        let fit = free.iter().position(|(size, _)| *size >= bytes)?;
        Some(free.swap_remove(fit))
    }

    /// Keeps it in place of smaller ones.
    fn give_back(&self, bytes: u64, buffer: Buffer) {
        let mut free = self.0.borrow_mut();
        free.retain(|(size, _)| *size > bytes);
        free.push((bytes, buffer));
    }
}

impl Web {
    pub(super) fn make_memory(&self, bytes: u64, what: &str) -> Result<Memory> {
        // Kernels may read whole vectors of four words.
        let bytes = bytes.next_multiple_of(16).max(16);
        let most = self.limits.buffer_bytes;
        ensure!(
            bytes <= most,
            OutOfMemory,
            "{what} takes {bytes} bytes, and a buffer of {} has {most} at most",
            self.name
        );
        let buffer = self.make_buffer(bytes, usage::STORAGE | usage::COPY_SRC | usage::COPY_DST, what)?;
        Ok(Memory::new(bytes, Arc::new(Local::new(buffer))))
    }

    pub(super) fn make_buffer(&self, bytes: u64, usage: u32, what: &str) -> Result<Buffer> {
        let here = self.here.get()?;
        here.trouble.check()?;
        let descriptor = GpuBufferDescriptor::new_with_f64(bytes as f64, usage);
        descriptor.set_label(what);
        let made = here.trouble.scoped(what, || here.device.create_buffer(&descriptor));
        made.map(|made| Buffer(made, Owner::Us)).map_err(|e| thrown(what, &e))
    }

    pub(super) fn write_memory(&self, to: &Memory, bytes: &[u8]) -> Result<()> {
        ensure!(
            bytes.len() as u64 <= to.bytes(),
            Internal,
            "{} bytes are written to {}",
            bytes.len(),
            to.bytes()
        );
        let (words, rest) = bytes.split_at(bytes.len() / 4 * 4);
        let buffer = buffer(to)?;
        if !words.is_empty() {
            self.write_words(&buffer, 0, words)?;
        }
        if !rest.is_empty() {
            let mut word = [0; 4];
            word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.write_words(&buffer, words.len(), &word)?;
        }
        Ok(())
    }

    /// Writes bytes that are whole words.
    pub(super) fn write_words(&self, to: &Buffer, at: usize, words: &[u8]) -> Result<()> {
        let here = self.here.get()?;
        here.trouble.check()?;
        let written = here.queue.write_buffer_with_f64_and_u8_slice(&to.0, at as f64, words);
        written.map_err(|e| thrown("copying to the GPU", &e))
    }

    pub(super) fn join_parts(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()> {
        let what = "copying on the GPU";
        let here = self.here.get()?;
        here.trouble.check()?;
        let (encoder, into) = (here.device.create_command_encoder(), buffer(to)?);
        for (from, range, at) in placed(parts, to)? {
            let (from, size) = (buffer(from)?, range.end - range.start);
            let copied = encoder.copy_buffer_to_buffer_with_f64_and_f64_and_f64(
                &from.0,
                range.start as f64,
                &into.0,
                at as f64,
                size as f64,
            );
            copied.map_err(|e| thrown(what, &e))?;
        }
        here.trouble.scoped(what, || here.queue.submit(&[encoder.finish()]));
        Ok(())
    }

    /// All of them in one copy, where one buffer can take them.
    pub(super) async fn read_all(&self, from: &[(Memory, usize)]) -> Result<Vec<Vec<u8>>> {
        let mut read = Vec::with_capacity(from.len());
        while let Some(rest) = from.get(read.len()..).filter(|rest| !rest.is_empty()) {
            let (mut bytes, mut count) = (0, 0);
            for (_, size) in rest {
                if count > 0 && bytes + device_bytes(*size) > self.limits.buffer_bytes {
                    break;
                }
                (bytes, count) = (bytes + device_bytes(*size), count + 1);
            }
            read.extend(self.read_at_once(rest.get(..count).unwrap_or(rest), bytes).await?);
        }
        Ok(read)
    }

    async fn read_at_once(&self, from: &[(Memory, usize)], bytes: u64) -> Result<Vec<Vec<u8>>> {
        let what = "copying from the GPU";
        let here = self.here.get()?;
        let (size, staging) = match here.staging.take(bytes) {
            Some(kept) => kept,
            None => {
                (bytes, self.make_buffer(bytes, usage::MAP_READ | usage::COPY_DST, "copies for the host")?)
            }
        };
        let encoder = here.device.create_command_encoder();
        let mut places = Vec::with_capacity(from.len());
        let mut at = 0;
        for (memory, len) in from {
            let size = device_bytes(*len);
            ensure!(size <= memory.bytes(), Internal, "{len} bytes are read from {}", memory.bytes());
            let (from, to) = (buffer(memory)?, at as f64);
            let copied = encoder.copy_buffer_to_buffer_with_f64_and_f64_and_f64(
                &from.0,
                0.0,
                &staging.0,
                to,
                size as f64,
            );
            copied.map_err(|e| thrown(what, &e))?;
            places.push(at as usize..at as usize + len);
            at += size;
        }
        let mapped = here.trouble.scoped(what, || {
            here.queue.submit(&[encoder.finish()]);
            staging.0.map_async_with_f64_and_f64(gpu_map_mode::READ, 0.0, bytes as f64)
        });
        let mapped = kept::<JsValue>(mapped).await;
        here.trouble.settle().await?;
        // Nothing else refuses what is valid.
        mapped
            .map_err(|e| err!(DeviceLost, "{} gave nothing back: {}", self.name, thrown(what, &e).what()))?;
        let range = staging.0.get_mapped_range_with_f64_and_f64(0.0, bytes as f64);
        let view = Uint8Array::new(range.map_err(|e| thrown(what, &e))?.as_ref());
        let part = |place: Range<usize>| view.subarray(place.start as u32, place.end as u32).to_vec();
        let read = places.into_iter().map(part).collect();
        staging.0.unmap();
        here.staging.give_back(size, staging);
        Ok(read)
    }
}
