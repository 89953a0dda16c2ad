//! Softmax, LogSoftmax and Hardmax: each slice along an axis becomes a distribution.
//!
//! Until opset 12 the input was seen as a matrix, split before `axis` (default 1), and rows were
//! normalized; from 13 on one axis (default the last) is. Floats of every width.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Infer, normalize_axis};
use std::ops::Range;

/// What a slice becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// exp(x) / sum exp(x)
    Soft,
    /// The logarithm of that.
    Log,
    /// 1 at the first maximum, 0 elsewhere.
    Hard,
}

/// Softmax, LogSoftmax or Hardmax.
#[derive(Clone, Debug)]
pub struct Softmax {
    /// What a slice becomes.
    pub mode: Mode,
    /// The axis that slices lie along.
    pub(super) axis: i64,
    /// Opset 12 and earlier: everything from `axis` on is one row.
    pub(super) flatten: bool,
}

impl Operator for Softmax {
    fn parse(a: &mut Attrs) -> Result<Softmax> {
        a.arity(1..=1, 1..=1)?;
        let mode = match a.op() {
            "LogSoftmax" => Mode::Log,
            "Hardmax" => Mode::Hard,
            _ => Mode::Soft,
        };
        let flatten = a.version() < 13;
        let axis = a.int_or("axis", if flatten { 1 } else { -1 })?;
        Ok(Softmax { mode, axis, flatten })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            self.slices(dims.len())?;
        }
        cx.like_input()
    }
}

impl Softmax {
    /// The same of a tensor whose axis `i` lies at `order[i]`, if slices lie along one axis.
    pub fn along(&self, order: &[usize]) -> Result<Option<Softmax>> {
        let axes = self.slices(order.len())?;
        let axis = axes.clone().next().filter(|_| axes.len() == 1);
        Ok(axis.map(|axis| Softmax { mode: self.mode, axis: order[axis] as i64, flatten: false }))
    }

    /// The axes, of a tensor of that rank, that make up one slice.
    pub fn slices(&self, rank: usize) -> Result<Range<usize>> {
        slices(self.axis, self.flatten, rank)
    }
}

/// The axes that make up one slice: `axis`, or all from there on if `flatten`.
pub fn slices(axis: i64, flatten: bool, rank: usize) -> Result<Range<usize>> {
    if rank == 0 {
        return Ok(0..0);
    }
    let axis = normalize_axis(axis, rank)?;
    Ok(if flatten { axis..rank } else { axis..axis + 1 })
}
