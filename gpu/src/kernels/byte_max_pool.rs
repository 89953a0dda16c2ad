//! MaxPool of bytes, where nobody asks where the maxima lie.

use super::Kernel;
use super::byte_pool::Pool;
use super::packed_bytes::is_byte;
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::max_pool::{MaxPool, Pooling};

pub fn lower(gpu: &Gpu, op: &MaxPool, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_byte(dtype)) else { return Ok(None) };
    if op.pooling != Pooling::Max || node.output(1).is_some() {
        return Ok(None);
    }
    Pool { window: Some(op.window.clone()), channels_last: op.channels_last, mean: None }.lower(
        gpu,
        dtype,
        &[],
    )
}
