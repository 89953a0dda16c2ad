//! Transpose: a copy whose steps have changed places.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::{input_type, ranks_fit};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::transpose::Transpose;
use edgewise_core::{Result, strides};
use std::sync::Arc;

pub fn lower(gpu: &Gpu, op: &Arc<Transpose>, node: &Lowered<'_>) -> Result<Kernel> {
    let copy = input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype)).filter(|_| ranks_fit(node));
    Ok(copy.map(|copy| Box::new(Lower { copy, op: op.clone() }) as _))
}

struct Lower {
    copy: Copy,
    op: Arc<Transpose>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let steps = strides(&x);
        let part = |&axis: &usize| Some(Part::whole(*x.get(axis)?, *steps.get(axis)? as i64));
        let parts: Option<Vec<Part>> = self.op.order(x.len())?.iter().map(part).collect();
        let parts = parts.ok_or_else(|| err!(Internal, "an axis that {x:?} does not have"))?;
        let launch = self.copy.launch(0, &parts, [Operand::Input(0), Operand::Output(0)])?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }
}
