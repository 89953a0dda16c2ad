//! ONNX files.

use crate::DType;

/// A tensor that still lies in the model's source.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its element type.
    pub dtype: DType,
}
