//! Gemm and FusedGemm of floats. A beta of 0 means that C is not read at all.

use super::Kernel;
use super::activation::Function;
use super::matmul::{Last, Product};
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::gemm::Gemm;

pub fn lower(gpu: &Gpu, op: &Gemm, node: &Lowered<'_>) -> Result<Kernel> {
    let last = Last {
        alpha: op.alpha,
        addend: (node.has(2) && op.beta != 0.0).then_some((2, op.beta)),
        residual: None,
        function: Function::fused(&op.activation),
    };
    Ok(Product::new(gpu, node, [op.left, op.right], last).map(|product| Box::new(product) as _))
}
