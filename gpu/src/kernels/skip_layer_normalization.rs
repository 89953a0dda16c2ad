//! SkipLayerNormalization and SkipSimplifiedLayerNormalization: a sum, then rows normalized.

use super::Kernel;
use super::layer_normalization::{Axis, Inputs, lower_as};
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::skip_layer_normalization::SkipLayerNormalization;

pub fn lower(gpu: &Gpu, op: &SkipLayerNormalization, node: &Lowered<'_>) -> Result<Kernel> {
    let axis: Axis = Box::new(|rank: usize| {
        rank.checked_sub(1).ok_or_else(|| err!(InvalidModel, "input 0 must not be a scalar"))
    });
    let there = |i: usize| node.has(i).then_some(i);
    let (bias, skip_bias) = if op.simplified { (None, there(3)) } else { (there(3), there(4)) };
    let inputs = Inputs { bias, skip: Some(1), skip_bias, statistics: &[] };
    lower_as(gpu, node, !op.simplified, op.epsilon, axis, inputs)
}
