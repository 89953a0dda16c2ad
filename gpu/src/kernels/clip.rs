//! Clip. Where its limits are known floats are an activation, and integers up to 32 bits have a kernel of their own;
//! else the larger one of two numbers is taken, and then the smaller one.

use super::Kernel;
use super::activation::Function;
use super::arrange::scratch;
use super::binary::{self, MAX, MIN};
use super::shared::{Map, count, input_type, is_float, is_integer, is_wide, kind, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, PipelineId};
use edgewise_core::ops::clip::Clip;
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("clip", 1, 1);

const LIMITS: &[usize] = &[1, 2];

pub fn lower(gpu: &Gpu, op: &Clip, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0) else { return Ok(None) };
    let unknown = |&i: &usize| node.has(i) && node.constant(i).is_none_or(|limit| limit.len() != 1);
    if LIMITS.iter().any(unknown) || is_wide(dtype) {
        return Ok(by_pairs(gpu, op, dtype, node));
    }
    if is_float(dtype) {
        let limit = |i| node.constant(i).map(|limit| limit.scalar_f32()).transpose();
        let low = limit(1)?.or(op.min).unwrap_or(f32::NEG_INFINITY);
        let high = limit(2)?.or(op.max).unwrap_or(f32::INFINITY);
        return Ok(Function::clip(low, high).map(gpu, node, LIMITS));
    }
    let (Some((least, most)), true) = (dtype.integer_range(), is_integer(dtype)) else { return Ok(None) };
    if op.min.is_some() || op.max.is_some() {
        return Ok(None);
    }
    let limit = |i| node.constant(i).map(|limit| limit.scalar_i64()).transpose();
    let low = limit(1)?.unwrap_or(least as i64);
    let high = limit(2)?.unwrap_or(most as i64);
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &[("KIND", kind(dtype))]));
    let parameters = vec![low as u32, high as u32];
    Ok(Some(Box::new(Map { pipeline, parameters, dtype, on_host: LIMITS })))
}

/// A kernel of two launches, one for each limit, which are elements on the device.
fn by_pairs(gpu: &Gpu, op: &Clip, dtype: DType, node: &Lowered<'_>) -> Kernel {
    let taken = is_float(dtype) || is_integer(dtype) || is_wide(dtype);
    let same = LIMITS.iter().all(|&i| input_type(node, i).is_none_or(|limit| limit == dtype));
    if !taken || !same || op.min.is_some() || op.max.is_some() {
        return None;
    }
    let (low, high) = (binary::pipeline(gpu, dtype, MAX), binary::pipeline(gpu, dtype, MIN));
    Some(Box::new(ByPairs { dtype, low, high }))
}

struct ByPairs {
    dtype: DType,
    low: PipelineId,
    high: PipelineId,
}

impl DeviceKernel for ByPairs {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.output(0)?;
        for limit in LIMITS.iter().filter_map(|&i| cx.optional(i)) {
            ensure!(count(&limit) == 1, InvalidInput, "a limit of Clip must be one element, got {limit:?}");
        }
        let one: &[usize] = &[];
        let mut steps = Vec::new();
        for (pipeline, i) in [(self.low, 1), (self.high, 2)] {
            steps.extend(cx.optional(i).map(|_| (pipeline, Operand::Input(i), one)));
        }
        if steps.is_empty() {
            // Everything is the larger one of itself.
            steps.push((self.low, Operand::Input(0), &shape));
        }
        let (mut bound, mut left) = (Bound::nothing(), Operand::Input(0));
        let last = steps.len() - 1;
        for (i, (pipeline, limit, of_limit)) in steps.into_iter().enumerate() {
            let to = match i == last {
                true => Operand::Output(0),
                false => scratch(&mut bound, 4 * words(self.dtype, count(&shape))),
            };
            let buffers = vec![left, limit, to.clone()];
            bound.launches.extend(binary::launch(
                pipeline,
                self.dtype,
                &shape,
                [&shape, of_limit],
                0,
                buffers,
            )?);
            left = to;
        }
        Ok(bound)
    }
}
