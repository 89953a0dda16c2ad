//! Inputs for models of which nothing is known but what they declare.

use edgewise_core::{DType, Kind, Map, MapKeys, Port, Tensor, Value};

/// What every symbol stands for.
const SYMBOL: i64 = 2;
/// Inputs with more elements are not worth their time.
const MOST_ELEMENTS: usize = 1 << 16;

/// A value that fits the port; `None` where that would be too large.
pub fn of_port(port: &Port) -> Option<Value> {
    let shape = match &port.fact.dims {
        Some(_) => port.shape(&|_| Some(SYMBOL))?,
        None => vec![2, 3],
    };
    of_kind(&port.fact.kind, &shape)
}

fn of_kind(kind: &Kind, shape: &[usize]) -> Option<Value> {
    Some(match kind {
        Kind::Tensor(dtype) => tensor(*dtype, shape)?.into(),
        Kind::Sequence(item) => {
            let value = of_kind(item, shape)?;
            Value::Sequence((**item).clone(), vec![value.clone(), value])
        }
        Kind::Optional(item) => Value::Optional((**item).clone(), Some(Box::new(of_kind(item, shape)?))),
        Kind::Map(key, value) => {
            let keys = match key {
                DType::Str => MapKeys::Strings(vec!["a".into(), "b".into()]),
                _ => MapKeys::Ints(vec![0, 1]),
            };
            Value::Map(Map { keys, values: tensor(value.dtype()?, &[2])? })
        }
    })
}

/// Small numbers, so that what serves as an index or a size is sometimes a good one.
fn tensor(dtype: DType, shape: &[usize]) -> Option<Tensor> {
    let len = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|n| *n <= MOST_ELEMENTS)?;
    let small = |i: usize| i % 4;
    let f32s = |scale: f32| (0..len).map(|i| small(i) as f32 * scale).collect::<Vec<_>>();
    match dtype {
        DType::Str => Tensor::from_strings(shape, (0..len).map(|i| format!("s{}", small(i))).collect()),
        DType::F32 => Tensor::new(shape, &f32s(0.5)),
        DType::F64 => Tensor::new(shape, &f32s(0.5).into_iter().map(f64::from).collect::<Vec<_>>()),
        DType::I64 => Tensor::new(shape, &(0..len).map(|i| small(i) as i64).collect::<Vec<_>>()),
        DType::I32 => Tensor::new(shape, &(0..len).map(|i| small(i) as i32).collect::<Vec<_>>()),
        // The others from their bytes: for integers small numbers, for small floats small magnitudes.
        _ => {
            let bytes = dtype.bytes_for(len)?;
            Tensor::from_bytes(dtype, shape, &(0..bytes).map(|i| (i % 2) as u8).collect::<Vec<_>>())
        }
    }
    .ok()
}
