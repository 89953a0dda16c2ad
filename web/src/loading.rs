//! A model that is being loaded while its bytes come.

use crate::error::to_js;
use crate::feed::{Feed, Start};
use crate::object::{Given, invalid, size, thrown};
use crate::promise::promise;
use crate::session::Session;
use crate::stop::Stop;
use edgewise_core::{Error, Result};
use js_sys::{Promise, Uint8Array};
use std::sync::Arc;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

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

    /// The files beside it that the model names for its external data, once its structure is understood.
    pub fn needs(&self) -> Option<Vec<String>> {
        match &self.0 {
            State::Loads(feed) => feed.folder.beside.needs(),
            State::Gathers(..) | State::Ended(_) => None,
        }
    }

    /// Says that a file of that many bytes will come, which the model calls by that path.
    pub fn file(&mut self, path: &str, length: f64) -> std::result::Result<(), JsValue> {
        let announced = size(length).and_then(|length| match &mut self.0 {
            State::Gathers(start, _) => start.announce(path, length),
            State::Loads(feed) => feed.announce(path, length),
            State::Ended(why) => Err(why.clone().unwrap_or_else(ended)),
        });
        thrown(announced)
    }

    /// The next bytes of the model, or of a file beside it. They may change afterwards, unless they are for a device. An
    /// error says why the model cannot be loaded, as soon as that is clear.
    pub fn push(&mut self, bytes: Uint8Array, file: Option<String>) -> std::result::Result<(), JsValue> {
        let path = file.as_deref().unwrap_or_default();
        let pushed = match &mut self.0 {
            State::Gathers(start, gathered) if path.is_empty() => {
                gathered.push(if start.keeps() { bytes } else { bytes.slice(0, bytes.length()) });
                Ok(())
            }
            State::Gathers(start, _) => start.beside.push(bytes, path),
            State::Loads(feed) => feed.push(bytes, path),
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
                gathered.into_iter().try_for_each(|bytes| feed.push(bytes, ""))?;
                Ok(feed)
            }
            State::Ended(why) => Err(why.unwrap_or_else(ended)),
        }
    }
}

fn ended() -> Error {
    invalid("this loading has ended; another model needs another one".into())
}
