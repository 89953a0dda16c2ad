//! EyeLike: ones on a diagonal of a matrix with the input's shape, `k` above (or, negative, below) the main
//! one.
//!
//! The elements are of the type `dtype`, or of the input's: any number or bool.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// EyeLike.
#[derive(Clone, Debug)]
pub struct EyeLike {
    /// How far above the main diagonal.
    pub k: i64,
    dtype: Option<DType>,
}

impl Operator for EyeLike {
    fn parse(a: &mut Attrs) -> Result<EyeLike> {
        a.arity(1..=1, 1..=1)?;
        Ok(EyeLike { k: a.int_or("k", 0)?, dtype: a.dtype("dtype")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            ensure!(dims.len() == 2, InvalidModel, "expected a matrix, got {dims:?}");
        }
        let dtype = self.dtype.map_or_else(|| cx.dtype(0), Ok)?;
        cx.set_tensor(0, dtype, cx.dims(0).cloned());
        Ok(())
    }
}
