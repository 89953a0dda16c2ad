//! CumSum of floats and integers, CumProd of integers. The host takes products of floats: it multiplies in a type
//! that holds what ours does not.

use super::Kernel;
use super::gather::wide_indices;
use super::narrow::Narrow;
use super::shared::{
    Axis, Parameters, can_be_walked, count, input_type, is_float, is_wide, kind, known_ints, rows_of_groups,
    told, word,
};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::cum_sum::CumSum;
use edgewise_core::{DType, Result, strides};

pub static SHADER: Shader = shader!("cum_sum", 2, 2);

pub fn lower(gpu: &Gpu, op: &CumSum, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(dtype), Some(wide)) = (input_type(node, 0), wide_indices(node, 1)) else { return Ok(None) };
    let integer = is_wide(dtype) || matches!(dtype, DType::I32 | DType::U32);
    if !can_be_walked(node.inputs) || !(integer || is_float(dtype) && !op.product) {
        return Ok(None);
    }
    let constants = [
        ("KIND", kind(dtype)),
        ("WIDE_INDICES", wide.into()),
        ("PRODUCT", op.product.into()),
        ("EXCLUSIVE", op.exclusive.into()),
        ("REVERSE", op.reverse.into()),
    ];
    let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
    let narrow = Narrow::to(gpu, if is_float(dtype) { dtype } else { DType::F32 });
    Ok(Some(Box::new(Lower { pipeline, narrow })))
}

struct Lower {
    pipeline: PipelineId,
    narrow: Narrow,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let total = count(&x);
        if total == 0 {
            return Ok(Bound::nothing());
        }
        let known = known_ints(cx, 1).and_then(|axes| axes.first().copied());
        let axis = known.map(|axis| normalize_axis(axis, x.len())).transpose()?;
        // Where the axis is on the device alone, there are groups for the one that needs most.
        let len = axis.map_or_else(|| x.iter().min(), |axis| x.get(axis)).copied().unwrap_or(1);
        let along: Vec<Axis<1>> =
            x.iter().zip(&strides(&x)).map(|(&size, &step)| Axis { size, steps: [step as i64] }).collect();
        let mut bound = Bound::nothing();
        // What is known has been looked at.
        if axis.is_none() {
            bound.checks.push(Check::Axis(x.len()));
        }
        let (status, at) = told(&mut bound, axis.is_none().then_some(cx.word))?;
        let head = Parameters(vec![word(total)?, word(x.len())?, at, 0]).axes(&along)?;
        let y = self.narrow.output(&mut bound, 0, total);
        bound.launches.push(Launch {
            pipeline: self.pipeline,
            buffers: vec![Operand::Input(0), Operand::Input(1), y.clone(), status],
            parameters: head.0,
            groups: rows_of_groups(total / len)?,
        });
        self.narrow.finish(&mut bound, &y, 0, total)?;
        Ok(bound)
    }
}
