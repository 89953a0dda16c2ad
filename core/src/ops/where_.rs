//! Where: elements of one tensor or of another, as a third one says.
//!
//! All three broadcast. Any element type, strings too.

use super::symbolic::{equal, propagate};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// Where.
#[derive(Clone, Debug)]
pub struct Where;

impl Operator for Where {
    fn parse(a: &mut Attrs) -> Result<Where> {
        a.arity(3..=3, 1..=1)?;
        Ok(Where)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (condition, x, y) = (cx.dtype(0)?, cx.dtype(1)?, cx.dtype(2)?);
        ensure!(condition == DType::Bool, InvalidModel, "the condition must be bool, got {condition}");
        ensure!(x == y, InvalidModel, "both choices must have one type, got {x} and {y}");
        let dims = cx.broadcast(0..3)?;
        cx.set_tensor(0, x, dims);
        propagate(cx, [0, 1, 2], x, |[c, x, y]| match c.known() {
            Some(c) => Some(if c != 0 { x } else { y }.clone()),
            None => equal(x, y)?.then(|| x.clone()),
        })
    }
}
