//! ScatterElements and its older name Scatter: a copy of a tensor in which one element along an axis is
//! replaced, or joined, for every index.
//!
//! The reductions add and mul joined in opset 16, max and min in 18. Tensors of every type; strings and
//! the like can only be replaced. Where an index comes twice, the later update wins.

use super::carry::carry;
use super::gather_elements::check_covered;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Infer, normalize_axis};

/// What an update does to the element that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Reduction {
    Replace,
    Add,
    Mul,
    Max,
    Min,
}

/// ScatterElements or Scatter.
#[derive(Clone, Debug)]
pub struct ScatterElements {
    /// The axis that the indices run along.
    pub axis: i64,
    /// What an update does to the element that is there.
    pub reduction: Reduction,
}

impl Operator for ScatterElements {
    fn parse(a: &mut Attrs) -> Result<ScatterElements> {
        a.arity(3..=3, 1..=1)?;
        Ok(ScatterElements { axis: a.int_or("axis", 0)?, reduction: Reduction::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let (Some(data), Some(indices)) = (cx.dims(0), cx.dims(1)) {
            check_covered(data, indices, normalize_axis(self.axis, data.len())?)?;
        }
        if let (Some(indices), Some(updates)) = (cx.dims(1), cx.dims(2)) {
            let fits = indices.len() == updates.len()
                && indices
                    .iter()
                    .zip(updates)
                    .all(|(a, b)| a.known().zip(b.known()).is_none_or(|(a, b)| a == b));
            ensure!(
                fits,
                InvalidModel,
                "updates of shape {updates:?} do not fit indices of shape {indices:?}"
            );
        }
        cx.like_input()?;
        if self.reduction == Reduction::Replace {
            carry(self, cx, |i| i != 1)?;
        }
        Ok(())
    }
}

impl Reduction {
    /// The attribute `reduction`.
    pub fn parse(a: &mut Attrs) -> Result<Reduction> {
        let choices = [
            ("none", Reduction::Replace),
            ("add", Reduction::Add),
            ("mul", Reduction::Mul),
            ("max", Reduction::Max),
            ("min", Reduction::Min),
        ];
        match a.version() {
            ..16 => Ok(Reduction::Replace),
            16..18 => a.choice("reduction", &choices[..3]),
            _ => a.choice("reduction", &choices),
        }
    }
}
