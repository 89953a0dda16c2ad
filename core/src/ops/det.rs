//! Det, and Inverse of com.microsoft: of square matrices, the last two axes. bf16 for Det since opset 22.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// Det or Inverse.
#[derive(Clone, Debug)]
pub struct Det {
    /// Whether the inverse is asked for.
    pub inverse: bool,
}

impl Operator for Det {
    fn parse(a: &mut Attrs) -> Result<Det> {
        a.arity(1..=1, 1..=1)?;
        Ok(Det { inverse: a.op() == "Inverse" })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            let [batch @ .., rows, cols] = &dims[..] else {
                bail!(InvalidModel, "expected matrices, got {dims:?}")
            };
            let square = rows.known().is_none() || cols.known().is_none() || rows == cols;
            ensure!(square, InvalidModel, "expected square matrices, got {dims:?}");
            if !self.inverse {
                cx.set_tensor(0, cx.dtype(0)?, Some(batch.into()));
                return Ok(());
            }
        }
        if self.inverse {
            return cx.like_input();
        }
        cx.set_tensor(0, cx.dtype(0)?, None);
        Ok(())
    }
}
