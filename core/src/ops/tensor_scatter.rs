//! TensorScatter: a copy of a cache in which consecutive entries along an axis are replaced.
//!
//! The first axis is the batch; each sample has its own write index (0 without them), taken modulo the
//! axis in mode `circular`. Opset 24; tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Dims, Infer, normalize_axis};

/// TensorScatter.
#[derive(Clone, Debug)]
pub struct TensorScatter {
    /// Whether entries wrap around at the end.
    pub circular: bool,
    axis: i64,
}

impl Operator for TensorScatter {
    fn parse(a: &mut Attrs) -> Result<TensorScatter> {
        a.arity(2..=3, 1..=1)?;
        let circular = a.choice("mode", &[("linear", false), ("circular", true)])?;
        Ok(TensorScatter { circular, axis: a.int_or("axis", -2)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let (Some(cache), Some(update)) = (cx.dims(0), cx.dims(1)) {
            self.check(cache, update, cx.dims(2))?;
        }
        cx.same_type([0, 1])?;
        cx.like_input()?;
        carry(self, cx, |i| i != 2)
    }
}

impl TensorScatter {
    /// The axis of the entries, of a tensor of that rank; the first one is the batch.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        let axis = normalize_axis(self.axis, rank)?;
        ensure!(axis > 0, InvalidModel, "axis {} is the batch, which cannot be written along", self.axis);
        Ok(axis)
    }

    fn check(&self, cache: &Dims, update: &Dims, indices: Option<&Dims>) -> Result<()> {
        let axis = self.axis(cache.len())?;
        let fits = cache.len() == update.len()
            && cache.iter().zip(update).enumerate().all(|(i, (c, u))| {
                c.known().zip(u.known()).is_none_or(|(c, u)| if i == axis { u <= c } else { u == c })
            });
        ensure!(fits, InvalidModel, "an update of shape {update:?} does not fit a cache of shape {cache:?}");
        if let Some(indices) = indices {
            let one_each = indices.len() == 1
                && indices[0].known().zip(cache[0].known()).is_none_or(|(n, batch)| n == batch);
            ensure!(one_each, InvalidModel, "write_indices {indices:?} must be one per sample of {cache:?}");
        }
        Ok(())
    }
}
