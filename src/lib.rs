//! Edgewise: run quantized ONNX models anywhere, with the same answers on every device.

pub mod conformance;

pub use edgewise_core::*;
#[cfg(feature = "gpu")]
pub use edgewise_gpu as gpu;
#[cfg(feature = "models")]
pub use edgewise_models as models;
