//! QLinearConvTranspose of weights that are known, by the kernels of QLinearConv.

use super::Kernel;
use super::conv::Look;
use super::qlinear_conv::lower_as;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::qlinear_conv::Gives;
use edgewise_core::ops::qlinear_conv_transpose::QLinearConvTranspose;

pub fn lower(gpu: &Gpu, op: &QLinearConvTranspose, node: &Lowered<'_>) -> Result<Kernel> {
    lower_as(gpu, node, Look::Backward(op.conv.clone()), Gives::Bytes, op.conv.channels_last)
}
