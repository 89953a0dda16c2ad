//! MatMul and FusedMatMul of floats.

use super::Kernel;
use super::product::Product;
use crate::Gpu;
use crate::shader::{Shader, shader};
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::matmul::MatMul;

pub static SHADER: Shader = shader!("matmul", 4, 1);

pub fn lower(gpu: &Gpu, op: &MatMul, node: &Lowered<'_>) -> Result<Kernel> {
    Ok(Product::plain(op.left, op.right, op.alpha).lower(gpu, node))
}
