//! Size: how many elements a tensor has, as an i64 scalar. Tensors of every type.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// Size.
#[derive(Clone, Debug)]
pub struct Size;

impl Operator for Size {
    fn parse(a: &mut Attrs) -> Result<Size> {
        a.arity(1..=1, 1..=1)?;
        Ok(Size)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        match cx.dims(0) {
            Some(dims) => {
                let size = dims.iter().fold(Dim::from(1), |n, d| n * d.clone());
                cx.set_ints(0, DType::I64, Dims::new(), vec![size]);
            }
            None => cx.set_tensor(0, DType::I64, Some(Dims::new())),
        }
        Ok(())
    }
}
