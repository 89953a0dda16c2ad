//! NonZero: the places of all elements that are not zero (or an empty string), as a matrix with a row per
//! axis.
//!
//! A scalar has no axes and gives a matrix without rows. Tensors of every type; the result is i64.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Dim, Result};
use smallvec::smallvec;

/// NonZero.
#[derive(Clone, Debug)]
pub struct NonZero;

impl Operator for NonZero {
    fn parse(a: &mut Attrs) -> Result<NonZero> {
        a.arity(1..=1, 1..=1)?;
        Ok(NonZero)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let rank = cx.dims(0).map(|dims| Dim::from(dims.len()));
        let rank = rank.unwrap_or_else(|| cx.unknown_dim());
        let count = cx.unknown_dim();
        cx.set_tensor(0, DType::I64, Some(smallvec![rank, count]));
        Ok(())
    }
}
