//! AffineGrid: the grid of positions (for GridSample) that an affine matrix makes of a regular one.
//!
//! Opset 20. Matrices [N, 2, 3] or [N, 3, 4] and a size [N, C, (D,) H, W]; floats of every width.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// AffineGrid.
#[derive(Clone, Debug)]
pub struct AffineGrid {
    /// Whether -1 and 1 are the middles of the outermost elements, or their outer edges.
    pub align_corners: bool,
}

impl Operator for AffineGrid {
    fn parse(a: &mut Attrs) -> Result<AffineGrid> {
        a.arity(2..=2, 1..=1)?;
        Ok(AffineGrid { align_corners: a.flag("align_corners", false)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let axes = |rows: Option<i64>| rows.filter(|r| matches!(r, 2 | 3)).map(|r| r as usize);
        if let Some(theta) = cx.dims(0) {
            let fits = theta.len() == 3
                && [(1, [2, 3]), (2, [3, 4])]
                    .iter()
                    .all(|(i, allowed)| theta[*i].known().is_none_or(|d| allowed.contains(&d)));
            ensure!(fits, InvalidModel, "theta must be [N, 2, 3] or [N, 3, 4], got {theta:?}");
        }
        let rank = match (cx.ints(1), cx.dims(0)) {
            (Some(size), _) => {
                ensure!(
                    matches!(size.len(), 4 | 5),
                    InvalidModel,
                    "size must have 4 or 5 elements, got {}",
                    size.len()
                );
                Some(size.len() - 2)
            }
            (None, theta) => theta.and_then(|t| axes(t[1].known())),
        };
        let Some(rank) = rank else {
            cx.set_tensor(0, dtype, None);
            return Ok(());
        };
        let out: Dims = match cx.ints(1) {
            Some(size) => std::iter::once(&size[0]).chain(&size[2..]).cloned().collect(),
            None => cx.unknown_dims(rank + 1)?,
        };
        if let Some(theta) = cx.dims(0) {
            let fits =
                |have: &Dim, want: &Dim| have.known().is_none() || want.known().is_none() || have == want;
            ensure!(
                fits(&theta[1], &Dim::from(rank))
                    && fits(&theta[2], &Dim::from(rank + 1))
                    && fits(&theta[0], &out[0]),
                InvalidModel,
                "theta {theta:?} does not fit a grid of {out:?}"
            );
        }
        cx.set_tensor(0, dtype, Some(out.into_iter().chain([Dim::from(rank)]).collect()));
        Ok(())
    }
}
