//! MatMulInteger: the product of u8 or i8 tensors, less their zero points, summed in i32. Since opset 10.
//!
//! A zero point is one for all, one per row of A (column of B), or one for each of these in every matrix.

use super::matmul::{Flip, product_dims};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// MatMulInteger.
#[derive(Clone, Debug)]
pub struct MatMulInteger;

impl Operator for MatMulInteger {
    fn parse(a: &mut Attrs) -> Result<MatMulInteger> {
        a.arity(2..=4, 1..=1)?;
        Ok(MatMulInteger)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = product_dims(cx, (0, Flip::default()), (1, Flip::default()))?;
        cx.set_tensor(0, DType::I32, dims);
        Ok(())
    }
}
