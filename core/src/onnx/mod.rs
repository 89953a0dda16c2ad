//! ONNX files: decoded lazily, then imported as a [`Graph`](crate::graph::Graph).
//!
//! `skim` reads what is small and jumps over weights, `proto` decodes that, `import` gives it meaning.

mod beside;
mod gradient;
mod import;
mod pb;
mod proto;
mod skim;
mod source;
mod stored;
mod survey;
mod tensor;
mod wire;

pub use import::{Model, load, survey};
pub use pb::read_value;
#[cfg(not(target_family = "wasm"))]
pub use source::File;
pub use source::{BoxFuture, Bytes, Source};
pub use stored::{Reads, Stored};
pub use survey::{StandIn, Unsupported};
