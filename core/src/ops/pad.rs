//! Pad: elements put around a tensor, or taken away where a pad is negative.
//!
//! Pads and value are attributes before opset 11 (`paddings` in opset 1) and inputs from then on; `axes`
//! joined in 18, the mode `wrap` in 19. Tensors of every type.

use super::carry::carry;
use super::ints::Ints;
use super::slice::sliced_axes;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Dims, Infer};

/// What the new elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A constant.
    Constant,
    /// The tensor mirrored at its first and last elements, which are not repeated.
    Reflect,
    /// The nearest element.
    Edge,
    /// The tensor over and over.
    Wrap,
}

/// Pad.
#[derive(Clone, Debug)]
pub struct Pad {
    /// What the new elements are.
    pub mode: Mode,
    /// The constant, before it was an input.
    pub value: f32,
    pads: Ints,
    axes: Ints,
}

impl Operator for Pad {
    fn parse(a: &mut Attrs) -> Result<Pad> {
        let inputs = a.version() >= 11;
        if inputs {
            a.arity(2..=4, 1..=1)?
        } else {
            a.arity(1..=1, 1..=1)?
        }
        let modes = [
            ("constant", Mode::Constant),
            ("reflect", Mode::Reflect),
            ("edge", Mode::Edge),
            ("wrap", Mode::Wrap),
        ];
        let mode = a.choice("mode", &modes[..if a.version() < 19 { 3 } else { 4 }])?;
        let pads = Ints::parse(a, if a.version() < 2 { "paddings" } else { "pads" }, 1, 11)?;
        ensure!(!pads.is_absent(), InvalidModel, "the pads are missing");
        let value = if inputs { 0.0 } else { a.float_or("value", 0.0)? };
        let axes = if a.has_input(3) { Ints::Input(3) } else { Ints::Absent };
        Ok(Pad { mode, value, pads, axes })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = cx.dims(0).map(|dims| self.dims(cx, dims)).transpose()?;
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0 || i == 2)
    }
}

impl Pad {
    fn dims(&self, cx: &mut Infer<'_>, dims: &Dims) -> Result<Dims> {
        let axes = if self.axes.is_absent() { None } else { self.axes.known(cx) };
        let (known, pads) = (self.axes.is_absent() || axes.is_some(), self.pads.symbolic(cx));
        let (true, Some(pads)) = (known, pads) else {
            return Ok(dims.iter().map(|_| cx.unknown_dim()).collect());
        };
        let mut out = dims.clone();
        for (axis, before, after) in padded_axes(axes, &pads, dims.len())? {
            let size = dims[axis].clone() + before + after;
            let negative = size.known().is_some_and(|d| d < 0);
            ensure!(!negative, InvalidModel, "the pads {pads:?} take more away than {dims:?} has");
            out[axis] = size;
        }
        Ok(out)
    }

    /// The same of a tensor whose axis `i` lies at `order[i]`, if its pads are known: they are no input then,
    /// and neither are its axes.
    pub fn along(&self, order: &[usize], input: impl Fn(usize) -> Option<Vec<i64>>) -> Option<Pad> {
        let (pads, axes) = (self.pads.given(&input)??, self.axes.given(&input)?);
        let mut turned = vec![0; 2 * order.len()];
        for (axis, before, after) in padded_axes(axes, &pads, order.len()).ok()? {
            turned[order[axis]] = before;
            turned[order.len() + order[axis]] = after;
        }
        Some(Pad { pads: Ints::Attr(turned), axes: Ints::Absent, ..self.clone() })
    }

    /// Axis, pad before and pad after, of a tensor of that rank, if they are attributes or `input` knows those
    /// inputs.
    pub fn given(
        &self,
        rank: usize,
        input: impl Fn(usize) -> Option<Vec<i64>>,
    ) -> Result<Option<Vec<(usize, i64, i64)>>> {
        match (self.pads.given(&input), self.axes.given(&input)) {
            (Some(Some(pads)), Some(axes)) => padded_axes(axes, &pads, rank).map(Some),
            _ => Ok(None),
        }
    }

    /// Axis, pad before and pad after, while the operator runs.
    pub fn read(&self, io: &crate::cpu::Io<'_>, rank: usize) -> Result<Vec<(usize, i64, i64)>> {
        padded_axes(self.axes.read(io)?, &self.pads.read(io)?.unwrap_or_default(), rank)
    }
}

fn padded_axes<T: Clone>(axes: Option<Vec<i64>>, pads: &[T], rank: usize) -> Result<Vec<(usize, T, T)>> {
    let axes = axes.unwrap_or_else(|| (0..rank as i64).collect());
    let axes = sliced_axes(&axes, rank)?;
    let n = axes.len();
    ensure!(pads.len() == 2 * n, InvalidModel, "{n} axes take {} pads, got {}", 2 * n, pads.len());
    Ok(axes.into_iter().enumerate().map(|(i, axis)| (axis, pads[i].clone(), pads[n + i].clone())).collect())
}
