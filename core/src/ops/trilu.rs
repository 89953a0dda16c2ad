//! Trilu: the upper or lower triangle of the last two axes, zeros elsewhere; also of com.microsoft.
//!
//! The diagonal `k` above the main one still belongs to either triangle. Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// Trilu.
#[derive(Clone, Debug)]
pub struct Trilu {
    /// Whether the upper triangle stays.
    pub upper: bool,
}

impl Operator for Trilu {
    fn parse(a: &mut Attrs) -> Result<Trilu> {
        a.arity(1..=2, 1..=1)?;
        Ok(Trilu { upper: a.flag("upper", true)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            ensure!(dims.len() >= 2, InvalidModel, "expected at least two axes, got {dims:?}");
        }
        cx.like_input()?;
        carry(self, cx, |i| i == 0)
    }
}
