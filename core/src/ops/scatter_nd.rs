//! ScatterND: a copy of a tensor in which slices, named by rows of indices, are replaced or joined.
//!
//! The reductions are those of [`ScatterElements`](super::scatter_elements). Tensors of every type.

use super::carry::carry;
use super::scatter_elements::Reduction;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// ScatterND.
#[derive(Clone, Debug)]
pub struct ScatterNd {
    /// What an update does to the element that is there.
    pub reduction: Reduction,
}

impl Operator for ScatterNd {
    fn parse(a: &mut Attrs) -> Result<ScatterNd> {
        a.arity(3..=3, 1..=1)?;
        Ok(ScatterNd { reduction: Reduction::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let (Some(data), Some(indices), Some(updates)) = (cx.dims(0), cx.dims(1), cx.dims(2)) {
            check(data, indices, updates)?;
        }
        cx.like_input()?;
        if self.reduction == Reduction::Replace {
            carry(self, cx, |i| i != 1)?;
        }
        Ok(())
    }
}

fn check(data: &Dims, indices: &Dims, updates: &Dims) -> Result<()> {
    let Some((row, outer)) = indices.split_last() else {
        bail!(InvalidModel, "the indices must have at least one axis");
    };
    let Some(row) = row.size() else { return Ok(()) };
    let wanted: Option<Vec<&Dim>> = data.get(row..).map(|rest| outer.iter().chain(rest).collect());
    let fits = wanted.is_some_and(|wanted| {
        let agree = |(a, b): (&&Dim, &Dim)| a.known().zip(b.known()).is_none_or(|(a, b)| a == b);
        wanted.len() == updates.len() && wanted.iter().zip(updates).all(agree)
    });
    ensure!(
        fits,
        InvalidModel,
        "updates of shape {updates:?} and indices of shape {indices:?} do not fit data of shape {data:?}"
    );
    Ok(())
}
