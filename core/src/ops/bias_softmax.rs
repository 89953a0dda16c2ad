//! BiasSoftmax (com.microsoft): the softmax of data + bias.
//!
//! Everything from `axis` on is one row, as Softmax had it before opset 13. `is_inner_broadcast` says along
//! which axes the bias is repeated; the shapes say that too. f16, f32 or f64.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Infer, normalize_axis};

/// BiasSoftmax.
#[derive(Clone, Debug)]
pub struct BiasSoftmax {
    axis: i64,
}

impl Operator for BiasSoftmax {
    fn parse(a: &mut Attrs) -> Result<BiasSoftmax> {
        a.arity(2..=2, 1..=1)?;
        a.ignore(&["is_inner_broadcast"]);
        Ok(BiasSoftmax { axis: a.int_or("axis", 1)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            self.axis(dims.len())?;
        }
        cx.like_input()
    }
}

impl BiasSoftmax {
    /// Where a row begins.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        normalize_axis(self.axis, rank)
    }
}
