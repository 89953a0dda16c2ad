//! Inputs and outputs of a model as plain objects.

use crate::object::{array, object};
use crate::value::kind_name;
use edgewise_core::{Dim, Kind, Port};
use wasm_bindgen::JsValue;

/// What JavaScript sees of a port: its name, what it takes in words, and where that is a tensor, its type and sizes.
pub fn describe(port: &Port) -> JsValue {
    let kind = &port.fact.kind;
    let dtype = match kind {
        Kind::Optional(inner) => inner.dtype(),
        kind => kind.dtype(),
    };
    let dim = |dim: &Dim| match dim.known() {
        Some(size) => JsValue::from(size as f64),
        None => dim.to_string().into(),
    };
    let dims = port.fact.dims.as_ref().map(|dims| array(dims.iter().map(dim)));
    object([
        ("name", port.name.as_str().into()),
        ("kind", kind_name(kind).into()),
        ("text", port.fact.to_string().into()),
        ("dtype", dtype.map(|dtype| dtype.name()).into()),
        ("dims", dims.unwrap_or_default()),
    ])
}
