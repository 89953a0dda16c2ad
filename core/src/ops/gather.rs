//! Gather: slices of a tensor along an axis, picked by index.
//!
//! Indices are i32 or i64 and may be negative from opset 11 on (taken from the end; here always). Tensors
//! of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Infer, normalize_axis};

/// Gather.
#[derive(Clone, Debug)]
pub struct Gather {
    /// The axis that the indices run along.
    pub axis: i64,
}

impl Operator for Gather {
    fn parse(a: &mut Attrs) -> Result<Gather> {
        a.arity(2..=2, 1..=1)?;
        Ok(Gather { axis: a.int_or("axis", 0)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let axis = cx.dims(0).map(|data| normalize_axis(self.axis, data.len())).transpose()?;
        let dims = match (cx.dims(0), axis, cx.dims(1)) {
            (Some(data), Some(axis), Some(indices)) => {
                Some(data[..axis].iter().chain(indices).chain(&data[axis + 1..]).cloned().collect())
            }
            _ => None,
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}
