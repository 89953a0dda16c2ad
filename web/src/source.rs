//! A model's bytes, left where JavaScript has them until they are read.

use crate::here::Here;
use edgewise_core::onnx::Source;
use edgewise_core::{BoxFuture, Error, ErrorKind, Result};
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::Poll;

/// A file that comes piece by piece.
pub trait Arrivals: Source {
    /// Adds the next bytes; an error if they are more than the file has.
    fn push(&self, bytes: Uint8Array) -> Result<()>;

    /// How many have come.
    fn come(&self) -> u64;

    /// Called when what can be read of the last bytes has been: they may change from here on.
    fn keep_rest(&self) {}

    /// An error unless all have come.
    fn check_length(&self) -> Result<()> {
        let (len, come) = (self.len(), self.come());
        if come == len { Ok(()) } else { Err(length_error(self.name(), len, come)) }
    }
}

/// What has come and was not read yet.
#[derive(Default)]
struct Chunks {
    waiting: VecDeque<Uint8Array>,
    /// Where the first of them begins in the file.
    at: u64,
    /// How many bytes have come.
    come: u64,
}

/// A file that comes as `Uint8Array`s, one after the other. What was read is let go, so that the file as a whole
/// lies nowhere.
pub struct Arrays {
    chunks: Here<RefCell<Chunks>>,
    name: String,
    len: u64,
}

impl Arrays {
    /// A file of that many bytes, of which none has come.
    pub fn new(name: &str, len: u64) -> Arrays {
        Arrays { chunks: Here::new(RefCell::default()), name: name.into(), len }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Chunks) -> Result<T>) -> Result<T> {
        let chunks = self.chunks.get().ok_or_else(|| of_another_thread(&self.name))?;
        act(&mut chunks.borrow_mut())
    }
}

impl Arrivals for Arrays {
    fn push(&self, bytes: Uint8Array) -> Result<()> {
        self.with(|chunks| {
            chunks.come += u64::from(bytes.length());
            chunks.waiting.push_back(bytes);
            if chunks.come > self.len { Err(length_error(&self.name, self.len, chunks.come)) } else { Ok(()) }
        })
    }

    fn come(&self) -> u64 {
        self.with(|chunks| Ok(chunks.come)).unwrap_or(0)
    }

    /// Copies what was not read, so that the arrays may change. Whoever waits for more has read all, so this is
    /// what is left over when a file is understood or refused.
    fn keep_rest(&self) {
        let _ = self.with(|chunks| {
            for chunk in &mut chunks.waiting {
                *chunk = chunk.slice(0, chunk.length());
            }
            Ok(())
        });
    }
}

impl Source for Arrays {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn streams(&self) -> bool {
        true
    }

    /// Whoever polls it does so again when more has come; nobody is woken.
    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        let (mut done, end) = (0, offset.saturating_add(into.len() as u64));
        Box::pin(std::future::poll_fn(move |_| {
            if end > self.len {
                return Poll::Ready(Err(io(format!("bytes {offset}..{end} lie outside the model"))));
            }
            done += self.with(|chunks| chunks.read(offset + done as u64, &mut into[done..]))?;
            if done == into.len() { Poll::Ready(Ok(())) } else { Poll::Pending }
        }))
    }
}

impl Chunks {
    /// Reads on from `offset`, as far as bytes have come; says how many.
    fn read(&mut self, mut offset: u64, into: &mut [u8]) -> Result<usize> {
        if offset < self.at {
            return Err(io(format!("byte {offset} of the model was read before")));
        }
        let mut done = 0;
        while let Some(chunk) = self.waiting.front().filter(|_| done < into.len()) {
            let len = chunk.length();
            let skip = u32::try_from(offset - self.at).unwrap_or(u32::MAX).min(len);
            let take = usize::try_from(len - skip).unwrap_or(usize::MAX).min(into.len() - done);
            // No more than the chunk has, so it fits.
            let stop = skip + take as u32;
            chunk.subarray(skip, stop).copy_to(&mut into[done..done + take]);
            (done, offset) = (done + take, offset + take as u64);
            if stop < len {
                break;
            }
            self.at += u64::from(len);
            self.waiting.pop_front();
        }
        Ok(done)
    }
}

/// An error about bytes that cannot be had.
pub fn io(what: String) -> Error {
    Error::new(ErrorKind::Io, what)
}

/// What belongs to JavaScript belongs to one of its threads.
pub fn of_another_thread(name: &str) -> Error {
    io(format!("the bytes of {name} belong to another thread"))
}

pub fn length_error(name: &str, len: u64, come: u64) -> Error {
    io(format!("{name}: expected {len} bytes, {come} came"))
}
