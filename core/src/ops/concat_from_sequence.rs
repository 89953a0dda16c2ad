//! ConcatFromSequence: the tensors of a sequence, joined along an axis or stacked along a new one.
//!
//! Opset 11, unchanged since. The shape depends on the items, which only the run knows.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;
use crate::ops::sequence::item_kind;

/// ConcatFromSequence.
#[derive(Clone, Debug)]
pub struct ConcatFromSequence {
    /// The axis, possibly counted from the back (of the result where it is new).
    pub axis: i64,
    /// Whether the items are stacked along a new axis.
    pub new_axis: bool,
}

impl Operator for ConcatFromSequence {
    fn parse(a: &mut Attrs) -> Result<ConcatFromSequence> {
        a.arity(1..=1, 1..=1)?;
        let axis = a.int("axis")?;
        Ok(ConcatFromSequence { axis: a.required("axis", axis)?, new_axis: a.flag("new_axis", false)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let kind = item_kind(cx, 0)?;
        let dtype = kind
            .dtype()
            .ok_or_else(|| err!(InvalidModel, "input 0 must be a sequence of tensors, got one of {kind}"))?;
        cx.set_tensor(0, dtype, None);
        Ok(())
    }
}
