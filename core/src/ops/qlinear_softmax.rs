//! QLinearSoftmax (com.microsoft): softmax of a quantized tensor, quantized.
//!
//! Inputs: X (u8 or i8), its scale, its zero point, the scale of Y, its zero point. `opset` says whose
//! softmax it is: before 13 everything from `axis` on is one row.

use super::softmax::{Softmax, slices};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};
use std::ops::Range;

/// QLinearSoftmax.
#[derive(Clone, Debug)]
pub struct QLinearSoftmax {
    axis: i64,
    flatten: bool,
}

impl Operator for QLinearSoftmax {
    fn parse(a: &mut Attrs) -> Result<QLinearSoftmax> {
        a.arity(4..=5, 1..=1)?;
        let opset = a.int("opset")?;
        let flatten = a.required("opset", opset)? < 13;
        Ok(QLinearSoftmax { axis: a.int_or("axis", -1)?, flatten })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        ensure!(matches!(dtype, DType::U8 | DType::I8), InvalidModel, "input 0 must be 8-bit, got {dtype}");
        if let Some(dims) = cx.dims(0) {
            self.slices(dims.len())?;
        }
        cx.like_input()
    }
}

impl QLinearSoftmax {
    /// Over the same slices as a softmax of floats.
    pub fn like(softmax: &Softmax) -> QLinearSoftmax {
        QLinearSoftmax { axis: softmax.axis, flatten: softmax.flatten }
    }

    /// The axes, of a tensor of that rank, that make up one slice.
    pub fn slices(&self, rank: usize) -> Result<Range<usize>> {
        slices(self.axis, self.flatten, rank)
    }
}
