//! com.microsoft's QLinearAdd and QLinearMul: arithmetic of two 8-bit tensors, each with its scale and zero
//! point, to a third one's. Zero points may be left out; the tensors broadcast.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

names! {
    /// What is computed.
    QLinearElementwise { QLinearAdd QLinearMul }
}

impl Operator for QLinearElementwise {
    fn parse(a: &mut Attrs) -> Result<QLinearElementwise> {
        a.arity(7..=8, 1..=1)?;
        QLinearElementwise::named(a.op())
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (a, b) = (cx.dtype(0)?, cx.dtype(3)?);
        ensure!(a == b, InvalidModel, "both inputs must have one type, got {a} and {b}");
        let dims = cx.broadcast([0, 3])?;
        cx.set_tensor(0, a, dims);
        Ok(())
    }
}
