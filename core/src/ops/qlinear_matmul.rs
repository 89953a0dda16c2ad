//! QLinearMatMul: the product of quantized tensors, quantized again.
//!
//! u8 and i8 since opset 10; since 21 the scales may be f16 or bf16, and the tensors floats of 8 bits. Scales
//! and zero points are one for all, one per row of A and of the result (column of B), or one for each of
//! these in every matrix.

use super::matmul::{Flip, product_dims};
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// QLinearMatMul.
#[derive(Clone, Debug)]
pub struct QLinearMatMul;

impl Operator for QLinearMatMul {
    fn parse(a: &mut Attrs) -> Result<QLinearMatMul> {
        a.arity(8..=8, 1..=1)?;
        Ok(QLinearMatMul)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = product_dims(cx, (0, Flip::default()), (3, Flip::default()))?;
        cx.set_tensor(0, cx.dtype(7)?, dims);
        Ok(())
    }
}
