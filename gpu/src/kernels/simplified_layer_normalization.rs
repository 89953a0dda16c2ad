//! SimplifiedLayerNormalization: rows divided by their root mean square.

use super::Kernel;
use super::layer_normalization::{Axis, Inputs, lower_as};
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::simplified_layer_normalization::SimplifiedLayerNormalization;
use std::sync::Arc;

pub fn lower(gpu: &Gpu, op: &Arc<SimplifiedLayerNormalization>, node: &Lowered<'_>) -> Result<Kernel> {
    let of = op.clone();
    let axis: Axis = Box::new(move |rank| of.axis(rank));
    let inputs = Inputs { bias: None, skip: None, skip_bias: None, statistics: &[1] };
    lower_as(gpu, node, false, op.epsilon, axis, inputs)
}
