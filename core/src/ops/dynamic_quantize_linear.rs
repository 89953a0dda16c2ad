//! DynamicQuantizeLinear: a tensor to u8, with the scale and zero point that cover it and zero.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Result};

/// DynamicQuantizeLinear.
#[derive(Clone, Debug)]
pub struct DynamicQuantizeLinear;

impl Operator for DynamicQuantizeLinear {
    fn parse(a: &mut Attrs) -> Result<DynamicQuantizeLinear> {
        a.arity(1..=1, 1..=3)?;
        Ok(DynamicQuantizeLinear)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        ensure!(cx.dtype(0)? == DType::F32, InvalidModel, "expected f32 elements, got {}", cx.dtype(0)?);
        cx.set_tensor(0, DType::U8, cx.dims(0).cloned());
        cx.set_tensor(1, DType::F32, Some(Dims::new()));
        cx.set_tensor(2, DType::U8, Some(Dims::new()));
        Ok(())
    }
}
