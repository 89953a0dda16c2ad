//! CumSum and CumProd: running sums and products along an axis, which is an input.
//!
//! `exclusive` leaves each element itself out, `reverse` runs from the end. Numbers of every type.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Infer, normalize_axis};

/// CumSum or CumProd.
#[derive(Clone, Debug)]
pub struct CumSum {
    /// Whether products are formed.
    pub product: bool,
    /// Whether each element itself is left out.
    pub exclusive: bool,
    /// Whether they run from the end.
    pub reverse: bool,
}

impl Operator for CumSum {
    fn parse(a: &mut Attrs) -> Result<CumSum> {
        a.arity(2..=2, 1..=1)?;
        Ok(CumSum {
            product: a.op() == "CumProd",
            exclusive: a.flag("exclusive", false)?,
            reverse: a.flag("reverse", false)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let (Some(dims), Some([axis])) = (cx.dims(0), cx.known_ints(1).as_deref()) {
            normalize_axis(*axis, dims.len())?;
        }
        cx.like_input()
    }
}
