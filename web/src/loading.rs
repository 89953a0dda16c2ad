//! A model that is being loaded while its bytes come.

use crate::error::to_js;
use crate::session::Session;
use crate::source::{Arrays, Arrivals};
use edgewise_core::{Error, ErrorKind, Options};
use edgewise_simd::Isa;
use js_sys::Uint8Array;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::prelude::*;

type Load = Pin<Box<dyn Future<Output = edgewise_core::Result<edgewise_core::Session>>>>;

/// A model that is being loaded while its bytes come: each piece is read, copied to where it belongs and let go
/// before the next one is there. `load.js` feeds it from a response.
#[wasm_bindgen]
pub struct Loading {
    source: Arc<dyn Arrivals>,
    len: f64,
    come: f64,
    state: State,
}

enum State {
    Waits(Load),
    Done(Box<edgewise_core::Result<edgewise_core::Session>>),
}

#[wasm_bindgen]
impl Loading {
    /// Of a file with so many bytes. Runs will use so many `threads`, the caller's among them: one if left out,
    /// and in builds without threads. Those are the workers that have come by then (`threads.js` starts them);
    /// nobody is waited for.
    #[wasm_bindgen(constructor)]
    pub fn new(length: f64, threads: Option<u32>) -> Loading {
        // Besides the weights: what some kernels make of them in addition, and what a run needs.
        make_room(((length * 1.5) as usize).saturating_add(MORE));
        let options = Options { threads: threads.unwrap_or(1) as usize, ..Options::default() };
        Loading::with(Arc::new(Arrays::new(length as u64)), length, options)
    }

    /// The next bytes, which may change afterwards, unless they are for a device. An error says why the model cannot be
    /// loaded, as soon as that is clear.
    pub fn push(&mut self, bytes: Uint8Array) -> Result<(), JsValue> {
        self.come += f64::from(bytes.length());
        if self.come > self.len {
            return Err(to_js(self.length_error()));
        }
        self.source.push(bytes);
        self.go_on();
        self.source.keep_rest();
        if let State::Done(loaded) = &self.state
            && let Err(error) = &**loaded
        {
            return Err(to_js(error.clone()));
        }
        Ok(())
    }

    /// The session, when all bytes have come.
    pub fn finish(mut self) -> Result<Session, JsValue> {
        self.check_length()?;
        self.go_on();
        match self.state {
            State::Done(loaded) => loaded.map(Session::from).map_err(to_js),
            State::Waits(_) => Err(to_js(Error::new(ErrorKind::Internal, "all bytes came, loading waits"))),
        }
    }
}

impl Loading {
    fn with(source: Arc<dyn Arrivals>, length: f64, options: Options) -> Loading {
        // Found out now: two threads that want to know at once would wait for each other, which a page's main
        // thread must not.
        let _ = Isa::current();
        let given = source.clone();
        let load = async move { edgewise_core::Session::load(given, options, &mut |_| {}).await };
        Loading { source, len: length, come: 0.0, state: State::Waits(Box::pin(load)) }
    }

    fn go_on(&mut self) {
        if let State::Waits(load) = &mut self.state
            && let Poll::Ready(loaded) = load.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            self.state = State::Done(Box::new(loaded));
        }
    }

    fn check_length(&self) -> Result<(), JsValue> {
        if self.come == self.len { Ok(()) } else { Err(to_js(self.length_error())) }
    }

    fn length_error(&self) -> Error {
        let (len, come) = (self.len, self.come);
        Error::new(ErrorKind::Io, format!("expected a model of {len} bytes, {come} came"))
    }
}

#[cfg(all(feature = "gpu", target_family = "wasm"))]
#[wasm_bindgen]
impl Loading {
    /// The same for a device, which runs what it has kernels for. The bytes that are pushed stay where they are until
    /// the device takes the weights in them, so they must not change.
    pub fn onto(length: f64, threads: Option<u32>, device: &crate::gpu::Device) -> Loading {
        make_room(MORE);
        let device = Some(device.0.clone() as Arc<dyn edgewise_core::device::Device>);
        let threads = threads.unwrap_or(1) as usize;
        let source = Arc::new(crate::kept::Kept::new(length as u64));
        Loading::with(source, length, Options { threads, device, ..Options::default() })
    }

    /// A promise of the session, when all bytes have come: a device has to be awaited.
    #[wasm_bindgen(js_name = finishAsync, unchecked_return_type = "Promise<Session>")]
    pub fn finish_async(self) -> js_sys::Promise {
        js_sys::futures::future_to_promise(async move {
            self.check_length()?;
            let loaded = match self.state {
                State::Done(loaded) => *loaded,
                State::Waits(load) => load.await,
            };
            loaded.map(|session| Session::from(session).into()).map_err(to_js)
        })
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
