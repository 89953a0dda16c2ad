//! Concat: tensors joined along an axis; their other sizes must agree.
//!
//! The axis is optional in opsets 1 to 3 (default 1) and required from 4 on. Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::{Dims, Infer, normalize_axis};
use std::ops::Range;

/// Concat.
#[derive(Clone, Debug)]
pub struct Concat {
    /// The axis along which they are joined.
    pub axis: i64,
}

impl Operator for Concat {
    fn parse(a: &mut Attrs) -> Result<Concat> {
        a.arity(1.., 1..=1)?;
        let axis = a.int("axis")?;
        let axis = if a.version() < 4 { axis.unwrap_or(1) } else { a.required("axis", axis)? };
        Ok(Concat { axis })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        for i in 1..cx.input_count() {
            let (first, other) = (cx.dtype(0)?, cx.dtype(i)?);
            ensure!(first == other, InvalidModel, "input 0 is {first} and input {i} is {other}");
        }
        let dims = joined(cx, 0..cx.input_count(), 1, self.axis)?;
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |_| true)
    }
}

/// The dims of every `every`-th of the inputs `of`, joined along `axis`.
pub fn joined(cx: &mut Infer<'_>, of: Range<usize>, every: usize, axis: i64) -> Result<Option<Dims>> {
    let known: Vec<&Dims> = of.clone().step_by(every).filter_map(|i| cx.dims(i)).collect();
    let Some((&first, others)) = known.split_first() else { return Ok(None) };
    let axis = normalize_axis(axis, first.len())?;
    let mut out = first.clone();
    for dims in others {
        ensure!(
            dims.len() == out.len(),
            InvalidModel,
            "tensors of shapes {first:?} and {dims:?} cannot be joined: their ranks differ"
        );
        for (i, (out, d)) in out.iter_mut().zip(dims.iter()).enumerate() {
            *out = match (out.known(), d.known()) {
                _ if i == axis => out.clone() + d.clone(),
                (Some(a), Some(b)) if a != b => bail!(
                    InvalidModel,
                    "tensors of shapes {first:?} and {dims:?} cannot be joined along axis {axis}: \
                     axis {i} differs"
                ),
                (None, Some(_)) => d.clone(),
                _ => continue,
            };
        }
    }
    if known.len() < of.step_by(every).len() {
        out[axis] = cx.unknown_dim();
    }
    Ok(Some(out))
}
