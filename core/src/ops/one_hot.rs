//! OneHot: every index becomes a vector with `on` at that place and `off` elsewhere.
//!
//! Indices and depth are numbers of any type; indices out of range give a vector of `off`. The values
//! [off, on] are of any type.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// OneHot.
#[derive(Clone, Debug)]
pub struct OneHot {
    axis: i64,
}

impl Operator for OneHot {
    fn parse(a: &mut Attrs) -> Result<OneHot> {
        a.arity(3..=3, 1..=1)?;
        Ok(OneHot { axis: a.int_or("axis", -1)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let depth = match (cx.ints(1).as_deref(), cx.view(1)) {
            (Some([depth]), _) => depth.clone(),
            (None, Some(depth)) => Dim::from(depth.scalar_f32()? as i64),
            (Some(other), _) => bail!(InvalidModel, "the depth must be one number, got {other:?}"),
            (None, None) => cx.unknown_dim(),
        };
        let negative = depth.known().is_some_and(|d| d < 0);
        ensure!(!negative, InvalidModel, "the depth {depth} is negative");
        let mut dims = cx.dims(0).cloned();
        if let Some(dims) = &mut dims {
            let axis = self.axis(dims.len())?;
            dims.insert(axis, depth);
        }
        cx.set_tensor(0, cx.dtype(2)?, dims);
        Ok(())
    }
}

impl OneHot {
    /// Where the new axis goes, for indices of that rank.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        crate::graph::normalize_axis(self.axis, rank + 1)
    }
}
