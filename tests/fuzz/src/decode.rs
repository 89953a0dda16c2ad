//! Any bytes as a model, and as a value in a file of its own.

use crate::{judge, limits};
use edgewise_core::{DType, Kind, block_on, onnx};
use std::sync::Arc;

/// Decodes bytes in every way in which files are decoded.
pub fn decode(bytes: &[u8]) {
    let source = Arc::new(onnx::Bytes::new("fuzz", bytes));
    judge(block_on(onnx::load(source, &limits(), &[])));
    let tensor = Kind::Tensor(DType::F32);
    let kinds = [
        tensor.clone(),
        Kind::Sequence(Box::new(tensor.clone())),
        Kind::Optional(Box::new(Kind::Sequence(Box::new(tensor.clone())))),
        Kind::Map(DType::I64, Box::new(tensor.clone())),
        Kind::Map(DType::Str, Box::new(tensor)),
    ];
    for kind in &kinds {
        judge(onnx::read_value("fuzz", bytes, kind));
    }
}
