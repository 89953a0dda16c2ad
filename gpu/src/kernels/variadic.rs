//! Max, Min, Sum and Mean: arithmetic of two, one input after the other.
//!
//! The small floats are left to the host where there are more than two: it rounds once, and steps would round
//! between.

use super::Kernel;
use super::binary::{ADD, LAST_OF_MEAN, MAX, MIN, launch, output_type, pipeline};
use super::shared::{count, input_type, is_float, is_integer, is_wide, ranks_fit};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, PipelineId, device_bytes};
use edgewise_core::ops::variadic::Variadic;
use edgewise_core::{DType, Result, Shape};

pub fn lower(gpu: &Gpu, op: &Variadic, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0) else { return Ok(None) };
    let inputs = node.inputs.len();
    let numbers = is_float(dtype) || is_integer(dtype) || is_wide(dtype);
    let once = inputs <= 2 || !matches!(dtype, DType::F16 | DType::BF16);
    let (step, last, taken) = match op {
        Variadic::Max => (MAX, MAX, numbers),
        Variadic::Min => (MIN, MIN, numbers),
        Variadic::Sum => (ADD, ADD, numbers && once),
        Variadic::Mean => (ADD, LAST_OF_MEAN, is_float(dtype) && once),
    };
    if !taken || !ranks_fit(node) {
        return Ok(None);
    }
    // One input is its own maximum, sum and mean.
    let (step, last) = if inputs == 1 { (MAX, MAX) } else { (step, last) };
    let (step, last) = (pipeline(gpu, dtype, step), pipeline(gpu, dtype, last));
    Ok(Some(Box::new(Lower { step, last })))
}

struct Lower {
    step: PipelineId,
    last: PipelineId,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (dtype, shape) = (output_type(cx)?, cx.output(0)?);
        let mut bound = Bound::nothing();
        let inputs = (0..cx.inputs.len()).map(|i| cx.input(i)).collect::<Result<Vec<Shape>>>()?;
        let Some(first) = inputs.first() else { return Ok(bound) };
        let (mut left, mut left_shape) = (Operand::Input(0), first.clone());
        let steps = inputs.len().saturating_sub(1).max(1);
        for i in 0..steps {
            let right = (i + 1).min(inputs.len() - 1);
            let last = i + 1 == steps;
            let to = if last { Operand::Output(0) } else { Operand::Scratch(i % 2) };
            let right_shape = inputs.get(right).unwrap_or(first);
            let buffers = vec![left, Operand::Input(right), to.clone()];
            let pipeline = if last { self.last } else { self.step };
            let extra = (inputs.len() as f32).to_bits();
            bound.launches.extend(launch(
                pipeline,
                dtype,
                &shape,
                [&left_shape, right_shape],
                extra,
                buffers,
            )?);
            (left, left_shape) = (to, shape.clone());
        }
        let bytes = dtype.bytes_for(count(&shape)).unwrap_or(usize::MAX);
        bound.scratch = vec![device_bytes(bytes); steps.saturating_sub(1).min(2)];
        Ok(bound)
    }
}
