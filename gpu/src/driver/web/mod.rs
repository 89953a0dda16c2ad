//! The driver over the browser's WebGPU, by its own interface: in pages and in workers.
//!
//! What a reader would get wrong: nothing here waits by blocking, and nothing crosses threads. A page must never
//! wait, so what takes long is a promise that is awaited; and what WebGPU makes belongs to the page or worker
//! that opened the device ([`local`]).

mod local;
mod memory;
mod open;
mod page;
mod pipelines;
mod recording;
mod trouble;

pub use open::{Restrict, of_page, on_adapter, open};
pub use page::buffer_of;

use self::local::Local;
use self::memory::{Owner, Staging};
use self::pipelines::{Layouts, Modules};
use self::trouble::Trouble;
use super::{Dispatch, Driver, Features, Limits, Pipeline};
use crate::Preference;
use crate::shader::Variant;
use edgewise_core::device::{Memory, Recording};
use edgewise_core::{BoxFuture, Error, ErrorKind, Result};
use js_sys::Promise;
use js_sys::futures::JsFuture;
use std::ops::Range;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use web_sys::{GpuDevice, GpuQueue};

/// What is known of a device; the device itself stays with its thread.
pub struct Web {
    name: String,
    limits: Limits,
    features: Features,
    /// What offsets of parameters are multiples of.
    alignment: usize,
    origin: Origin,
    here: Local<Here>,
}

/// Where a device comes from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// It was asked for so.
    Asked(Preference, Restrict),
    /// It is the page's.
    Page,
}

/// WebGPU's device and queue, and what is kept for them.
struct Here {
    device: GpuDevice,
    queue: GpuQueue,
    modules: Modules,
    layouts: Layouts,
    staging: Staging,
    trouble: Trouble,
    owner: Owner,
}

/// What a promise gives. One of any type is awaited as a promise of anything: each type would be a function of its own
/// that JavaScript calls, with a name of its own in each build.
async fn kept<T: JsCast>(promise: impl JsCast) -> Result<T, JsValue> {
    JsFuture::from(promise.unchecked_into::<Promise>()).await.map(JsCast::unchecked_into)
}

/// What JavaScript threw, in a sentence.
fn thrown(what: &str, error: &JsValue) -> Error {
    let message = js_sys::Reflect::get(error, &"message".into()).ok().and_then(|text| text.as_string());
    err!(Internal, "{what}: {}", message.unwrap_or_else(|| format!("{error:?}")))
}

impl Driver for Web {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn features(&self) -> Features {
        self.features
    }

    fn allocate(&self, bytes: u64, what: &str) -> Result<Memory> {
        self.make_memory(bytes, what)
    }

    fn write(&self, to: &Memory, bytes: &[u8]) -> Result<()> {
        self.write_memory(to, bytes)
    }

    fn join(&self, parts: &[(Memory, Range<u64>)], to: &Memory) -> Result<()> {
        self.join_parts(parts, to)
    }

    fn pipelines<'a>(&'a self, variants: &'a [Variant]) -> BoxFuture<'a, Result<Vec<Pipeline>>> {
        Box::pin(self.compile_all(variants))
    }

    fn record(&self, dispatches: &[Dispatch<'_>]) -> Result<Recording> {
        self.make_recording(dispatches)
    }

    fn replay<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.submit(recording, check))
    }

    /// Takes no times.
    fn replay_timed<'a>(
        &'a self,
        recording: &'a Recording,
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Option<Vec<Range<Duration>>>>> {
        Box::pin(async move {
            self.submit(recording, check).await?;
            Ok(None)
        })
    }

    /// A promise cannot be hurried: `check` is asked before and behind it.
    fn read<'a>(
        &'a self,
        from: &'a [(Memory, usize)],
        check: &'a (dyn Fn() -> Result<()> + Sync),
    ) -> BoxFuture<'a, Result<Vec<Vec<u8>>>> {
        Box::pin(async move {
            check()?;
            let read = self.read_all(from).await?;
            check()?;
            Ok(read)
        })
    }

    fn is_lost(&self) -> bool {
        // Of another thread's device nothing is known here.
        let known = self.here.get().and_then(|here| here.trouble.check());
        known.is_err_and(|e| e.kind() == ErrorKind::DeviceLost)
    }

    fn give_up(&self) {
        if let Ok(here) = self.here.get() {
            here.trouble.keep(err!(DeviceLost, "{} was given up", self.name));
            if here.owner == Owner::Us {
                here.device.destroy();
            }
        }
    }

    fn reopen(&self) -> BoxFuture<'static, Result<Box<dyn Driver>>> {
        match self.origin {
            Origin::Asked(preference, restrict) => Box::pin(open(preference, restrict)),
            Origin::Page => {
                let lost = err!(DeviceLost, "{} went away, and is the page's to open again", self.name);
                Box::pin(async { Err(lost) })
            }
        }
    }

    fn web(&self) -> &Web {
        self
    }
}
