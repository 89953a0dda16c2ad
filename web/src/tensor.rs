//! Tensors across the border, as bytes with a type and a shape.

use crate::error::to_js;
use edgewise_core::{Buffer, DType, Error, ErrorKind};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

/// An input or an output.
#[wasm_bindgen]
pub struct Tensor(pub(crate) edgewise_core::Tensor);

#[wasm_bindgen]
impl Tensor {
    /// From little-endian bytes. `dtype` is the name that `Session.inputs` gives, such as `f32`.
    #[wasm_bindgen(constructor)]
    pub fn new(dtype: &str, dims: Vec<u32>, bytes: &Uint8Array) -> Result<Tensor, JsValue> {
        let unknown = || Error::new(ErrorKind::InvalidInput, format!("there is no tensor type '{dtype}'"));
        let dtype = DType::ALL.into_iter().find(|d| d.to_string() == dtype);
        let shape: Vec<usize> = dims.into_iter().map(|d| d as usize).collect();
        let make = || {
            let mut buffer = Buffer::zeroed(bytes.length() as usize)?;
            bytes.copy_to(buffer.as_mut());
            edgewise_core::Tensor::from_buffer(dtype.ok_or_else(unknown)?, &shape, buffer)
        };
        make().map(Tensor).map_err(to_js)
    }

    /// The element type.
    #[wasm_bindgen(getter)]
    pub fn dtype(&self) -> String {
        self.0.dtype().to_string()
    }

    /// The sizes of the axes.
    #[wasm_bindgen(getter)]
    pub fn dims(&self) -> Vec<u32> {
        self.0.shape().iter().map(|&d| d as u32).collect()
    }

    /// Another handle to the same elements: a run consumes the handles that it is given.
    pub fn share(&self) -> Tensor {
        Tensor(self.0.clone())
    }

    /// A copy of the elements, little-endian. Strings have no bytes.
    pub fn bytes(&self) -> Uint8Array {
        Uint8Array::from(self.0.view().bytes())
    }
}
