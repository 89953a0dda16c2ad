//! ScatterND, by the kernels of ScatterElements.

use super::Kernel;
use super::gather_nd::slices;
use super::scatter_elements::Scatter;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::scatter_nd::ScatterNd;

pub fn lower(gpu: &Gpu, op: &ScatterNd, node: &Lowered<'_>) -> Result<Kernel> {
    Ok(Scatter::lower(gpu, node, op.reduction, |x, indices| slices(x, indices, 0)))
}
