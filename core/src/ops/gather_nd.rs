//! GatherND: slices of a tensor, each named by a row of indices that counts along the first axes.
//!
//! `batch_dims` (from opset 12 on) leading axes are walked in step. Indices are i64 and may be negative.
//! Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Dims, Infer};

/// GatherND.
#[derive(Clone, Debug)]
pub struct GatherNd {
    /// How many leading axes are walked in step.
    pub batch: usize,
}

impl Operator for GatherNd {
    fn parse(a: &mut Attrs) -> Result<GatherNd> {
        a.arity(2..=2, 1..=1)?;
        let batch = if a.version() < 12 { 0 } else { a.int_or("batch_dims", 0)? };
        let batch = usize::try_from(batch).map_err(|_| err!(InvalidModel, "batch_dims is {batch}"))?;
        Ok(GatherNd { batch })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = match (cx.dims(0), cx.dims(1)) {
            (Some(data), Some(indices)) => self.dims(data, indices)?,
            _ => None,
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}

impl GatherNd {
    fn dims(&self, data: &Dims, indices: &Dims) -> Result<Option<Dims>> {
        let Some((row, outer)) = indices.split_last() else {
            bail!(InvalidModel, "the indices must have at least one axis");
        };
        let Some(row) = row.known() else { return Ok(None) };
        let named = usize::try_from(row).ok().and_then(|row| row.checked_add(self.batch));
        let fits = self.batch <= outer.len()
            && named.is_some_and(|named| named <= data.len())
            && data
                .iter()
                .zip(outer)
                .take(self.batch)
                .all(|(d, n)| d.known().zip(n.known()).is_none_or(|(d, n)| d == n));
        ensure!(
            fits,
            InvalidModel,
            "indices of shape {indices:?} do not fit data of shape {data:?} with {} batch axes",
            self.batch
        );
        Ok(Some(outer.iter().chain(&data[named.unwrap_or(0)..]).cloned().collect()))
    }
}
