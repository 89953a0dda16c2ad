//! BitCast: the same bytes.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::{count, input_type};
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::bit_cast::BitCast;

pub fn lower(gpu: &Gpu, _: &BitCast, node: &Lowered<'_>) -> Result<Kernel> {
    let copy = input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype));
    Ok(copy.map(|copy| Box::new(Lower(copy)) as _))
}

struct Lower(Copy);

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let all = Part::whole(count(&cx.input(0)?), 1);
        let launch = self.0.launch(0, &[all], [Operand::Input(0), Operand::Output(0)])?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }
}
