//! GatherElements: one element along an axis for every index; the result has the shape of the indices.
//!
//! Indices are i32 or i64 and may be negative. Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Dims, Infer, normalize_axis};

/// GatherElements.
#[derive(Clone, Debug)]
pub struct GatherElements {
    /// The axis that the indices run along.
    pub axis: i64,
}

impl Operator for GatherElements {
    fn parse(a: &mut Attrs) -> Result<GatherElements> {
        a.arity(2..=2, 1..=1)?;
        Ok(GatherElements { axis: a.int_or("axis", 0)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let (Some(data), Some(indices)) = (cx.dims(0), cx.dims(1)) {
            check_covered(data, indices, normalize_axis(self.axis, data.len())?)?;
        }
        cx.set_tensor(0, cx.dtype(0)?, cx.dims(1).cloned());
        carry(self, cx, |i| i == 0)
    }
}

/// Refuses indices that are larger than the data along another axis than the one that they run along.
pub fn check_covered(data: &Dims, indices: &Dims, axis: usize) -> Result<()> {
    let fits = data.len() == indices.len()
        && data
            .iter()
            .zip(indices)
            .enumerate()
            .all(|(i, (d, n))| i == axis || d.known().zip(n.known()).is_none_or(|(d, n)| n <= d));
    ensure!(fits, InvalidModel, "indices of shape {indices:?} do not fit data of shape {data:?}");
    Ok(())
}
