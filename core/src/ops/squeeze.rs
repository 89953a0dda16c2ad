//! Squeeze, Unsqueeze and com.microsoft's ExpandDims: axes of size 1 taken away or put in.
//!
//! The axes are an attribute before opset 13 and an input from then on; Squeeze without axes takes away all
//! of size 1. Tensors of every type.

use super::carry::carry;
use super::ints::Ints;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{Dim, Result};

/// Squeeze, Unsqueeze or ExpandDims.
#[derive(Clone, Debug)]
pub struct Squeeze {
    /// Whether axes are put in.
    insert: bool,
    axes: Ints,
}

impl Operator for Squeeze {
    fn parse(a: &mut Attrs) -> Result<Squeeze> {
        a.arity(1..=2, 1..=1)?;
        let insert = a.op() != "Squeeze";
        let since = if a.domain().is_empty() { 13 } else { 1 };
        let axes = Ints::parse(a, "axes", 1, since)?;
        ensure!(!insert || !axes.is_absent(), InvalidModel, "the axes are missing");
        Ok(Squeeze { insert, axes })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (axes, count) = (self.axes.known(cx), self.axes.len(cx));
        let dims = match (cx.dims(0), axes, count) {
            (Some(dims), Some(axes), _) if self.insert => Some(inserted(dims, &axes)?),
            (Some(dims), Some(axes), _) => Some(removed(dims, &axes)?),
            (Some(dims), None, _) if self.axes.is_absent() => removed_ones(dims),
            (Some(dims), None, Some(n)) => {
                let rank = if self.insert { Some(dims.len() + n) } else { dims.len().checked_sub(n) };
                rank.map(|rank| cx.unknown_dims(rank)).transpose()?
            }
            _ => None,
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}

fn inserted(dims: &[Dim], axes: &[i64]) -> Result<Dims> {
    let marked = mark(axes, dims.len() + axes.len())?;
    let mut old = dims.iter();
    Ok(marked.iter().filter_map(|&new| if new { Some(Dim::from(1)) } else { old.next().cloned() }).collect())
}

fn removed(dims: &[Dim], axes: &[i64]) -> Result<Dims> {
    let marked = mark(axes, dims.len())?;
    for (i, (d, &gone)) in dims.iter().zip(&marked).enumerate() {
        let one = d.known().is_none_or(|d| d == 1);
        ensure!(one || !gone, InvalidModel, "axis {i} cannot be squeezed out of {dims:?}: its size is not 1");
    }
    Ok(dims.iter().zip(&marked).filter(|(_, gone)| !**gone).map(|(d, _)| d.clone()).collect())
}

/// Without all sizes of 1; the rank stays open while a size could still turn out to be 1.
fn removed_ones(dims: &[Dim]) -> Option<Dims> {
    let known = dims.iter().all(|d| d.known().is_some());
    known.then(|| dims.iter().filter(|d| d.known() != Some(1)).cloned().collect())
}

fn mark(axes: &[i64], rank: usize) -> Result<Vec<bool>> {
    let mut marked = vec![false; rank];
    for &axis in axes {
        let axis = normalize_axis(axis, rank)?;
        ensure!(!marked[axis], InvalidModel, "axis {axis} is named twice in {axes:?}");
        marked[axis] = true;
    }
    Ok(marked)
}
