//! ArgMax and ArgMin: where the largest or smallest element along an axis is.
//!
//! Of equal elements the first counts, or the last with `select_last_index` (from opset 12 on). NaN counts
//! as the one that is looked for. Numbers of every type; the result is i64.

use super::{Attrs, Operator};
use crate::graph::{Infer, normalize_axis};
use crate::{DType, Dim, Result};

/// ArgMax or ArgMin.
#[derive(Clone, Debug)]
pub struct ArgMax {
    /// Whether the smallest is looked for.
    pub min: bool,
    /// Whether the last of equal elements counts.
    pub last: bool,
    /// Along which axis.
    pub axis: i64,
    keep: bool,
}

impl Operator for ArgMax {
    fn parse(a: &mut Attrs) -> Result<ArgMax> {
        a.arity(1..=1, 1..=1)?;
        Ok(ArgMax {
            min: a.op() == "ArgMin",
            last: a.version() >= 12 && a.flag("select_last_index", false)?,
            axis: a.int_or("axis", 0)?,
            keep: a.flag("keepdims", true)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let mut dims = cx.dims(0).cloned();
        if let Some(dims) = &mut dims {
            let axis = normalize_axis(self.axis, dims.len())?;
            let empty = dims[axis].known() == Some(0);
            ensure!(!empty, InvalidModel, "axis {axis} of {dims:?} has no elements to choose from");
            if self.keep {
                dims[axis] = Dim::from(1);
            } else {
                dims.remove(axis);
            }
        }
        cx.set_tensor(0, DType::I64, dims);
        Ok(())
    }
}
