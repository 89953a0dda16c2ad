//! A file's bytes, kept in the arrays in which JavaScript has them until nobody needs them any more: a model's until a
//! device has taken its weights, and those of a file beside it until they were read, in whatever order.
//!
//! What a reader would get wrong: nothing of this lies in the module's memory, which never shrinks. Bytes come in there
//! tensor by tensor, when one is asked for.

use crate::here::Here;
use crate::source::{Arrivals, io, length_error, of_another_thread};
use edgewise_core::onnx::Source;
use edgewise_core::{BoxFuture, Result};
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::task::Poll;

/// In pieces of this size it is known of what a tensor is left.
const BLOCK: u64 = 1 << 20;

/// What has come of a file.
#[derive(Default)]
struct Pieces {
    /// Where each array begins, one behind the other; those that nobody needs any more are gone.
    arrays: Vec<(Range<u64>, Option<Uint8Array>)>,
    /// How many tensors lie in a block, or in a part of it; none where there is no entry.
    held: BTreeMap<u64, u32>,
    /// Whether it is known where all tensors lie.
    understood: bool,
}

/// A file that comes as `Uint8Array`s, one after the other, which stay until no tensor is left in them.
pub struct Kept {
    pieces: Here<RefCell<Pieces>>,
    name: String,
    len: u64,
    /// Whether it is known where all tensors lie when the first of them is read.
    is_beside: bool,
    /// Whether arrays may change when they were pushed, so that what is kept of them must be copied.
    may_change: bool,
}

impl Kept {
    /// A model of that many bytes, of which none has come, in arrays that do not change.
    #[cfg(all(feature = "gpu", target_family = "wasm"))]
    pub fn model(name: &str, len: u64) -> Kept {
        Kept { is_beside: false, ..Kept::beside(name, len, false) }
    }

    /// A file beside a model, in arrays that may change when they were pushed, or not.
    pub fn beside(name: &str, len: u64, may_change: bool) -> Kept {
        let pieces = Here::new(RefCell::default());
        Kept { pieces, name: name.into(), len, is_beside: true, may_change }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Pieces) -> T) -> Result<T> {
        let pieces = self.pieces.get().ok_or_else(|| of_another_thread(&self.name))?;
        Ok(act(&mut pieces.borrow_mut()))
    }
}

impl Arrivals for Kept {
    fn push(&self, bytes: Uint8Array) -> Result<()> {
        let come = self.with(|pieces| {
            let start = pieces.come();
            let range = start..start + u64::from(bytes.length());
            pieces.arrays.push((range.clone(), Some(bytes)));
            if pieces.understood {
                pieces.let_go(range);
            }
            pieces.come()
        })?;
        if come > self.len { Err(length_error(&self.name, self.len, come)) } else { Ok(()) }
    }

    fn come(&self) -> u64 {
        self.with(|pieces| pieces.come()).unwrap_or(0)
    }

    fn keep_rest(&self) {
        let _ = self.with(|pieces| {
            if let Some((_, Some(last))) = pieces.arrays.last_mut().filter(|_| self.may_change) {
                *last = last.slice(0, last.length());
            }
        });
    }
}

impl Source for Kept {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    /// Whoever polls it does so again when more has come; nobody is woken.
    fn at_hand(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(std::future::poll_fn(|_| {
            let understood = self.with(|pieces| {
                let all = pieces.come() == self.len;
                if all {
                    pieces.understand();
                }
                all
            });
            match understood {
                Ok(false) => Poll::Pending,
                all => Poll::Ready(all),
            }
        }))
    }

    fn hold(&self, bytes: Range<u64>) {
        let _ = self.with(|pieces| {
            blocks(&bytes).for_each(|block| *pieces.held.entry(block).or_default() += 1);
        });
    }

    fn release(&self, bytes: Range<u64>) {
        let _ = self.with(|pieces| {
            for block in blocks(&bytes) {
                if let Some(count) = pieces.held.get_mut(&block) {
                    *count -= 1;
                    if *count == 0 {
                        pieces.held.remove(&block);
                    }
                }
            }
            if pieces.understood {
                pieces.let_go(bytes);
            }
        });
    }

    /// Whoever polls it does so again when more has come; nobody is woken.
    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        let range = offset..offset.saturating_add(into.len() as u64);
        Box::pin(std::future::poll_fn(move |_| {
            if range.end > self.len {
                let what = format!("bytes {range:?} lie outside the {} bytes of {}", self.len, self.name);
                return Poll::Ready(Err(io(what)));
            }
            let read = self.with(|pieces| {
                if self.is_beside {
                    pieces.understand();
                }
                (pieces.come() >= range.end).then(|| pieces.read(range.clone(), into))
            });
            match read {
                Ok(None) => Poll::Pending,
                Ok(Some(read)) => Poll::Ready(read),
                Err(e) => Poll::Ready(Err(e)),
            }
        }))
    }
}

impl Pieces {
    /// How many bytes have come.
    fn come(&self) -> u64 {
        self.arrays.last().map_or(0, |(range, _)| range.end)
    }

    /// From here on it is known where all tensors lie; what has come beside them goes.
    fn understand(&mut self) {
        if !std::mem::replace(&mut self.understood, true) {
            self.let_go(0..self.come());
        }
    }

    /// The arrays that have some of those bytes.
    fn of(&self, bytes: &Range<u64>) -> Range<usize> {
        let first = self.arrays.partition_point(|(range, _)| range.end <= bytes.start);
        let last = self.arrays.partition_point(|(range, _)| range.start < bytes.end);
        first..last.max(first)
    }

    fn read(&self, bytes: Range<u64>, into: &mut [u8]) -> Result<()> {
        let mut rest = into;
        for (range, array) in self.arrays.get(self.of(&bytes)).unwrap_or_default() {
            let array =
                array.as_ref().ok_or_else(|| io(format!("bytes {bytes:?} of the model were let go")))?;
            // Within the array, whose length fits.
            let start = (bytes.start.max(range.start) - range.start) as u32;
            let stop = (bytes.end.min(range.end) - range.start) as u32;
            let missing = || io(format!("bytes {bytes:?} of the model are not there"));
            let (part, more) = rest.split_at_mut_checked((stop - start) as usize).ok_or_else(missing)?;
            array.subarray(start, stop).copy_to(part);
            rest = more;
        }
        Ok(())
    }

    /// Lets those arrays go that have some of those bytes, and nothing that anybody needs.
    fn let_go(&mut self, bytes: Range<u64>) {
        // An array may reach beyond: the blocks that it lies in decide.
        let arrays = self.of(&bytes);
        for (range, array) in self.arrays.get_mut(arrays).unwrap_or_default() {
            let (Some(first), Some(last)) = (blocks(range).next(), blocks(range).last()) else { continue };
            if self.held.range(first..=last).next().is_none() {
                *array = None;
            }
        }
    }
}

/// The blocks that those bytes lie in.
fn blocks(bytes: &Range<u64>) -> Range<u64> {
    bytes.start / BLOCK..bytes.end.div_ceil(BLOCK)
}
