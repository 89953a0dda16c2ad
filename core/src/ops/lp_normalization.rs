//! LpNormalization: each slice along an axis is divided by its norm, of order 1 or 2. A slice of norm zero
//! stays zero. The same from opset 1 to 28; bf16 from 22 on.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Infer, normalize_axis};

/// LpNormalization.
#[derive(Clone, Debug)]
pub struct LpNormalization {
    /// The order of the norm: 1 or 2.
    pub p: i64,
    axis: i64,
}

impl Operator for LpNormalization {
    fn parse(a: &mut Attrs) -> Result<LpNormalization> {
        a.arity(1..=1, 1..=1)?;
        let (p, axis) = (a.int_or("p", 2)?, a.int_or("axis", -1)?);
        ensure!(p == 1 || p == 2, InvalidModel, "p must be 1 or 2, got {p}");
        Ok(LpNormalization { p, axis })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(x) = cx.dims(0) {
            self.axis(x.len())?;
        }
        cx.like_input()
    }
}

impl LpNormalization {
    /// The axis, of a tensor of that rank.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        normalize_axis(self.axis, rank)
    }
}
