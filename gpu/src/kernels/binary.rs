//! Arithmetic of two tensors that broadcast: floats, and integers up to 64 bits.
//!
//! Not here: powers whose exponent has another type, and powers of integers of 64 bits.

use super::Kernel;
use super::shared::{Parameters, broadcast, count, groups, input_type, is_float, is_integer, is_wide, kind};
use super::shared::{ranks_fit, words};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::ops::align::Align;
use edgewise_core::ops::binary::{Binary, Function};
use edgewise_core::{DType, Result};

pub static SHADER: Shader = shader!("binary", 2, 1);

/// The larger of two, whose number is no operator's of this file.
pub const MAX: u32 = 12;
/// The smaller of two.
pub const MIN: u32 = 13;
/// The sum of two.
pub const ADD: u32 = 0;
/// The sum of two, divided by the extra parameter, a float.
pub const LAST_OF_MEAN: u32 = 14;

pub fn lower(gpu: &Gpu, op: &Binary, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| input_type(node, 1) == Some(dtype)) else {
        return Ok(None);
    };
    let integer = is_integer(dtype) || is_wide(dtype);
    let taken = match op.function {
        Function::Add | Function::Sub | Function::Mul | Function::Div | Function::Mod { .. } => {
            is_float(dtype) || integer
        }
        Function::Pow => is_float(dtype) || is_integer(dtype),
        _ => integer,
    };
    if !taken || !ranks_fit(node) {
        return Ok(None);
    }
    Ok(Some(Box::new(Lower { pipeline: pipeline(gpu, dtype, number(op.function)), align: op.align })))
}

/// The number by which the kernel and `common/functions.wgsl` know it.
pub fn number(function: Function) -> u32 {
    match function {
        Function::Add => ADD,
        Function::Sub => 1,
        Function::Mul => 2,
        Function::Div => 3,
        Function::Mod { fmod: false } => 4,
        Function::Mod { fmod: true } => 5,
        Function::Pow => 6,
        Function::BitShift { left: true } => 7,
        Function::BitShift { left: false } => 8,
        Function::BitwiseAnd => 9,
        Function::BitwiseOr => 10,
        Function::BitwiseXor => 11,
    }
}

/// The pipeline of a function by its number.
pub fn pipeline(gpu: &Gpu, dtype: DType, number: u32) -> PipelineId {
    let constants = [("KIND", kind(dtype)), ("FUNCTION", number)];
    gpu.pipeline(Variant::new(&SHADER, &constants))
}

struct Lower {
    pipeline: PipelineId,
    align: Align,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (a, b, y) = (cx.input(0)?, cx.input(1)?, cx.output(0)?);
        let dtype = output_type(cx)?;
        let b = self.align.second(&a, &b)?;
        let buffers = vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)];
        Ok(launch(self.pipeline, dtype, &y, [&a, &b], 0, buffers)?.map_or_else(Bound::nothing, Bound::one))
    }
}

/// The type of output 0.
pub fn output_type(cx: &Binding<'_>) -> Result<DType> {
    let fact = cx.outputs.first().copied().flatten();
    fact.and_then(|fact| fact.dtype()).ok_or_else(|| err!(Internal, "the type of output 0 is not known"))
}

/// A launch for an output of that type and shape; none for an empty one.
pub fn launch(
    pipeline: PipelineId,
    dtype: DType,
    shape: &[usize],
    operands: [&[usize]; 2],
    extra: u32,
    buffers: Vec<Operand>,
) -> Result<Option<Launch<Operand>>> {
    let len = count(shape);
    if len == 0 {
        return Ok(None);
    }
    let parameters = Parameters::walk(dtype, len, extra, &broadcast(shape, operands))?.0;
    let work = if is_wide(dtype) { len } else { words(dtype, len) };
    Ok(Some(Launch { pipeline, buffers, parameters, groups: groups(work)? }))
}
