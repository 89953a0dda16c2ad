//! GatherElements: one element along an axis for every index, by the kernel of Gather.

use super::Kernel;
use super::gather::{Picker, Picks};
use super::shared::Axis;
use crate::Gpu;
use edgewise_core::device::Lowered;
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::gather_elements::GatherElements;
use edgewise_core::{Result, strides};

pub fn lower(gpu: &Gpu, op: &GatherElements, node: &Lowered<'_>) -> Result<Kernel> {
    let axis = op.axis;
    Ok(Picker::lower(gpu, node, move |x, indices| elements(x, indices, axis)))
}

/// The elements of a tensor that indices name, each of which replaces the place along an axis.
pub fn elements(x: &[usize], indices: &[usize], axis: i64) -> Result<Picks> {
    let axis = normalize_axis(axis, x.len())?;
    let (steps, dense) = (strides(x), strides(indices));
    let of = |(i, (&size, (&step, &dense))): (usize, (&usize, (&usize, &usize)))| Axis {
        size,
        steps: [if i == axis { 0 } else { step as i64 }, dense as i64],
    };
    let axes = indices.iter().zip(steps.iter().zip(&dense)).enumerate().map(of).collect();
    let along = x.get(axis).copied().zip(steps.get(axis).copied()).into_iter().collect();
    Ok(Picks { axes, along, inner: 1 })
}
