//! ArgMax and ArgMin, of floats and of integers up to 64 bits.

use super::Kernel;
use super::reduce::Groups;
use super::shared::{input_type, is_float, is_integer, is_wide, kind, ranks_fit};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, PipelineId};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::arg_max::ArgMax;

pub static SHADER: Shader = shader!("arg_max", 1, 1);

pub fn lower(gpu: &Gpu, op: &ArgMax, node: &Lowered<'_>) -> Result<Kernel> {
    let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype) || is_integer(dtype) || is_wide(dtype));
    let Some(dtype) = dtype.filter(|_| ranks_fit(node)) else { return Ok(None) };
    let pipeline = |alone: bool| {
        let constants = [
            ("KIND", kind(dtype)),
            ("MIN", op.min.into()),
            ("LAST", op.last.into()),
            ("ALONE", alone.into()),
        ];
        gpu.pipeline(Variant::new(&SHADER, &constants))
    };
    Ok(Some(Box::new(Lower { pipelines: [pipeline(true), pipeline(false)], axis: op.axis })))
}

struct Lower {
    pipelines: [PipelineId; 2],
    axis: i64,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let rank = cx.input(0)?.len();
        let axis = normalize_axis(self.axis, rank)?;
        let marked: Vec<bool> = (0..rank).map(|i| i == axis).collect();
        match Groups::of(cx, &marked)? {
            Some(groups) => Ok(Bound::one(groups.launch(self.pipelines, Operand::Output(0))?)),
            None => Ok(Bound::nothing()),
        }
    }
}
