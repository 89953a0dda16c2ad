//! Expand: broadcasts a tensor with a shape, as numpy does; a 1 in the shape keeps the tensor's size.
//!
//! Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Dims, Infer};

/// Expand.
#[derive(Clone, Debug)]
pub struct Expand;

impl Operator for Expand {
    fn parse(a: &mut Attrs) -> Result<Expand> {
        a.arity(2..=2, 1..=1)?;
        Ok(Expand)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let count = cx.dims(1).and_then(|dims| dims.first()?.size());
        let dims: Option<Dims> = match (cx.dims(0), cx.ints(1), count) {
            (Some(dims), Some(shape), _) => {
                let negative = shape.iter().any(|d| d.known().is_some_and(|d| d < 0));
                ensure!(!negative, InvalidModel, "the shape {shape:?} has a negative size");
                Some(cx.broadcast_two(dims, &shape)?)
            }
            (Some(dims), None, Some(count)) => Some(cx.unknown_dims(count.max(dims.len()))?),
            _ => None,
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}
