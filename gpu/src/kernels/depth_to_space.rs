//! DepthToSpace and SpaceToDepth: a copy of the input seen with six axes, these in another order.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::depth_to_space::DepthToSpace;
use edgewise_core::{Result, strides};

pub fn lower(gpu: &Gpu, op: &DepthToSpace, node: &Lowered<'_>) -> Result<Kernel> {
    let copy = input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype));
    Ok(copy.map(|copy| Box::new(Lower { copy, op: op.clone() }) as _))
}

struct Lower {
    copy: Copy,
    op: DepthToSpace,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (shape, order) = self.op.axes(&cx.input(0)?)?;
        let steps = strides(&shape);
        let part = |&axis: &usize| Some(Part::whole(*shape.get(axis)?, *steps.get(axis)? as i64));
        let parts: Option<Vec<Part>> = order.iter().map(part).collect();
        let parts = parts.ok_or_else(|| err!(Internal, "an axis that {shape:?} does not have"))?;
        let launch = self.copy.launch(0, &parts, [Operand::Input(0), Operand::Output(0)])?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }
}
