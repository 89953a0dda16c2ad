//! QLinearConcat of com.microsoft: quantized tensors joined along an axis, each brought to the result's
//! scale and zero point.
//!
//! Inputs: scale and zero point of the result, then tensor, scale and zero point of every part. All are
//! u8 or all are i8.

use super::concat::joined;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// QLinearConcat.
#[derive(Clone, Debug)]
pub struct QLinearConcat {
    /// The axis along which they are joined.
    pub axis: i64,
}

impl Operator for QLinearConcat {
    fn parse(a: &mut Attrs) -> Result<QLinearConcat> {
        a.arity(5.., 1..=1)?;
        let n = a.input_count();
        ensure!(n % 3 == 2, InvalidModel, "expected 2 inputs and 3 more for every part, got {n}");
        let axis = a.int("axis")?;
        Ok(QLinearConcat { axis: a.required("axis", axis)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(1)?;
        for i in (2..cx.input_count()).step_by(3) {
            let part = cx.dtype(i)?;
            ensure!(part == dtype, InvalidModel, "input {i} is {part} and the result {dtype}");
        }
        let dims = joined(cx, 2..cx.input_count(), 3, self.axis)?;
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}
