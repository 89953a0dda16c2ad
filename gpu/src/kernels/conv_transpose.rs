//! ConvTranspose of floats with constant weights: a convolution whose windows look backward.

use super::Kernel;
use super::conv::{Convolution, Look};
use super::matmul::Last;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::conv_transpose::ConvTranspose;

pub fn lower(gpu: &Gpu, op: &ConvTranspose, node: &Lowered<'_>) -> Result<Kernel> {
    let last = Last { addend: node.has(2).then_some((2, 1.0)), ..Last::default() };
    let look = Look::Backward(op.clone());
    Ok(Convolution::new(gpu, node, look, op.channels_last, last)?.map(|conv| Box::new(conv) as _))
}
