//! Compress: the slices along an axis (or the elements) for which a condition holds.
//!
//! The condition may be shorter than the axis. Tensors of every type.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{Dim, Result};
use smallvec::smallvec;

/// Compress.
#[derive(Clone, Debug)]
pub struct Compress {
    /// Along which axis; `None` flattens first.
    pub axis: Option<i64>,
}

impl Operator for Compress {
    fn parse(a: &mut Attrs) -> Result<Compress> {
        a.arity(2..=2, 1..=1)?;
        Ok(Compress { axis: a.int("axis")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let held = cx.view(1).map(|condition| condition.bytes().iter().filter(|&&b| b != 0).count());
        let count = held.map_or_else(|| cx.unknown_dim(), Dim::from);
        let dims: Option<Dims> = match (self.axis, cx.dims(0)) {
            (None, _) => Some(smallvec![count]),
            (Some(_), None) => None,
            (Some(axis), Some(dims)) => {
                let mut dims = dims.clone();
                let axis = normalize_axis(axis, dims.len())?;
                dims[axis] = count;
                Some(dims)
            }
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        Ok(())
    }
}
