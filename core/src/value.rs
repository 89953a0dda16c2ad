//! What flows along a graph's edges: tensors, and now and then sequences, optionals and maps.

use crate::{DType, Result, Tensor};
use std::fmt;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A tensor of that element type.
    Tensor(DType),
    /// A sequence of values of one kind.
    Sequence(Box<Kind>),
    /// A value or nothing.
    Optional(Box<Kind>),
    /// A map from strings or integers.
    Map(DType, Box<Kind>),
}

impl Kind {
    /// The element type, of a tensor.
    pub fn dtype(&self) -> Option<DType> {
        match self {
            Kind::Tensor(d) => Some(*d),
            _ => None,
        }
    }

    /// What a kind is called, read back: `f32`, `sequence(string)`.
    pub fn parse(text: &str) -> Result<Kind> {
        Kind::named(text).ok_or_else(|| {
            err!(InvalidInput, "expected a kind of value such as f32 or sequence(i64), got '{text}'")
        })
    }

    fn named(text: &str) -> Option<Kind> {
        if let Some(dtype) = DType::named(text) {
            return Some(Kind::Tensor(dtype));
        }
        let (outer, inner) = text.strip_suffix(')')?.split_once('(')?;
        Some(match outer {
            "sequence" => Kind::Sequence(Box::new(Kind::named(inner)?)),
            "optional" => Kind::Optional(Box::new(Kind::named(inner)?)),
            "map" => {
                let (key, value) = inner.split_once(", ")?;
                Kind::Map(DType::named(key)?, Box::new(Kind::named(value)?))
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Tensor(d) => write!(f, "{d}"),
            Kind::Sequence(k) => write!(f, "sequence({k})"),
            Kind::Optional(k) => write!(f, "optional({k})"),
            Kind::Map(key, k) => write!(f, "map({key}, {k})"),
        }
    }
}

/// A value: what callers pass in and get back.
#[derive(Clone, Debug)]
pub enum Value {
    /// A tensor.
    Tensor(Tensor),
    /// A sequence; the kind is that of its items and is known even when it is empty.
    Sequence(Kind, Vec<Value>),
    /// A value or nothing; the kind is that of the value.
    Optional(Kind, Option<Box<Value>>),
    /// A map.
    Map(Map),
}

/// A map in the order in which its keys came.
#[derive(Clone, Debug)]
pub struct Map {
    /// The keys.
    pub keys: MapKeys,
    /// One value per key.
    pub values: Tensor,
}

/// A map's keys.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum MapKeys {
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

impl Value {
    /// The kind of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Tensor(t) => Kind::Tensor(t.dtype()),
            Value::Sequence(kind, _) => Kind::Sequence(Box::new(kind.clone())),
            Value::Optional(kind, _) => Kind::Optional(Box::new(kind.clone())),
            Value::Map(m) => {
                let key = match m.keys {
                    MapKeys::Ints(_) => DType::I64,
                    MapKeys::Strings(_) => DType::Str,
                };
                Kind::Map(key, Box::new(Kind::Tensor(m.values.dtype())))
            }
        }
    }

    /// Bytes of its elements, those of its items included.
    pub fn bytes(&self) -> u64 {
        match self {
            Value::Tensor(t) => t.bytes() as u64,
            Value::Sequence(_, items) => items.iter().map(Value::bytes).sum(),
            Value::Optional(_, item) => item.as_ref().map_or(0, |item| item.bytes()),
            Value::Map(map) => map.values.bytes() as u64,
        }
    }

    /// The tensor, or an error that says what it is instead.
    pub fn tensor(&self) -> Result<&Tensor> {
        match self {
            Value::Tensor(t) => Ok(t),
            other => Err(err!(InvalidInput, "expected a tensor, got {}", other.kind())),
        }
    }

    /// The items of a sequence, or an error that says what it is instead.
    pub fn sequence(&self) -> Result<&[Value]> {
        match self {
            Value::Sequence(_, items) => Ok(items),
            other => Err(err!(InvalidInput, "expected a sequence, got {}", other.kind())),
        }
    }
}

impl From<Tensor> for Value {
    fn from(t: Tensor) -> Value {
        Value::Tensor(t)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_kind_can_be_read_back() {
        for text in ["f32", "f8e4m3fn", "sequence(string)", "optional(sequence(i64))", "map(string, f32)"] {
            assert_eq!(Kind::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_kind_is_refused_by_name() {
        for text in
            ["", "float", "sequence", "sequence(", "sequence()", "list(f32)", "map(f32)", "f32)", "(f32)"]
        {
            assert!(Kind::parse(text).unwrap_err().to_string().contains(&format!("'{text}'")), "{text}");
        }
    }
}
