//! What passes between a page and its sessions without the host: the device, and buffers on it.
//!
//! What a reader would get wrong: a buffer of the page may be too short to be read as kernels do, four words at a time,
//! or made for something else. Then it is copied, on the GPU.

use super::memory::{Buffer, Owner, buffer};
use super::{Local, Web, thrown};
use edgewise_core::Result;
use edgewise_core::device::{Memory, device_bytes};
use std::sync::Arc;
use web_sys::{GpuBuffer, GpuDevice, gpu_buffer_usage as usage};

impl Web {
    /// The browser's device.
    pub fn device(&self) -> Result<GpuDevice> {
        Ok(self.here.get()?.device.clone())
    }

    /// Memory that has the first bytes of a buffer of the page: the buffer itself where that can be, a copy otherwise.
    pub fn adopt(&self, given: &GpuBuffer, bytes: u64) -> Result<Memory> {
        let (size, uses) = (given.size() as u64, given.usage());
        ensure!(bytes <= size, InvalidInput, "the tensor has {bytes} bytes, the buffer {size}");
        let can_be_copied = uses & usage::COPY_SRC != 0;
        ensure!(can_be_copied, InvalidInput, "a buffer for a tensor needs GPUBufferUsage.COPY_SRC");
        let can_be_bound = uses & usage::STORAGE != 0 && size <= self.limits.buffer_bytes;
        if can_be_bound && bytes.next_multiple_of(16) <= size {
            return Ok(Memory::new(size, Arc::new(Local::new(Buffer(given.clone(), Owner::Page)))));
        }
        let words = device_bytes(bytes as usize);
        ensure!(
            words <= size || bytes == 0,
            InvalidInput,
            "a buffer for {bytes} bytes must have whole words of four"
        );
        let memory = self.make_memory(bytes, "a copy of a buffer of the page")?;
        if bytes > 0 {
            self.copy_from_page(given, words, &memory)?;
        }
        Ok(memory)
    }

    fn copy_from_page(&self, from: &GpuBuffer, bytes: u64, to: &Memory) -> Result<()> {
        let what = "copying a buffer of the page";
        let (here, to) = (self.here.get()?, buffer(to)?);
        let copied = here.trouble.scoped(what, || {
            let encoder = here.device.create_command_encoder();
            let copied =
                encoder.copy_buffer_to_buffer_with_f64_and_f64_and_f64(from, 0.0, &to.0, 0.0, bytes as f64);
            here.queue.submit(&[encoder.finish()]);
            copied
        });
        copied.map_err(|e| thrown(what, &e))
    }
}

/// The browser's buffer behind a memory.
pub fn buffer_of(memory: &Memory) -> Result<GpuBuffer> {
    Ok(buffer(memory)?.0.clone())
}
