//! What is fuzzed: three functions that take any bytes and panic where Edgewise breaks a promise.
//!
//! The same bodies serve cargo-fuzz (`fuzz/`), the fuzzer of this crate (`cargo xtask fuzz`) and its tests.
//! The promises: no panic, no answer of the kind `Internal` (which means a bug), nothing beyond the limits.
//! With debug assertions on, every plan that is made is replayed by `plan::check` as well.

mod carry;
mod choices;
mod corpus;
mod decode;
mod flows;
pub mod memory;
mod model;
mod mutate;
mod plan;
mod pretend;
mod random;
mod values;
pub mod wire;

pub use corpus::{Case, Corpus, Seed};
pub use decode::decode;
pub use model::model;
pub use plan::plan;
pub use pretend::Pretend;
pub use random::Random;

use edgewise_core::{ErrorKind, Limits, Result};
use std::time::Duration;

/// What a fuzzed model may cost: little, so that whoever exceeds it stands out.
pub fn limits() -> Limits {
    Limits {
        max_bytes: 64 << 20,
        max_nodes: 4096,
        max_depth: 16,
        max_run_bytes: 128 << 20,
        deadline: Some(Duration::from_secs(1)),
    }
}

/// Any error is an answer, but for the one that admits a bug.
fn judge<T>(result: Result<T>) -> Option<T> {
    if let Err(error) = &result {
        assert!(error.kind() != ErrorKind::Internal, "internal error: {error}");
    }
    result.ok()
}
