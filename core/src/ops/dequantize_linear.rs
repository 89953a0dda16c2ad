//! DequantizeLinear: `(x - zero point) * scale`.
//!
//! The granularities and types are those of QuantizeLinear, and i32. The output has the scale's type, or
//! `output_dtype` from opset 23 on.

use super::granularity::Granularity;
use super::quantize_linear::{check_scales, named_dtype};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// DequantizeLinear.
#[derive(Clone, Debug)]
pub struct DequantizeLinear {
    /// How scales lie over the tensor.
    pub granularity: Granularity,
    output: Option<DType>,
}

impl Operator for DequantizeLinear {
    fn parse(a: &mut Attrs) -> Result<DequantizeLinear> {
        a.arity(2..=3, 1..=1)?;
        Ok(DequantizeLinear { granularity: Granularity::parse(a)?, output: named_dtype(a, "output_dtype")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let output = match self.output.unwrap_or(cx.dtype(1)?) {
            // A scale that is only a power of two says nothing of the output.
            DType::F8E8M0 => DType::F32,
            output => output,
        };
        if cx.has(2) {
            let (x, zero) = (cx.dtype(0)?, cx.dtype(2)?);
            ensure!(x == zero, InvalidModel, "the zero point must have the input's type, {x}; got {zero}");
        }
        check_scales(&self.granularity, cx)?;
        cx.set_tensor(0, output, cx.dims(0).cloned());
        Ok(())
    }
}
