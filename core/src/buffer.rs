//! Memory for tensors: zeroed, aligned for any element and any vector load, allocated fallibly.

use crate::Result;

/// Alignment of every buffer and of every slot in an arena.
pub const ALIGN: usize = 64;

#[derive(Clone, Copy, bytemuck::Zeroable, bytemuck::Pod)]
#[repr(C, align(64))]
struct Block([u8; ALIGN]);

/// Bytes aligned to 64.
///
/// Allocation never aborts: what cannot be had is an [`OutOfMemory`](crate::ErrorKind::OutOfMemory) error,
/// because sizes come from models that strangers wrote.
#[derive(Clone, Default)]
pub struct Buffer {
    blocks: Vec<Block>,
    len: usize,
}

impl Buffer {
    /// `len` zero bytes.
    pub fn zeroed(len: usize) -> Result<Buffer> {
        let mut buffer = Buffer::default();
        buffer.grow(len)?;
        Ok(buffer)
    }

    /// A copy of `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Result<Buffer> {
        let mut buffer = Buffer::zeroed(bytes.len())?;
        buffer.as_mut().copy_from_slice(bytes);
        Ok(buffer)
    }

    /// An empty one that has memory for `len` bytes, which nobody has touched.
    pub fn with_room(len: usize) -> Result<Buffer> {
        let mut buffer = Buffer::default();
        buffer
            .blocks
            .try_reserve_exact(len.div_ceil(ALIGN))
            .map_err(|_| err!(OutOfMemory, "no memory for {len} bytes"))?;
        Ok(buffer)
    }

    /// Makes it at least `len` bytes long; what was there stays.
    pub fn grow(&mut self, len: usize) -> Result<()> {
        let blocks = len.div_ceil(ALIGN);
        if self.blocks.capacity() == 0 {
            // As the system gives it, where that is zero already.
            self.blocks = bytemuck::allocation::try_zeroed_vec(blocks)
                .map_err(|()| err!(OutOfMemory, "no memory for {len} bytes"))?;
        } else {
            self.blocks
                .try_reserve_exact(blocks.saturating_sub(self.blocks.len()))
                .map_err(|_| err!(OutOfMemory, "no memory for {len} bytes"))?;
            // In pieces, which are copied as memory; `resize` would write block after block.
            static ZEROS: [Block; 64] = [Block([0; ALIGN]); 64];
            while self.blocks.len() < blocks {
                let more = (blocks - self.blocks.len()).min(ZEROS.len());
                self.blocks.extend_from_slice(&ZEROS[..more]);
            }
        }
        self.len = self.len.max(len);
        Ok(())
    }

    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.blocks)[..self.len]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.blocks)[..self.len]
    }
}
