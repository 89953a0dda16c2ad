//! BitCast: the same bits under another type of the same width. Every type but strings; opset 26.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// BitCast.
#[derive(Clone, Debug)]
pub struct BitCast {
    to: DType,
}

impl Operator for BitCast {
    fn parse(a: &mut Attrs) -> Result<BitCast> {
        a.arity(1..=1, 1..=1)?;
        let to = a.dtype("to")?;
        Ok(BitCast { to: a.required("to", to)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (from, to) = (cx.dtype(0)?, self.to);
        ensure!(
            from.bits() == to.bits() && to != DType::Str,
            InvalidModel,
            "the bits of {from} cannot be seen as {to}"
        );
        cx.set_tensor(0, to, cx.dims(0).cloned());
        Ok(())
    }
}
