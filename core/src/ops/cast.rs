//! Cast and CastLike: other element types for the same numbers.
//!
//! Until opset 5 `to` was a type's name, then its number; CastLike takes the type of its second input.
//! `saturate` (8-bit floats, from 19 on) and `round_mode` (f8e8m0, from 24 on) say what happens to numbers
//! that the type cannot hold. Every type but the complex ones.

use super::symbolic::propagate;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Dim, PowerRound, Result};

/// Cast or CastLike.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The type; none where it is that of the second input.
    to: Option<DType>,
    /// What happens to numbers that it cannot hold.
    pub rule: CastRule,
}

/// What happens to numbers that the new type cannot hold.
#[derive(Clone, Copy, Debug)]
pub struct CastRule {
    /// 8-bit floats: too large a number becomes the largest one.
    pub saturate: bool,
    /// f8e8m0: which power of two is taken.
    pub round: PowerRound,
}

impl Operator for Cast {
    fn parse(a: &mut Attrs) -> Result<Cast> {
        let to = if a.op() == "CastLike" {
            a.arity(2..=2, 1..=1)?;
            None
        } else {
            a.arity(1..=1, 1..=1)?;
            let to = if a.version() < 6 { named_type(a)? } else { a.dtype("to")? };
            Some(a.required("to", to)?)
        };
        let saturate = a.flag("saturate", true)?;
        let rounds = [("up", PowerRound::Up), ("down", PowerRound::Down), ("nearest", PowerRound::Nearest)];
        Ok(Cast { to, rule: CastRule { saturate, round: a.choice("round_mode", &rounds)? } })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let to = match self.to {
            Some(to) => to,
            None => cx.dtype(1)?,
        };
        cx.set_tensor(0, to, cx.dims(0).cloned());
        propagate(cx, [0], to, |[x]| match (to, x.known()) {
            (DType::Bool, Some(x)) => Some(Dim::from((x != 0) as i64)),
            (DType::Bool, None) => None,
            _ => Some(x.clone()),
        })
    }
}

/// `to` as it was written before opset 6.
fn named_type(a: &mut Attrs) -> Result<Option<DType>> {
    let Some(name) = a.str("to")? else { return Ok(None) };
    let dtype = match &name[..] {
        "FLOAT" => DType::F32,
        "FLOAT16" => DType::F16,
        "DOUBLE" => DType::F64,
        "INT8" => DType::I8,
        "INT16" => DType::I16,
        "INT32" => DType::I32,
        "INT64" => DType::I64,
        "UINT8" => DType::U8,
        "UINT16" => DType::U16,
        "UINT32" => DType::U32,
        "UINT64" => DType::U64,
        "BOOL" => DType::Bool,
        _ => bail!(InvalidModel, "attribute 'to' must be the name of a number's type, got '{name}'"),
    };
    Ok(Some(dtype))
}
