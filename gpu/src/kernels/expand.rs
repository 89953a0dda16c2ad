//! Expand: a copy whose steps are 0 along the axes that repeat.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::{input_type, ranks_fit};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::expand::Expand;
use edgewise_core::{Result, strides};

pub fn lower(gpu: &Gpu, _: &Expand, node: &Lowered<'_>) -> Result<Kernel> {
    let copy = input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype)).filter(|_| ranks_fit(node));
    Ok(copy.map(|copy| Box::new(Lower { copy }) as _))
}

struct Lower {
    copy: Copy,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let steps = strides(&x);
        let outer = y.len().saturating_sub(x.len());
        let part = |(k, &size): (usize, &usize)| {
            let at = k.checked_sub(outer);
            let step = at.and_then(|k| Some((x.get(k)?, steps.get(k)?))).map_or(0, |(&d, &step)| match d {
                1 => 0,
                _ => step as i64,
            });
            Part::whole(size, step)
        };
        let parts: Vec<Part> = y.iter().enumerate().map(part).collect();
        let launch = self.copy.launch(0, &parts, [Operand::Input(0), Operand::Output(0)])?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }

    /// The shape is that of the output.
    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
