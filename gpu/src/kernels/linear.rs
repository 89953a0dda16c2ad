//! Linear: a product with a matrix of weights, and what follows it.

use super::Kernel;
use super::activation::Function;
use super::matmul::{Last, Product};
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::linear::Linear;
use edgewise_core::ops::matmul::Flip;

pub fn lower(gpu: &Gpu, op: &Linear, node: &Lowered<'_>) -> Result<Kernel> {
    let last = Last {
        alpha: 1.0,
        addend: node.has(2).then_some((2, 1.0)),
        residual: node.has(3).then_some(3),
        function: Function::fused(&op.activation),
    };
    let flips = [Flip::default(), op.weights()];
    Ok(Product::new(gpu, node, flips, last).map(|product| Box::new(product) as _))
}
