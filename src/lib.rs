//! Edgewise: run quantized ONNX models anywhere.
pub use edgewise_core::*;
