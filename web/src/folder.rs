//! A model with the files beside it, which its external data lie in.
//!
//! What a reader would get wrong: the model comes first, since only its structure tells which files those are; but they
//! may come at any time, all of them at once too.

use crate::kept::Kept;
use crate::object::invalid;
use crate::source::Arrivals;
use edgewise_core::onnx::Source;
use edgewise_core::{BoxFuture, Error, ErrorKind, Result};
use edgewise_pool::lock;
use js_sys::Uint8Array;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::task::Poll;

/// The files beside a model, as far as they are known.
#[derive(Default)]
pub struct Beside {
    files: Mutex<BTreeMap<String, Arc<Kept>>>,
    /// Those that the model names, once its structure is understood.
    needs: Mutex<Option<Vec<String>>>,
}

impl Beside {
    /// A file that will come, in arrays that may change when they were pushed, or not.
    pub fn add(&self, path: &str, len: u64, may_change: bool) -> Result<()> {
        let mut files = lock(&self.files);
        if files.contains_key(path) {
            return Err(invalid(format!("the file '{path}' was announced before")));
        }
        files.insert(path.into(), Arc::new(Kept::beside(path, len, may_change)));
        Ok(())
    }

    /// Adds the next bytes of a file.
    pub fn push(&self, bytes: Uint8Array, path: &str) -> Result<()> {
        let file = self.file(path)?;
        file.push(bytes)?;
        file.keep_rest();
        Ok(())
    }

    /// The file of that name.
    fn file(&self, path: &str) -> Result<Arc<Kept>> {
        let file = lock(&self.files).get(path).cloned();
        file.ok_or_else(|| invalid(format!("bytes of '{path}' came before file() announced it")))
    }

    /// Those that the model names, if that is known.
    pub fn needs(&self) -> Option<Vec<String>> {
        lock(&self.needs).clone()
    }

    /// An error unless all files that the model names have come.
    fn check(&self, model: &str) -> Result<()> {
        let (files, needs) = (lock(&self.files), self.needs().unwrap_or_default());
        if let Some(path) = needs.iter().find(|path| !files.contains_key(*path)) {
            let what = format!("weights of {model} lie in the file '{path}', which was not given with it");
            return Err(Error::new(ErrorKind::NotFound, what));
        }
        needs.iter().filter_map(|path| files.get(path)).try_for_each(|file| file.check_length())
    }

    fn are_known(&self, paths: &[String]) -> bool {
        let files = lock(&self.files);
        paths.iter().all(|path| files.contains_key(path))
    }
}

/// A model, and the files beside it.
pub struct Folder {
    pub model: Arc<dyn Arrivals>,
    pub beside: Arc<Beside>,
}

impl Folder {
    /// Adds the next bytes of the model, or of the file of that name.
    pub fn push(&self, bytes: Uint8Array, path: &str) -> Result<()> {
        if path.is_empty() { self.model.push(bytes) } else { self.beside.file(path)?.push(bytes) }
    }

    /// Called when what can be read of the last bytes has been: they may change from here on.
    pub fn keep_rest(&self, path: &str) -> Result<()> {
        if path.is_empty() {
            self.model.keep_rest()
        } else {
            self.beside.file(path)?.keep_rest()
        }
        Ok(())
    }

    /// An error unless all bytes have come.
    pub fn check(&self) -> Result<()> {
        self.model.check_length()?;
        self.beside.check(self.name())
    }
}

impl Source for Folder {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn len(&self) -> u64 {
        self.model.len()
    }

    fn streams(&self) -> bool {
        self.model.streams()
    }

    fn at_hand(&self) -> BoxFuture<'_, Result<bool>> {
        self.model.at_hand()
    }

    fn hold(&self, bytes: Range<u64>) {
        self.model.hold(bytes);
    }

    fn release(&self, bytes: Range<u64>) {
        self.model.release(bytes);
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        self.model.read(offset, into)
    }

    /// Whoever polls it does so again when more is known; nobody is woken.
    fn expect<'a>(&'a self, paths: &'a [String]) -> BoxFuture<'a, Result<()>> {
        *lock(&self.beside.needs) = Some(paths.to_vec());
        Box::pin(poll_fn(move |_| match self.beside.are_known(paths) {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }))
    }

    fn beside(&self, path: &str) -> Result<Arc<dyn Source>> {
        Ok(self.beside.file(path)?)
    }
}
