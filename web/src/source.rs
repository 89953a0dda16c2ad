//! A model's bytes, left where JavaScript has them until they are read.

use edgewise_core::onnx::Source;
use edgewise_core::{BoxFuture, Error, ErrorKind, Result};
use js_sys::Uint8Array;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

/// A file that comes piece by piece.
pub trait Arrivals: Source {
    /// Adds the next bytes.
    fn push(&self, bytes: Uint8Array);

    /// Called when what can be read of the last bytes has been: they may change from here on.
    fn keep_rest(&self) {}
}

thread_local! {
    static CHUNKS: RefCell<BTreeMap<u32, Chunks>> = const { RefCell::new(BTreeMap::new()) };
}

/// What has come and was not read yet.
#[derive(Default)]
struct Chunks {
    waiting: VecDeque<Uint8Array>,
    /// Where the first of them begins in the file.
    at: u64,
}

/// A file that comes as `Uint8Array`s, one after the other. What was read is let go, so that the file as a whole
/// lies nowhere.
///
/// What JavaScript has belongs to one thread. So the arrays themselves stay in a table of that thread, and this
/// is their number there: no other thread can read them.
pub struct Arrays {
    number: u32,
    len: u64,
}

impl Arrays {
    /// A file of that many bytes, of which none has come.
    pub fn new(len: u64) -> Arrays {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        CHUNKS.with_borrow_mut(|all| all.insert(number, Chunks::default()));
        Arrays { number, len }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Chunks) -> T) -> Option<T> {
        CHUNKS.with_borrow_mut(|all| all.get_mut(&self.number).map(act))
    }
}

impl Arrivals for Arrays {
    fn push(&self, bytes: Uint8Array) {
        self.with(|chunks| chunks.waiting.push_back(bytes));
    }

    /// Copies what was not read, so that the arrays may change. Whoever waits for more has read all, so this is
    /// what is left over when a file is understood or refused.
    fn keep_rest(&self) {
        self.with(|chunks| {
            for chunk in &mut chunks.waiting {
                *chunk = chunk.slice(0, chunk.length());
            }
        });
    }
}

impl Drop for Arrays {
    fn drop(&mut self) {
        CHUNKS.with_borrow_mut(|all| all.remove(&self.number));
    }
}

impl Source for Arrays {
    fn name(&self) -> &str {
        "model"
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
            match self.with(|chunks| chunks.read(offset + done as u64, &mut into[done..])) {
                None => return Poll::Ready(Err(io("the model's bytes belong to another thread".into()))),
                Some(read) => done += read?,
            }
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

pub fn io(what: String) -> Error {
    Error::new(ErrorKind::Io, what)
}
