//! Edgewise's executor: load → import → optimize → plan → run, and the CPU device.
//!
//! The modules below stand in the order in which a model passes them; [`Session`] is the page that shows
//! the whole flow. The CPU device ([`cpu`]) is the meaning of every operator: what another device computes
//! is compared with it.

// What takes memory of a device cannot be reached there.
#![cfg_attr(not(feature = "devices"), allow(unused_variables, unreachable_code))]

#[macro_use]
mod error;
#[macro_use]
mod element;
mod breath;
mod buffer;
mod clock;
mod context;
mod dim;
mod dtype;
mod gate;
mod limits;
mod log;
mod minifloat;
mod tensor;
mod value;

pub mod cpu;
pub mod device;
pub mod graph;
pub mod onnx;
pub mod ops;
pub mod optimize;
pub mod plan;
mod progress;
pub mod quant;
mod renewal;
pub mod run;
mod session;
mod stepwise;

pub use breath::{Breath, Pause};
pub use buffer::Buffer;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use clock::set_clock;
pub use context::Context;
pub use dim::Dim;
pub use dtype::DType;
pub use element::{Complex64, Complex128, Element, Float, Num, Truth};
pub use error::{Error, ErrorKind, Result};
pub use limits::Limits;
pub use minifloat::{E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, E8M0, PowerRound};
pub use onnx::BoxFuture;
#[cfg(not(target_family = "wasm"))]
pub use pollster::block_on;
pub use progress::Progress;
pub use session::{ModelInfo, Options, Port, RunOptions, Session};
pub use stepwise::{Step, Stepwise};
pub use tensor::{Shape, Tensor, View, ViewMut, byte_count, strides};
pub use value::{Kind, Map, MapKeys, Value};
