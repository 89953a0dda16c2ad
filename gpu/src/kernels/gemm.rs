//! Gemm and FusedGemm of floats.

use super::Kernel;
use super::activation::Function;
use super::product::Product;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::gemm::Gemm;

pub fn lower(gpu: &Gpu, op: &Gemm, node: &Lowered<'_>) -> Result<Kernel> {
    let product = Product {
        beta: op.beta,
        activation: Function::fused(&op.activation),
        addend: node.has(2).then_some(2),
        ..Product::plain(op.left, op.right, op.alpha)
    };
    Ok(product.lower(gpu, node))
}
