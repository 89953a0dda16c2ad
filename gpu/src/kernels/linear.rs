//! Linear: a product with weights, a bias, a sum and an activation.

use super::Kernel;
use super::activation::Function;
use super::product::Product;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::linear::Linear;
use edgewise_core::ops::matmul::Flip;

pub fn lower(gpu: &Gpu, op: &Linear, node: &Lowered<'_>) -> Result<Kernel> {
    let product = Product {
        activation: Function::fused(&op.activation),
        row: node.has(2).then_some(2),
        addend: node.has(3).then_some(3),
        ..Product::plain(Flip::default(), op.weights(), 1.0)
    };
    Ok(product.lower(gpu, node))
}
