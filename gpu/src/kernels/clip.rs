//! Clip, where its limits are known: floats as an activation, integers by a kernel of their own.

use super::Kernel;
use super::activation::Function;
use super::shared::{Map, input_type, is_float, is_integer, kind};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::clip::Clip;

pub static SHADER: Shader = shader!("clip", 1, 1);

const LIMITS: &[usize] = &[1, 2];

pub fn lower(gpu: &Gpu, op: &Clip, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0) else { return Ok(None) };
    // A limit that is there but not known, or no single number, is the host's affair.
    if LIMITS.iter().any(|&i| node.has(i) && node.constant(i).is_none_or(|limit| limit.len() != 1)) {
        return Ok(None);
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
