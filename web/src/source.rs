//! A model's bytes, left where JavaScript has them.

use edgewise_core::onnx::Source;
use edgewise_core::{BoxFuture, Error, ErrorKind, Result};
use js_sys::Uint8Array;

/// A `Uint8Array`. Ranges of it are copied when they are read, so that the file as a whole never lies in the
/// module's own memory, which could not shrink again.
pub struct Array(pub Uint8Array);

impl Source for Array {
    fn name(&self) -> &str {
        "model"
    }

    fn len(&self) -> u64 {
        u64::from(self.0.length())
    }

    fn read<'a>(&'a self, offset: u64, into: &'a mut [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let end = offset.saturating_add(into.len() as u64);
            let past_end =
                || Error::new(ErrorKind::Io, format!("bytes {offset}..{end} lie outside the model"));
            let (start, end) = (u32::try_from(offset), u32::try_from(end));
            let (Ok(start), Ok(end)) = (start, end) else { return Err(past_end()) };
            let part = self.0.subarray(start, end);
            if part.length() as usize != into.len() {
                return Err(past_end());
            }
            part.copy_to(into);
            Ok(())
        })
    }
}
