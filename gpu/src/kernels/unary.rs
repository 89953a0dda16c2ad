//! Functions of one number, of floats and of integers up to 64 bits.

use super::Kernel;
use super::shared::{Map, input_type, is_float, is_integer, is_wide, kind};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::Lowered;
use edgewise_core::ops::unary::Unary;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("unary", 1, 1);

pub fn lower(gpu: &Gpu, op: &Unary, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0) else { return Ok(None) };
    let integer = is_integer(dtype) || is_wide(dtype);
    let taken = match op {
        Unary::Abs | Unary::Neg | Unary::Sign => is_float(dtype) || integer,
        Unary::Not => dtype == DType::Bool,
        Unary::BitwiseNot => integer,
        _ => is_float(dtype),
    };
    if !taken {
        return Ok(None);
    }
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype)), ("FUNCTION", number(op))]));
    Ok(Some(Box::new(Map { pipeline, parameters: Vec::new(), dtype, on_host: &[] })))
}

/// The number by which `common/functions.wgsl` knows it.
pub fn number(op: &Unary) -> u32 {
    match op {
        Unary::Abs => 0,
        Unary::Neg => 1,
        Unary::Sign => 2,
        Unary::Not => 3,
        Unary::BitwiseNot => 4,
        Unary::Acos => 5,
        Unary::Acosh => 6,
        Unary::Asin => 7,
        Unary::Asinh => 8,
        Unary::Atan => 9,
        Unary::Atanh => 10,
        Unary::Ceil => 11,
        Unary::Cos => 12,
        Unary::Cosh => 13,
        Unary::Erf => 14,
        Unary::Exp => 15,
        Unary::Floor => 16,
        Unary::Log => 17,
        Unary::Reciprocal => 18,
        Unary::Round => 19,
        Unary::Sin => 20,
        Unary::Sinh => 21,
        Unary::Sqrt => 22,
        Unary::Tan => 23,
        Unary::Tanh => 24,
    }
}
