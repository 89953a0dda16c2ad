//! Values in files of their own, as ONNX's test data has them: TensorProto, SequenceProto, OptionalProto.

use super::skim::{Head, Payloads};
use super::tensor::Files;
use super::wire::Fields;
use super::{Bytes, Source, proto};
use crate::graph::Constant;
use crate::{DType, Kind, Limits, Map, MapKeys, Result, Value};
use std::sync::Arc;

/// Decodes a value of that kind.
pub fn read_value(name: &str, bytes: &[u8], kind: &Kind) -> Result<Value> {
    let read = || {
        let head = Head::whole(bytes);
        let source: Arc<dyn Source> = Arc::new(Bytes::new(name, bytes));
        let mut files = Files::new(source, Payloads::new(), &Limits::default());
        value(Fields::of(&head, bytes.len() as u64), kind, &mut files, 0)
    };
    read().map_err(|e: crate::Error| e.in_file(name))
}

fn value(fields: Fields<'_>, kind: &Kind, files: &mut Files, depth: usize) -> Result<Value> {
    ensure!(depth < 16, LimitExceeded, "values nest deeper than 16");
    match kind {
        Kind::Tensor(_) => {
            let constant = files.constant(&proto::tensor(fields)?)?;
            match constant {
                Constant::Tensor(tensor) => Ok(tensor.into()),
                _ => Err(err!(Internal, "a payload was skipped")),
            }
        }
        Kind::Sequence(inner) => {
            let mut items = Vec::new();
            for field in fields {
                let f = field?;
                if matches!(f.number, 3 | 5 | 6 | 7) {
                    items.push(value(f.message()?, inner, files, depth + 1)?);
                }
            }
            Ok(Value::Sequence((**inner).clone(), items))
        }
        Kind::Optional(inner) => {
            let mut item = None;
            for field in fields {
                let f = field?;
                if matches!(f.number, 3 | 5 | 6 | 7) {
                    item = Some(Box::new(value(f.message()?, inner, files, depth + 1)?));
                }
            }
            Ok(Value::Optional((**inner).clone(), item))
        }
        Kind::Map(key, inner) => map(fields, *key, inner, files, depth),
    }
}

fn map(fields: Fields<'_>, key: DType, inner: &Kind, files: &mut Files, depth: usize) -> Result<Value> {
    let (mut ints, mut strings, mut values) = (Vec::new(), Vec::new(), None);
    for field in fields {
        let f = field?;
        match f.number {
            3 => f.ints(&mut ints)?,
            4 => strings.push(f.text()?),
            5 => {
                let list = Kind::Sequence(Box::new(inner.clone()));
                values = Some(value(f.message()?, &list, files, depth + 1)?);
            }
            _ => {}
        }
    }
    let keys = if key == DType::Str { MapKeys::Strings(strings) } else { MapKeys::Ints(ints) };
    // The values come as a sequence of tensors, of which a map of scalars has one.
    match values {
        Some(Value::Sequence(_, items)) if items.len() == 1 => {
            Ok(Value::Map(Map { keys, values: items[0].tensor()?.clone() }))
        }
        _ => Err(err!(Unsupported, "a map whose values are not one tensor")),
    }
}
