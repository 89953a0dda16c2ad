//! Values across the border: tensors as bytes with a type and sizes, strings, and what is made of several values.

use crate::object::{array, invalid, size, thrown};
use edgewise_core::run::Placed;
use edgewise_core::{Buffer, DType, Kind, Map, MapKeys, Result, Tensor};
use js_sys::{Array, BigInt, JsString, Uint8Array};
use wasm_bindgen::prelude::*;

type Thrown<T> = std::result::Result<T, JsValue>;

/// An input or an output. A run consumes those that it is given; [`share`](Value::share) makes another handle to the
/// same elements.
#[wasm_bindgen]
pub struct Value(pub(crate) Placed);

#[wasm_bindgen]
impl Value {
    /// A tensor from little-endian bytes; elements of fewer than eight bits lie in them packed, low bits first. `dtype`
    /// is the name that a [port](crate::Session::inputs) has.
    pub fn tensor(
        #[wasm_bindgen(js_name = dtype)] name: &str,
        dims: Vec<f64>,
        bytes: &Uint8Array,
    ) -> Thrown<Value> {
        let make = || {
            let shape = shape(&dims)?;
            let dtype = DType::named(name).filter(|dtype| *dtype != DType::Str);
            let dtype =
                dtype.ok_or_else(|| invalid(format!("there is no tensor of numbers of type '{name}'")))?;
            let mut buffer = Buffer::zeroed(bytes.length() as usize)?;
            bytes.copy_to(buffer.as_mut());
            Tensor::from_buffer(dtype, &shape, buffer)
        };
        thrown(make().map(Value::from))
    }

    /// A tensor of strings.
    #[wasm_bindgen(js_name = ofStrings)]
    pub fn of_strings(dims: Vec<f64>, elements: Vec<String>) -> Thrown<Value> {
        thrown(shape(&dims).and_then(|shape| Tensor::from_strings(&shape, elements)).map(Value::from))
    }

    /// A sequence of values of one kind, as a port's text names it: `f32`, or `sequence(f32)`.
    pub fn sequence(kind: &str, items: Vec<Value>) -> Thrown<Value> {
        let make = || {
            let kind = Kind::parse(kind)?;
            let items = items.into_iter().map(|item| item.of_kind(&kind)).collect::<Result<_>>()?;
            Ok(edgewise_core::Value::Sequence(kind, items))
        };
        thrown(make().map(Value::from))
    }

    /// A value of that kind, or none.
    pub fn optional(kind: &str, value: Option<Value>) -> Thrown<Value> {
        let make = || {
            let kind = Kind::parse(kind)?;
            let value = value.map(|value| value.of_kind(&kind)).transpose()?;
            Ok(edgewise_core::Value::Optional(kind, value.map(Box::new)))
        };
        thrown(make().map(Value::from))
    }

    /// `tensor`, `sequence`, `optional` or `map`.
    #[wasm_bindgen(getter, unchecked_return_type = "\"tensor\" | \"sequence\" | \"optional\" | \"map\"")]
    pub fn kind(&self) -> String {
        kind_name(&self.0.kind()).into()
    }

    /// The type of a tensor's elements.
    #[wasm_bindgen(getter)]
    pub fn dtype(&self) -> Option<String> {
        self.0.dtype().map(|dtype| dtype.name().into())
    }

    /// The sizes of a tensor's axes.
    #[wasm_bindgen(getter, unchecked_return_type = "number[] | undefined")]
    pub fn dims(&self) -> JsValue {
        self.0.shape().map_or(JsValue::UNDEFINED, |shape| array(shape.iter().map(|&size| size as f64)))
    }

    /// Where it lies.
    #[wasm_bindgen(getter, unchecked_return_type = "\"cpu\" | \"gpu\"")]
    pub fn place(&self) -> String {
        if matches!(self.0, Placed::Device(_)) { "gpu" } else { "cpu" }.into()
    }

    /// A copy of a tensor's elements, little-endian.
    pub fn bytes(&self) -> Thrown<Uint8Array> {
        let tensor = thrown(self.host_tensor())?;
        let is_numbers = tensor.dtype() != DType::Str;
        thrown(
            is_numbers.then(|| Uint8Array::from(tensor.view().bytes())).ok_or_else(|| {
                invalid("a tensor of strings has no bytes; strings() gives its elements".into())
            }),
        )
    }

    /// A copy of the elements of a tensor of strings.
    pub fn strings(&self) -> Thrown<Vec<String>> {
        let strings = self.host_tensor().and_then(|tensor| tensor.view().strings());
        thrown(strings.map(<[String]>::to_vec).map_err(|e| invalid(e.what().into())))
    }

    /// The items of a sequence; of an optional none or one.
    pub fn items(&self) -> Thrown<Vec<Value>> {
        let items = match thrown(self.on_host())? {
            edgewise_core::Value::Sequence(_, items) => items.iter().cloned().map(Value::from).collect(),
            edgewise_core::Value::Optional(_, item) => {
                item.iter().map(|item| (**item).clone().into()).collect()
            }
            other => {
                return thrown(Err(invalid(format!(
                    "expected a sequence or an optional, got {}",
                    other.kind()
                ))));
            }
        };
        Ok(items)
    }

    /// The keys of a map, each with its value.
    #[wasm_bindgen(unchecked_return_type = "[key: bigint | string, value: Value][]")]
    pub fn entries(&self) -> Thrown<JsValue> {
        let entries = || match self.on_host()? {
            edgewise_core::Value::Map(map) => pairs(map),
            other => Err(invalid(format!("expected a map, got {}", other.kind()))),
        };
        thrown(entries())
    }

    /// Another handle to the same elements.
    pub fn share(&self) -> Value {
        Value(self.0.clone())
    }
}

impl From<edgewise_core::Value> for Value {
    fn from(value: edgewise_core::Value) -> Value {
        Value(Placed::Host(value))
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Value {
        Value(Placed::Host(tensor.into()))
    }
}

impl Value {
    fn on_host(&self) -> Result<&edgewise_core::Value> {
        match &self.0 {
            Placed::Host(value) | Placed::Both(value, _) => Ok(value),
            Placed::Device(_) => {
                Err(invalid("the tensor lies on the GPU; fetch() brings it to the host".into()))
            }
        }
    }

    fn host_tensor(&self) -> Result<&Tensor> {
        self.on_host()?.tensor()
    }

    fn of_kind(&self, kind: &Kind) -> Result<edgewise_core::Value> {
        let value = self.on_host()?;
        let own = value.kind();
        if own == *kind { Ok(value.clone()) } else { Err(invalid(format!("expected {kind}, got {own}"))) }
    }
}

/// What sort of kind it is.
pub fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Tensor(_) => "tensor",
        Kind::Sequence(_) => "sequence",
        Kind::Optional(_) => "optional",
        Kind::Map(..) => "map",
    }
}

pub fn shape(dims: &[f64]) -> Result<Vec<usize>> {
    dims.iter().map(|&dim| size(dim)).collect()
}

fn pairs(map: &Map) -> Result<JsValue> {
    let keys: Vec<JsValue> = match &map.keys {
        MapKeys::Ints(keys) => keys.iter().map(|&key| BigInt::from(key).into()).collect(),
        MapKeys::Strings(keys) => keys.iter().map(|key| JsString::from(key.as_str()).into()).collect(),
    };
    let values = each(&map.values)?;
    Ok(array(keys.into_iter().zip(values).map(|(key, value)| Array::of2(&key, &Value::from(value).into()))))
}

/// The elements of a tensor as scalars.
fn each(tensor: &Tensor) -> Result<Vec<Tensor>> {
    if let Ok(strings) = tensor.view().strings() {
        return strings.iter().map(|text| Tensor::from_strings(&[], vec![text.clone()])).collect();
    }
    let bytes = (tensor.dtype().bits() / 8).max(1);
    let scalar = |element: &[u8]| Tensor::from_bytes(tensor.dtype(), &[], element);
    tensor.view().bytes().chunks_exact(bytes).map(scalar).collect()
}
