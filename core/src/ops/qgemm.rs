//! QGemm of com.microsoft: Gemm of quantized matrices.
//!
//! C is i32, in steps of both scales, and broadcasts. Without a zero point for it the result stays f32.

use super::gemm::{check_addend, matrix_product};
use super::matmul::Flip;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// QGemm.
#[derive(Clone, Debug)]
pub struct QGemm {
    /// How A lies.
    pub left: Flip,
    /// How B lies.
    pub right: Flip,
    /// What the product is multiplied with.
    pub alpha: f32,
}

impl Operator for QGemm {
    fn parse(a: &mut Attrs) -> Result<QGemm> {
        a.arity(6..=9, 1..=1)?;
        Ok(QGemm {
            left: Flip { matrix: a.flag("transA", false)?, batch: false },
            right: Flip { matrix: a.flag("transB", false)?, batch: false },
            alpha: a.float_or("alpha", 1.0)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = if cx.has(8) { cx.dtype(8)? } else { DType::F32 };
        let dims = matrix_product(cx, (0, self.left), (3, self.right))?;
        if let (Some(c), Some(dims)) = (cx.dims(6), &dims) {
            check_addend(c, dims)?;
        }
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}
