//! Unique: the distinct elements, or the distinct slices along an axis, and how they relate to the input.
//!
//! Sorted (the default) or in the order of their first occurrence. Optional outputs: where each occurs
//! first, which one each input element is, how often each occurs. NaN equals NaN here and sorts last.
//! Tensors of every type.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{DType, Dim, Result};
use smallvec::smallvec;

/// Unique.
#[derive(Clone, Debug)]
pub struct Unique {
    /// Along which axis; `None` compares elements.
    pub axis: Option<i64>,
    /// Whether the result is sorted.
    pub sorted: bool,
}

impl Operator for Unique {
    fn parse(a: &mut Attrs) -> Result<Unique> {
        a.arity(1..=1, 1..=4)?;
        Ok(Unique { axis: a.int("axis")?, sorted: a.flag("sorted", true)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let count = cx.unknown_dim();
        let (dims, all): (Option<Dims>, Option<Dim>) = match (self.axis, cx.dims(0)) {
            (None, dims) => {
                let all = dims.map(|dims| dims.iter().fold(Dim::from(1), |n, d| n * d.clone()));
                (Some(smallvec![count.clone()]), all)
            }
            (Some(_), None) => (None, None),
            (Some(axis), Some(dims)) => {
                let axis = normalize_axis(axis, dims.len())?;
                let (mut out, all) = (dims.clone(), dims[axis].clone());
                out[axis] = count.clone();
                (Some(out), Some(all))
            }
        };
        let all = all.unwrap_or_else(|| cx.unknown_dim());
        cx.set_tensor(0, cx.dtype(0)?, dims);
        cx.set_tensor(1, DType::I64, Some(smallvec![count.clone()]));
        cx.set_tensor(2, DType::I64, Some(smallvec![all]));
        cx.set_tensor(3, DType::I64, Some(smallvec![count]));
        Ok(())
    }
}
