//! GatherND: slices that rows of indices name, by the kernel of Gather.

use super::Kernel;
use super::gather::{Picker, Picks};
use super::shared::{Axis, count};
use crate::Gpu;
use edgewise_core::device::Lowered;
use edgewise_core::ops::gather_nd::GatherNd;
use edgewise_core::{Result, strides};

pub fn lower(gpu: &Gpu, op: &GatherNd, node: &Lowered<'_>) -> Result<Kernel> {
    let batch = op.batch;
    Ok(Picker::lower(gpu, node, move |x, indices| slices(x, indices, batch)))
}

/// The slices of a tensor that rows of indices name, the first `batch` axes walked in step.
pub fn slices(x: &[usize], indices: &[usize], batch: usize) -> Result<Picks> {
    let Some((&row, outer)) = indices.split_last() else {
        bail!(InvalidModel, "the indices must have at least one axis");
    };
    let (Some(batches), Some(rows), Some(rest)) =
        (outer.get(..batch), outer.get(batch..), x.get(batch + row..))
    else {
        bail!(InvalidModel, "rows of {row} indices are too long for {x:?}");
    };
    let (batches, rows, steps) = (count(batches), count(rows), strides(x));
    let of_batch = batch.checked_sub(1).and_then(|i| steps.get(i)).copied().unwrap_or(0);
    let axes = vec![
        Axis { size: batches, steps: [of_batch as i64, (rows * row) as i64] },
        Axis { size: rows, steps: [0, row as i64] },
    ];
    let along = x.iter().copied().zip(steps.iter().copied()).skip(batch).take(row).collect();
    Ok(Picks { axes, along, inner: count(rest) })
}
