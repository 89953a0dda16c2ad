//! QLinearAveragePool and QLinearGlobalAveragePool whose scales and zero points are known.

use super::Kernel;
use super::byte_pool::{Mean, Pool};
use super::packed_bytes::{is_byte, one, scales, zeros};
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::qlinear_average_pool::QLinearAveragePool;

pub fn lower(gpu: &Gpu, op: &QLinearAveragePool, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_byte(dtype)) else { return Ok(None) };
    let (Some(x), Some(x_zero), Some(y), Some(y_zero)) =
        (one(scales(node, 1)), one(zeros(node, 2)), one(scales(node, 3)), one(zeros(node, 4)))
    else {
        return Ok(None);
    };
    let mean = Mean { count_pads: op.count_pads, x: (x, x_zero), y: (y, y_zero) };
    let pool = Pool { window: op.window.clone(), channels_last: op.channels_last, mean: Some(mean) };
    pool.lower(gpu, dtype, &[1, 2, 3, 4])
}
