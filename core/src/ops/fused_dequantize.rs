//! FusedDequantize, an operator of our own: DequantizeLinear of bytes and what follows it element by element.
//!
//! `y = quantize(f(dequantize(x) · factor + bias + sum))`, each step as the operator computes it that it stands
//! for. Inputs: x, x_scale, x_zero; factor, a number, by which `divide` divides; bias and sum, which broadcast to
//! x; y_scale, y_zero. All but the first two may be left out; without y_scale the result is f32. f is an
//! activation with FusedGemm's attributes, or where `softmax` is set the softmax along the last axis.

use super::fused_activation::FusedActivation;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// FusedDequantize.
#[derive(Clone, Debug, Default)]
pub struct FusedDequantize {
    /// Whether the factor is a divisor.
    pub divide: bool,
    /// What the sums go through.
    pub function: Function,
}

/// What sums go through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// Each by itself.
    Activation(FusedActivation),
    /// All along the last axis.
    Softmax,
}

impl Default for Function {
    fn default() -> Function {
        Function::Activation(FusedActivation::None)
    }
}

impl Operator for FusedDequantize {
    fn parse(a: &mut Attrs) -> Result<FusedDequantize> {
        a.arity(2..=8, 1..=1)?;
        let activation = Function::Activation(FusedActivation::of_gemm(a)?);
        let function = if a.flag("softmax", false)? { Function::Softmax } else { activation };
        Ok(FusedDequantize { divide: a.flag("divide", false)?, function })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let byte = |dtype| matches!(dtype, DType::U8 | DType::I8);
        for i in [0, 2, 7].into_iter().filter(|&i| cx.has(i)).collect::<Vec<_>>() {
            let dtype = cx.dtype(i)?;
            ensure!(byte(dtype), InvalidModel, "input {i} must be u8 or i8, got {dtype}");
        }
        for i in [1, 3, 4, 5, 6].into_iter().filter(|&i| cx.has(i)).collect::<Vec<_>>() {
            let dtype = cx.dtype(i)?;
            ensure!(dtype == DType::F32, InvalidModel, "input {i} must be f32, got {dtype}");
        }
        if cx.has(2) {
            cx.same_type([0, 2])?;
        }
        let dtype = match (cx.has(6), cx.has(7)) {
            (false, _) => DType::F32,
            (true, false) => DType::U8,
            (true, true) => cx.dtype(7)?,
        };
        cx.set_tensor(0, dtype, cx.dims(0).cloned());
        Ok(())
    }
}
