//! MatMulIntegerToFloat and DynamicQuantizeMatMul of com.microsoft: a product of bytes, scaled to floats.
//!
//! The first takes A quantized; the second takes floats and quantizes them itself, to the u8 range that they
//! need. Scales and zero points of B are one for all or one per column; the bias is one per column.

use super::matmul::{Flip, product_dims};
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// MatMulIntegerToFloat or DynamicQuantizeMatMul.
#[derive(Clone, Debug)]
pub struct MatMulIntegerToFloat {
    /// Whether A comes as floats.
    pub dynamic: bool,
}

impl Operator for MatMulIntegerToFloat {
    fn parse(a: &mut Attrs) -> Result<MatMulIntegerToFloat> {
        let dynamic = a.op() == "DynamicQuantizeMatMul";
        a.arity(if dynamic { 3..=5 } else { 4..=7 }, 1..=1)?;
        Ok(MatMulIntegerToFloat { dynamic })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = product_dims(cx, (0, Flip::default()), (1, Flip::default()))?;
        cx.set_tensor(0, cx.dtype(2)?, dims);
        Ok(())
    }
}
