//! What loads a model while its bytes come.

use crate::folder::{Beside, Folder};
use crate::here::Here;
use crate::object::Given;
use crate::source::{Arrays, Arrivals};
use edgewise_core::{Limits, Options, Progress, Result};
use edgewise_simd::Isa;
use js_sys::{Function, Uint8Array};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::prelude::*;

type Load = Pin<Box<dyn Future<Output = Result<edgewise_core::Session>>>>;

/// How to load a model.
pub struct Start {
    options: Options,
    name: String,
    progress: Option<Function>,
    pub beside: Arc<Beside>,
}

impl Start {
    pub fn of(given: &Given<'_>) -> Result<Start> {
        let mut options = Options {
            threads: given.number("threads")?.map_or(1, |threads| threads as usize),
            optimize: given.flag("optimize", true),
            sizes: given.sizes("freeDimensions")?.into_iter().collect(),
            ..Options::default()
        };
        if let Some(bytes) = given.number("memoryLimit")? {
            options.limits = Limits { max_run_bytes: bytes as u64, ..options.limits };
        }
        if let Some(device) = given.get("device") {
            #[cfg(all(feature = "gpu", target_family = "wasm"))]
            let device = crate::gpu::Device::given(&device)?.0;
            #[cfg(not(all(feature = "gpu", target_family = "wasm")))]
            let device = no_device(&device)?;
            options.device = Some(device);
        }
        let name = given.text("name")?.unwrap_or("model".into());
        let progress = given.get("progress").map(JsCast::unchecked_into);
        Ok(Start { options, name, progress, beside: Arc::default() })
    }

    /// Whether what comes stays where it is until a device takes it.
    pub fn keeps(&self) -> bool {
        self.options.device.is_some()
    }

    pub fn announce(&self, path: &str, length: usize) -> Result<()> {
        self.beside.add(path, length as u64, !self.keeps())?;
        if !self.keeps() {
            make_room(length);
        }
        Ok(())
    }

    fn model(&self, length: u64) -> Arc<dyn Arrivals> {
        match self.keeps() {
            #[cfg(all(feature = "gpu", target_family = "wasm"))]
            true => Arc::new(crate::kept::Kept::model(&self.name, length)),
            _ => Arc::new(Arrays::new(&self.name, length)),
        }
    }
}

/// In a build without a GPU.
#[cfg(not(all(feature = "gpu", target_family = "wasm")))]
fn no_device(_given: &JsValue) -> Result<Arc<dyn edgewise_core::device::Device>> {
    Err(edgewise_core::err!(Unsupported, "this build has no GPU; all others have"))
}

/// A model whose bytes come.
pub struct Feed {
    pub folder: Arc<Folder>,
    /// Whether the pieces stay as they are until a device takes them.
    keeps: bool,
    load: Load,
    loaded: Option<Result<edgewise_core::Session>>,
}

impl Feed {
    pub fn new(start: Start, length: u64) -> Feed {
        // Found out now: two threads that want to know at once would wait for each other, which a page's main
        // thread must not.
        let _ = Isa::current();
        let keeps = start.keeps();
        make_room(if keeps { 0 } else { usize::try_from(length).unwrap_or(usize::MAX) });
        let folder = Arc::new(Folder { model: start.model(length), beside: start.beside });
        let (given, mut told) = (folder.clone(), Told::new(start.progress));
        let load = async move {
            edgewise_core::Session::load(given, start.options, &mut |progress| told.hear(progress)).await
        };
        Feed { folder, keeps, load: Box::pin(load), loaded: None }
    }

    pub fn announce(&mut self, path: &str, length: usize) -> Result<()> {
        self.folder.beside.add(path, length as u64, !self.keeps)?;
        if !self.keeps {
            make_room(length);
        }
        self.go_on();
        Ok(())
    }

    pub fn push(&mut self, bytes: Uint8Array, path: &str) -> Result<()> {
        self.folder.push(bytes, path)?;
        self.go_on();
        self.folder.keep_rest(path)?;
        match &self.loaded {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn go_on(&mut self) {
        if self.loaded.is_none()
            && let Poll::Ready(loaded) = self.load.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.loaded = Some(loaded);
        }
    }

    pub async fn finish(self) -> Result<edgewise_core::Session> {
        match self.loaded {
            // What is wrong with the model says more than that not all of it came.
            Some(Err(error)) => Err(error),
            loaded => {
                self.folder.check()?;
                match loaded {
                    Some(loaded) => loaded,
                    None => self.load.await,
                }
            }
        }
    }
}

/// Whom the progress is told.
struct Told {
    whom: Option<Here<Function>>,
    done: f64,
    total: f64,
}

impl Told {
    fn new(whom: Option<Function>) -> Told {
        Told { whom: whom.map(Here::new), done: 0.0, total: 0.0 }
    }

    fn hear(&mut self, progress: Progress) {
        match progress {
            Progress::Weights(bytes) => self.total = bytes as f64,
            Progress::Read(bytes) => self.done += bytes as f64,
            Progress::Pipelines { made, of } => return self.tell("pipelines", made as f64, of as f64),
            Progress::Ready => return,
        }
        self.tell("weights", self.done, self.total);
    }

    fn tell(&self, stage: &str, done: f64, total: f64) {
        if let Some(whom) = self.whom.as_ref().and_then(Here::get) {
            // What it throws is no reason to stop.
            let _ = whom.call3(&JsValue::NULL, &stage.into(), &done.into(), &total.into());
        }
    }
}

/// What a model needs besides its weights.
const MORE: usize = 8 << 20;

/// Makes memory grow once for so many bytes of weights, not tensor by tensor: each time, the engine wonders whether to
/// collect garbage. Where that is refused, it will be again, for a tensor by name.
fn make_room(weights: usize) {
    // Nothing is touched, so this costs addresses; a length that is a lie costs no more of them.
    const MOST: usize = 1 << 30;
    // Besides the weights: what some kernels make of them in addition, and what a run needs.
    let bytes = (weights / 2).saturating_mul(3).saturating_add(MORE);
    let mut room = Vec::<u8>::new();
    let _ = room.try_reserve_exact(bytes.min(MOST));
    std::hint::black_box(room);
}
