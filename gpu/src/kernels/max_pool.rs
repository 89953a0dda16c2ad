//! MaxPool, AveragePool and LpPool, of floats; maxima of integers, too.

use super::packed_bytes::is_byte;
use super::shared::{Parameters, count, groups, input_type, is_float, is_integer, kind, word, words};
use super::windows::{MOST_SPATIAL, image, windows};
use super::{Kernel, byte_max_pool};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::max_pool::{MaxPool, Pooling};
use edgewise_core::{DType, Result};

pub static SHADERS: &[Shader] = &[shader!("max_pool", 1, 1), shader!("max_pool_indices", 1, 1)];

/// The number of a pooling in the shaders, and the power of a norm.
pub fn numbers(pooling: Pooling) -> (u32, f32) {
    match pooling {
        Pooling::Max => (0, 0.0),
        Pooling::Average { count_pads: false } => (1, 0.0),
        Pooling::Average { count_pads: true } => (2, 0.0),
        Pooling::Norm { p } => (3, p as f32),
    }
}

pub fn lower(gpu: &Gpu, op: &MaxPool, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(dtype), [shader, places]) = (input_type(node, 0), SHADERS) else { return Ok(None) };
    let places_wanted = node.output(1).is_some();
    if is_byte(dtype)
        && !places_wanted
        && let Some(of_bytes) = byte_max_pool::lower(gpu, op, node)?
    {
        return Ok(Some(of_bytes));
    }
    let taken = is_float(dtype) || is_integer(dtype) && op.pooling == Pooling::Max;
    if !taken || !(1..=MOST_SPATIAL).contains(&op.window.kernel.len()) {
        return Ok(None);
    }
    if places_wanted && (op.channels_last || node.output(0).is_none()) {
        return Ok(None);
    }
    let constants = [
        ("KIND", kind(dtype)),
        ("POOLING", numbers(op.pooling).0),
        ("CHANNELS_LAST", op.channels_last.into()),
    ];
    let pipeline = gpu.pipeline(Variant::new(shader, &constants));
    let places = places_wanted.then(|| {
        let constants = [("KIND", kind(dtype)), ("COLUMN_MAJOR", op.column_major.into())];
        gpu.pipeline(Variant::new(places, &constants))
    });
    Ok(Some(Box::new(Pool { op: op.clone(), dtype, pipeline, places })))
}

struct Pool {
    op: MaxPool,
    dtype: DType,
    pipeline: PipelineId,
    /// Where maxima lie, if somebody wants to know.
    places: Option<PipelineId>,
}

impl DeviceKernel for Pool {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, out) = (cx.input(0)?, cx.output(0)?);
        let len = count(&out);
        if len == 0 {
            return Ok(Bound::nothing());
        }
        let (_, channels, spatial) = image(&x, self.op.channels_last)?;
        let kernel: Vec<usize> = self.op.window.kernel.iter().map(|&k| k as usize).collect();
        let mut parameters = Parameters::default();
        windows(&mut parameters, &self.op.window.axes(spatial, &kernel)?)?;
        word(count(&x))?;
        parameters.0.extend([word(len)?, word(channels)?, 0, 0]);
        let parameters = parameters.floats(&[numbers(self.op.pooling).1]);
        let mut bound = Bound::one(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Output(0)],
            parameters: parameters.0.clone(),
            groups: groups(words(self.dtype, len))?,
        });
        if let Some(pipeline) = self.places {
            let (buffers, parameters) = (vec![Operand::Input(0), Operand::Output(1)], parameters.0);
            bound.launches.push(Launch { pipeline, buffers, parameters, groups: groups(len)? });
        }
        Ok(bound)
    }
}
