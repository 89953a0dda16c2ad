//! MeanVarianceNormalization: zero mean and unit variance along some axes, by default those of a channel
//! of an image batch. From opset 9; bf16 from 13 on.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Infer, normalize_axis};

/// MeanVarianceNormalization.
#[derive(Clone, Debug)]
pub struct MeanVarianceNormalization {
    axes: Vec<i64>,
}

impl Operator for MeanVarianceNormalization {
    fn parse(a: &mut Attrs) -> Result<MeanVarianceNormalization> {
        a.arity(1..=1, 1..=1)?;
        Ok(MeanVarianceNormalization { axes: a.ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]) })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(x) = cx.dims(0) {
            self.reduced(x.len())?;
        }
        cx.like_input()
    }
}

impl MeanVarianceNormalization {
    /// For each axis of a tensor of that rank, whether it is reduced. No axes at all means all of them.
    pub fn reduced(&self, rank: usize) -> Result<Vec<bool>> {
        let mut reduced = vec![self.axes.is_empty(); rank];
        for &axis in &self.axes {
            reduced[normalize_axis(axis, rank)?] = true;
        }
        Ok(reduced)
    }
}
