//! com.microsoft's QLinearWhere: Where between two 8-bit tensors, each with its scale and zero point.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// QLinearWhere.
#[derive(Clone, Debug)]
pub struct QLinearWhere;

impl Operator for QLinearWhere {
    fn parse(a: &mut Attrs) -> Result<QLinearWhere> {
        a.arity(9..=9, 1..=1)?;
        Ok(QLinearWhere)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (x, y) = (cx.dtype(1)?, cx.dtype(4)?);
        ensure!(x == y, InvalidModel, "both choices must have one type, got {x} and {y}");
        let dims = cx.broadcast([0, 1, 4])?;
        cx.set_tensor(0, x, dims);
        Ok(())
    }
}
