//! Where a model's bytes come from: memory, a file, later HTTP ranges and a browser's file system.

use crate::Result;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

/// A future that can cross threads where there are threads.
#[cfg(not(target_family = "wasm"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A future that can cross threads where there are threads.
#[cfg(target_family = "wasm")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Bytes that are read by ranges, so that weights can stay where they are until a device takes them.
pub trait Source: Send + Sync {
    /// What to call it in messages: a path or a URL.
    fn name(&self) -> &str;

    /// How many bytes it has.
    fn len(&self) -> u64;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its bytes come one after the other and are gone when they were read. Then weights are read as
    /// they pass, and no byte twice.
    fn streams(&self) -> bool {
        false
    }

    /// Whether it can be read again at any time, and keeping it for that costs no memory.
    fn stays(&self) -> bool {
        false
    }

    /// Waits until all of it has come, where it has to; then tells whether every byte can be read at once, as often as
    /// anybody wants. Then large weights stay in it until a device takes them.
    fn at_hand(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    /// A tensor lies there, which may be read until that is [released](Source::release). Several may share bytes.
    fn hold(&self, _bytes: Range<u64>) {}

    /// Nobody will read the tensor there any more.
    fn release(&self, _bytes: Range<u64>) {}

    /// Fills `into` from `offset` on. The range lies within [`Source::len`].
    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>>;

    /// The model names those files for its external data. That is told before the first of them is asked for, so that a
    /// source which has to fetch them, or to wait for them, can do so.
    fn expect<'a>(&'a self, _paths: &'a [String]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// The source of a file beside this one, for external data. `path` has been checked: it is relative and
    /// does not leave the folder.
    fn beside(&self, path: &str) -> Result<Arc<dyn Source>> {
        Err(err!(Unsupported, "external data '{path}' cannot be found: {} has no folder", self.name()))
    }
}

/// A model in memory, with external data by name.
pub struct Bytes {
    name: String,
    bytes: Arc<[u8]>,
    files: Vec<(String, Arc<[u8]>)>,
}

impl Bytes {
    /// A model in memory.
    pub fn new(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Bytes {
        Bytes { name: name.into(), bytes: bytes.into(), files: Vec::new() }
    }

    /// Adds the external data that the model calls `path`.
    pub fn with_file(mut self, path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Bytes {
        self.files.push((path.into(), bytes.into()));
        self
    }
}

impl Source for Bytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn at_hand(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let from = range(offset, into.len()).and_then(|r| self.bytes.get(r));
            into.copy_from_slice(from.ok_or_else(|| past_end(self, offset, into.len()))?);
            Ok(())
        })
    }

    fn beside(&self, path: &str) -> Result<Arc<dyn Source>> {
        let (name, bytes) = self
            .files
            .iter()
            .find(|(name, _)| name == path)
            .ok_or_else(|| err!(NotFound, "external data '{path}' was not given with the model"))?;
        Ok(Arc::new(Bytes::new(name.clone(), bytes.clone())))
    }
}

/// A file, read by position.
#[cfg(not(target_family = "wasm"))]
pub struct File {
    path: std::path::PathBuf,
    name: String,
    file: std::fs::File,
    len: u64,
    /// When it was written, where the system tells.
    written: Option<std::time::SystemTime>,
}

#[cfg(not(target_family = "wasm"))]
impl File {
    /// Opens a regular file.
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<File> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let open = || -> Result<(std::fs::File, std::fs::Metadata)> {
            let file = std::fs::File::open(path)?;
            let meta = file.metadata()?;
            ensure!(meta.is_file(), Io, "expected a file, got something else");
            Ok((file, meta))
        };
        let (file, meta) = open().map_err(|e| e.in_file(&name))?;
        Ok(File { path: path.into(), name, file, len: meta.len(), written: meta.modified().ok() })
    }

    /// An error where somebody has written it since it was opened: its weights would be those of two models.
    fn unchanged(&self) -> Result<()> {
        let meta = self.file.metadata()?;
        let (len, written) = (meta.len(), meta.modified().ok());
        ensure!(len == self.len, Io, "the file had {} bytes when it was opened, and has {len}", self.len);
        ensure!(written == self.written, Io, "the file was written since it was opened");
        Ok(())
    }
}

#[cfg(not(target_family = "wasm"))]
impl Source for File {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn stays(&self) -> bool {
        true
    }

    fn at_hand(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut read = || -> Result<()> {
                #[cfg(unix)]
                std::os::unix::fs::FileExt::read_exact_at(&self.file, into, offset)?;
                #[cfg(not(unix))]
                {
                    use std::io::{Read, Seek, SeekFrom};
                    let mut file = self.file.try_clone()?;
                    file.seek(SeekFrom::Start(offset))?;
                    file.read_exact(into)?;
                }
                Ok(())
            };
            // What is missing is told by how long the file is now.
            let read = read();
            self.unchanged().and(read).map_err(|e| e.in_file(&self.name))
        })
    }

    fn beside(&self, path: &str) -> Result<Arc<dyn Source>> {
        let folder = self.path.parent().unwrap_or(std::path::Path::new("."));
        let full = folder.join(path);
        // The text of the path was checked; a symbolic link could still lead outside.
        let (real, home) = (full.canonicalize(), folder.canonicalize());
        match (real, home) {
            (Ok(real), Ok(home)) if real.starts_with(&home) => Ok(Arc::new(File::open(full)?)),
            (Ok(_), Ok(_)) => {
                Err(err!(InvalidModel, "external data '{path}' leads outside the model's folder"))
            }
            (Err(e), _) | (_, Err(e)) => {
                Err(crate::Error::new(crate::ErrorKind::NotFound, format!("external data '{path}': {e}")))
            }
        }
    }
}

fn range(offset: u64, len: usize) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    Some(start..start.checked_add(len)?)
}

fn past_end(source: &dyn Source, offset: u64, len: usize) -> crate::Error {
    err!(Io, "bytes {offset}..{} lie outside its {} bytes", offset.saturating_add(len as u64), source.len())
        .in_file(source.name())
}
