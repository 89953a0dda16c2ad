//! ConstantOfShape: a tensor of a given shape, every element `value`.
//!
//! `value` is a tensor of one element of any type; without it the elements are f32 zeros.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result, Tensor};

/// ConstantOfShape.
#[derive(Clone, Debug)]
pub struct ConstantOfShape {
    /// The element, as a tensor.
    pub value: Tensor,
}

impl Operator for ConstantOfShape {
    fn parse(a: &mut Attrs) -> Result<ConstantOfShape> {
        a.arity(1..=1, 1..=1)?;
        let value = a.tensor("value")?.unwrap_or_else(|| Tensor::scalar(0f32));
        ensure!(value.len() == 1, InvalidModel, "the value must be one element, got {value:?}");
        Ok(ConstantOfShape { value })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let rank = cx.dims(0).and_then(|dims| dims.first()?.size());
        let dims: Option<Dims> = match (cx.ints(0), rank) {
            (Some(dims), _) => Some(dims.into_iter().collect()),
            (None, Some(rank)) => Some(cx.unknown_dims(rank)?),
            (None, None) => None,
        };
        for d in dims.iter().flatten() {
            ensure!(d.known().is_none_or(|d| d >= 0), InvalidModel, "the shape has the negative size {d}");
        }
        let dtype = self.value.dtype();
        cx.set_tensor(0, dtype, dims.clone());
        let count = dims.as_ref().and_then(|dims| {
            dims.iter().try_fold(1usize, |n, d| n.checked_mul(d.size()?)).filter(|&n| n <= 1024)
        });
        if let (true, Some(dims), Some(count)) = (matches!(dtype, DType::I32 | DType::I64), dims, count) {
            let value = Dim::from(self.value.view().scalar_i64()?);
            cx.set_ints(0, dtype, dims, vec![value; count]);
        }
        Ok(())
    }
}
