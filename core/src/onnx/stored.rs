//! A constant that lies in the model's source until somebody asks for its elements.
//!
//! What a reader would get wrong: a source may have to be awaited, and rewrites and kernels cannot wait. So what is not
//! [loaded](Stored::load) beforehand is read only where the source has everything at hand.

use super::Source;
use crate::run::at_once;
use crate::{Buffer, DType, Error, Result, Shape, Tensor};
use edgewise_pool::lock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// From this size on a weight is worth leaving where it is. The scales of a matrix of few bits are, too: all together they
/// are a good part of a model.
const LARGE: usize = 32 << 10;

/// A constant that lies in the model's source. Clones share what was loaded.
#[derive(Clone)]
pub struct Stored(Arc<Inner>);

struct Inner {
    name: String,
    dtype: DType,
    shape: Shape,
    source: Arc<dyn Source>,
    offset: u64,
    bytes: usize,
    loaded: OnceLock<Tensor>,
    /// Whether its bytes were counted.
    counted: AtomicBool,
    /// Whether its source was told that nobody will read it any more.
    released: AtomicBool,
    reads: Reads,
}

/// What became of the reading of a model's weights.
#[derive(Clone, Debug, Default)]
pub struct Reads(Arc<(AtomicU64, Mutex<Option<Error>>)>);

impl Reads {
    /// Bytes of weights that were read for the first time, since this was asked the last time.
    pub fn take(&self) -> u64 {
        self.0.0.swap(0, Ordering::Relaxed)
    }

    /// Keeps what went wrong where it could not be told; of several things the first one.
    pub fn fail(&self, error: Error) {
        lock(&self.0.1).get_or_insert(error);
    }

    /// What went wrong where it could not be told.
    pub fn check(&self) -> Result<()> {
        lock(&self.0.1).clone().map_or(Ok(()), Err)
    }
}

impl Stored {
    /// So many bytes of a source, which has them.
    pub(super) fn new(
        name: &str,
        (dtype, shape): (DType, Shape),
        (source, offset, bytes): (Arc<dyn Source>, u64, usize),
        reads: &Reads,
    ) -> Stored {
        source.hold(offset..offset + bytes as u64);
        let (name, reads) = (name.to_string(), reads.clone());
        let (loaded, counted, released) = (OnceLock::new(), AtomicBool::new(false), AtomicBool::new(false));
        Stored(Arc::new(Inner {
            name,
            dtype,
            shape,
            source,
            offset,
            bytes,
            loaded,
            counted,
            released,
            reads,
        }))
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// A number that it shares with its clones alone, while it lives.
    pub fn number(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// How the reading went of the weights of its model.
    pub fn reads(&self) -> &Reads {
        &self.0.reads
    }

    /// Its elements, if they were loaded.
    pub fn loaded(&self) -> Option<&Tensor> {
        self.0.loaded.get()
    }

    /// Whether it is large, and its source has it at hand from now on.
    pub async fn may_wait(&self) -> Result<bool> {
        Ok(self.0.bytes >= LARGE && self.loaded().is_none() && self.0.source.at_hand().await?)
    }

    /// Loads its elements for good, if that has not happened yet.
    pub async fn load(&self) -> Result<Tensor> {
        let tensor = match self.loaded() {
            Some(tensor) => tensor.clone(),
            None => self.keep(self.fetch().await?),
        };
        self.count();
        Ok(tensor)
    }

    /// Its elements, read now if they were not loaded. Whoever asks again reads again.
    pub fn read(&self) -> Result<Tensor> {
        let tensor = match self.loaded() {
            Some(tensor) => tensor.clone(),
            None => at_once(self.fetch())?,
        };
        self.count();
        Ok(tensor)
    }

    /// Keeps its elements, which were read, for its clones as well.
    pub fn keep(&self, tensor: Tensor) -> Tensor {
        let kept = self.0.loaded.get_or_init(|| tensor).clone();
        self.0.release();
        kept
    }

    async fn fetch(&self) -> Result<Tensor> {
        let inner = &*self.0;
        let read = async {
            let mut buffer = Buffer::zeroed(inner.bytes)?;
            inner.source.read(inner.offset, buffer.as_mut()).await?;
            self.of(buffer)
        };
        read.await.map_err(|e| e.of_tensor(&inner.name))
    }

    /// Takes its elements from there, for good.
    pub(super) fn fill(&self, buffer: Buffer) -> Result<()> {
        self.keep(self.of(buffer)?);
        Ok(())
    }

    fn of(&self, buffer: Buffer) -> Result<Tensor> {
        Tensor::from_buffer(self.0.dtype, &self.0.shape, buffer)
    }

    fn count(&self) {
        if !self.0.counted.swap(true, Ordering::Relaxed) {
            self.0.reads.0.0.fetch_add(self.0.bytes as u64, Ordering::Relaxed);
        }
    }
}

impl Inner {
    fn release(&self) {
        if !self.released.swap(true, Ordering::Relaxed) {
            self.source.release(self.offset..self.offset + self.bytes as u64);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.release();
    }
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?} at byte {} of {}", self.0.dtype, self.0.shape, self.0.offset, self.0.source.name())
    }
}
