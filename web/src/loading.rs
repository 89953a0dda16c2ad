//! A model that is being loaded while its bytes come.

use crate::error::to_js;
use crate::here::Here;
use crate::object::{Given, invalid, size, thrown};
use crate::promise::promise;
use crate::session::Session;
use crate::source::{Arrays, Arrivals};
use crate::stop::Stop;
use edgewise_core::{Error, Limits, Options, Progress, Result};
use edgewise_simd::Isa;
use js_sys::{Function, Promise, Uint8Array};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

type Load = Pin<Box<dyn Future<Output = Result<edgewise_core::Session>>>>;

/// A model that is being loaded while its bytes come: each piece is read, copied to where it belongs and let go before
/// the next one is there. For a device, the pieces stay as they are until it takes the weights in them.
#[wasm_bindgen]
pub struct Loading(State);

enum State {
    /// Nobody knows how long the model is: nothing of it is read before all of it is there.
    Gathers(Start, Vec<Uint8Array>),
    Loads(Box<Feed>),
    /// Nothing more can come.
    Ended(Option<Error>),
}

#[wasm_bindgen]
impl Loading {
    /// Of a file with so many bytes, or of one of which that is not known.
    #[wasm_bindgen(constructor)]
    pub fn new(
        length: Option<f64>,
        #[wasm_bindgen(unchecked_optional_param_type = "LoadOptions")] options: JsValue,
    ) -> std::result::Result<Loading, JsValue> {
        let start = thrown(Start::of(&Given(&options)))?;
        Ok(Loading(match length {
            Some(length) => State::Loads(Box::new(Feed::new(start, thrown(size(length))? as u64))),
            None => State::Gathers(start, Vec::new()),
        }))
    }

    /// The next bytes, which may change afterwards, unless they are for a device. An error says why the model cannot be
    /// loaded, as soon as that is clear.
    pub fn push(&mut self, bytes: Uint8Array) -> std::result::Result<(), JsValue> {
        let pushed = match &mut self.0 {
            State::Gathers(start, gathered) => {
                gathered.push(if start.keeps() { bytes } else { bytes.slice(0, bytes.length()) });
                Ok(())
            }
            State::Loads(feed) => feed.push(bytes),
            State::Ended(why) => Err(why.clone().unwrap_or_else(ended)),
        };
        if let Err(error) = &pushed {
            self.0 = State::Ended(Some(error.clone()));
        }
        thrown(pushed)
    }

    /// The session, when all bytes have come. `signal` gives it up.
    #[wasm_bindgen(unchecked_return_type = "Promise<Session>")]
    pub fn finish(&mut self, signal: Option<AbortSignal>) -> Promise {
        let state = std::mem::replace(&mut self.0, State::Ended(None));
        promise(async move {
            let stop = Stop::on(signal)?;
            let load = async { state.into_feed()?.finish().await };
            stop.or(load).await.map(|session| Session(Arc::new(session)).into()).map_err(to_js)
        })
    }
}

impl State {
    fn into_feed(self) -> Result<Feed> {
        match self {
            State::Loads(feed) => Ok(*feed),
            State::Gathers(start, gathered) => {
                let length = gathered.iter().map(|bytes| u64::from(bytes.length())).sum();
                let mut feed = Feed::new(start, length);
                gathered.into_iter().try_for_each(|bytes| feed.push(bytes))?;
                Ok(feed)
            }
            State::Ended(why) => Err(why.unwrap_or_else(ended)),
        }
    }
}

fn ended() -> Error {
    invalid("this loading has ended; another model needs another one".into())
}

/// How to load a model.
struct Start {
    options: Options,
    name: String,
    progress: Option<Function>,
}

impl Start {
    fn of(given: &Given<'_>) -> Result<Start> {
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
        Ok(Start { options, name, progress: given.get("progress").map(JsCast::unchecked_into) })
    }

    /// Whether what comes stays where it is until a device takes it.
    fn keeps(&self) -> bool {
        self.options.device.is_some()
    }

    fn source(&self, length: u64) -> Arc<dyn Arrivals> {
        match self.keeps() {
            #[cfg(all(feature = "gpu", target_family = "wasm"))]
            true => Arc::new(crate::kept::Kept::new(&self.name, length)),
            _ => Arc::new(Arrays::new(&self.name, length)),
        }
    }
}

/// In a build without a GPU.
#[cfg(not(all(feature = "gpu", target_family = "wasm")))]
fn no_device(_given: &JsValue) -> Result<Arc<dyn edgewise_core::device::Device>> {
    Err(Error::new(edgewise_core::ErrorKind::Unsupported, "this build has no GPU; all others have"))
}

/// A model whose bytes come.
struct Feed {
    source: Arc<dyn Arrivals>,
    load: Load,
    loaded: Option<Result<edgewise_core::Session>>,
}

impl Feed {
    fn new(start: Start, length: u64) -> Feed {
        // Found out now: two threads that want to know at once would wait for each other, which a page's main
        // thread must not.
        let _ = Isa::current();
        // Besides the weights: what some kernels make of them in addition, and what a run needs.
        let weights = if start.keeps() { 0 } else { usize::try_from(length).unwrap_or(usize::MAX) };
        make_room((weights / 2).saturating_mul(3).saturating_add(MORE));
        let source = start.source(length);
        let (given, mut told) = (source.clone(), Told::new(start.progress));
        let load = async move {
            edgewise_core::Session::load(given, start.options, &mut |progress| told.hear(progress)).await
        };
        Feed { source, load: Box::pin(load), loaded: None }
    }

    fn push(&mut self, bytes: Uint8Array) -> Result<()> {
        self.source.push(bytes)?;
        self.go_on();
        self.source.keep_rest();
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

    async fn finish(self) -> Result<edgewise_core::Session> {
        self.source.check_length()?;
        match self.loaded {
            Some(loaded) => loaded,
            None => self.load.await,
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
            Progress::Ready => return,
        }
        if let Some(whom) = self.whom.as_ref().and_then(Here::get) {
            // What it throws is no reason to stop.
            let _ = whom.call3(&JsValue::NULL, &"weights".into(), &self.done.into(), &self.total.into());
        }
    }
}

/// What a model needs besides its weights.
const MORE: usize = 8 << 20;

/// Makes memory grow once, not tensor by tensor: each time, the engine wonders whether to collect garbage. Where that
/// is refused, it will be again, for a tensor by name.
fn make_room(bytes: usize) {
    // Nothing is touched, so this costs addresses; a length that is a lie costs no more of them.
    const MOST: usize = 1 << 30;
    let mut room = Vec::<u8>::new();
    let _ = room.try_reserve_exact(bytes.min(MOST));
    std::hint::black_box(room);
}
