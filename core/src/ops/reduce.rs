//! The reductions: all elements along some axes become one.
//!
//! The axes are an attribute before opset 18 (13 for ReduceSum) and an input from then on. Without axes all
//! are reduced, or none with `noop_with_empty_axes`; then LogSum and the like still apply their function.
//! Numbers of every type; ReduceMax and ReduceMin take bool from 20 on. Nothing at all reduces to the
//! neutral element: 0, 1, ±infinity or the type's limit.

use super::ints::Ints;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::tensor::element_count;
use crate::{Dim, Result};

names! {
    /// What the elements become.
    Reduction {
        ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
        ReduceSumSquare
    }
}

/// A reduction.
#[derive(Clone, Debug)]
pub struct Reduce {
    /// What the elements become.
    pub kind: Reduction,
    /// Along which axes.
    pub axes: Axes,
}

/// The axes of a reduction.
#[derive(Clone, Debug)]
pub struct Axes {
    axes: Ints,
    /// Whether no axes means none and not all.
    none: bool,
    keep: bool,
}

impl Operator for Reduce {
    fn parse(a: &mut Attrs) -> Result<Reduce> {
        a.arity(1..=2, 1..=1)?;
        let kind = Reduction::named(a.op())?;
        let since = if kind == Reduction::ReduceSum { 13 } else { 18 };
        Ok(Reduce { kind, axes: Axes::parse(a, since)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = self.axes.dims(cx)?;
        let one = dims.as_ref().is_some_and(|dims| dims.iter().all(|d| d.known() == Some(1)));
        cx.set_tensor(0, cx.dtype(0)?, dims.clone());
        if let (true, Some(dims), Some(x)) = (one, dims, self.symbolic(cx)) {
            cx.set_ints(0, cx.dtype(0)?, dims, vec![x]);
        }
        Ok(())
    }
}

impl Reduce {
    /// The one element that is left of a shape.
    fn symbolic(&self, cx: &Infer<'_>) -> Option<Dim> {
        let count = element_count(&cx.optional(0)?.shape()?).ok()?;
        if !(1..=1024).contains(&count) {
            return None;
        }
        let join = match self.kind {
            Reduction::ReduceSum => |a, b| a + b,
            Reduction::ReduceProd => |a, b| a * b,
            Reduction::ReduceMax => |a, b| Dim::larger(&a, &b),
            Reduction::ReduceMin => |a, b| Dim::smaller(&a, &b),
            _ => return None,
        };
        cx.ints(0)?.into_iter().reduce(join)
    }
}

impl Axes {
    /// `axes`, `keepdims` and `noop_with_empty_axes`; the axes are input 1 from opset `since` on.
    pub fn parse(a: &mut Attrs, since: i64) -> Result<Axes> {
        let axes = Ints::parse(a, "axes", 1, since)?;
        let none = a.version() >= since && a.flag("noop_with_empty_axes", false)?;
        Ok(Axes { axes, none, keep: a.flag("keepdims", true)? })
    }

    /// Those axes, which stay or go with it.
    pub fn fixed(axes: Vec<i64>, keep: bool) -> Axes {
        Axes { axes: Ints::Attr(axes), none: false, keep }
    }

    /// Whether reduced axes stay, with one element.
    pub fn keeps(&self) -> bool {
        self.keep
    }

    /// The axes as the model has them, where they are an attribute, or `input` knows that input; none where
    /// they are left out.
    pub fn given(&self, input: impl Fn(usize) -> Option<Vec<i64>>) -> Option<Vec<i64>> {
        self.axes.given(input).map(Option::unwrap_or_default)
    }

    /// Which axes of a tensor of that rank are reduced, when the given ones are these.
    pub fn marked(&self, axes: &[i64], rank: usize) -> Result<Vec<bool>> {
        let mut marked = vec![axes.is_empty() && !self.none; rank];
        for &axis in axes {
            marked[normalize_axis(axis, rank)?] = true;
        }
        Ok(marked)
    }

    /// The axes given while the operator runs.
    pub fn read(&self, io: &crate::cpu::Io<'_>) -> Result<Vec<i64>> {
        Ok(self.axes.read(io)?.unwrap_or_default())
    }

    /// The dims of the result.
    pub fn dims(&self, cx: &mut Infer<'_>) -> Result<Option<Dims>> {
        let Some(dims) = cx.dims(0) else { return Ok(None) };
        let known = if self.axes.is_absent() { Some(Vec::new()) } else { self.axes.known(cx) };
        let Some(axes) = known else {
            let rank = match self.axes.len(cx) {
                _ if self.keep => Some(dims.len()),
                Some(n) if n > 0 => dims.len().checked_sub(n),
                _ => None,
            };
            return rank.map(|rank| cx.unknown_dims(rank)).transpose();
        };
        let marked = self.marked(&axes, dims.len())?;
        let left = dims.iter().zip(marked).filter(|(_, gone)| self.keep || !gone);
        Ok(Some(left.map(|(d, gone)| if gone { Dim::from(1) } else { d.clone() }).collect()))
    }
}
