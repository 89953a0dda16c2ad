//! Shape: the sizes of a tensor's axes, as a tensor.
//!
//! From opset 15 on `start` and `end` take a part of them, out-of-range values clamped. Tensors of every
//! type; the result is i64.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Dim, Result};
use smallvec::smallvec;
use std::ops::Range;

/// Shape.
#[derive(Clone, Debug)]
pub struct Shape {
    start: i64,
    end: Option<i64>,
}

impl Operator for Shape {
    fn parse(a: &mut Attrs) -> Result<Shape> {
        a.arity(1..=1, 1..=1)?;
        if a.version() < 15 {
            return Ok(Shape { start: 0, end: None });
        }
        Ok(Shape { start: a.int_or("start", 0)?, end: a.int("end")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        match cx.dims(0) {
            Some(dims) => {
                let part = &dims[self.axes(dims.len())];
                cx.set_ints(0, DType::I64, smallvec![Dim::from(part.len())], part.to_vec());
            }
            None => {
                let rank = cx.unknown_dim();
                cx.set_tensor(0, DType::I64, Some(smallvec![rank]));
            }
        }
        Ok(())
    }
}

impl Shape {
    /// Which axes are asked for, of a tensor of that rank.
    pub fn axes(&self, rank: usize) -> Range<usize> {
        let r = rank as i64;
        let at = |i: i64| if i < 0 { i.saturating_add(r) } else { i }.clamp(0, r) as usize;
        let (start, end) = (at(self.start), at(self.end.unwrap_or(r)));
        start..end.max(start)
    }
}
