//! Split: a copy for each part.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::{input_type, ranks_fit};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::split::Split;
use edgewise_core::{Result, strides};
use std::sync::Arc;

pub fn lower(gpu: &Gpu, op: &Arc<Split>, node: &Lowered<'_>) -> Result<Kernel> {
    // The parts that nobody wants must be known too, for they lie between the others.
    let wanted = node.outputs.iter().all(Option::is_some);
    let copy =
        input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype)).filter(|_| wanted && ranks_fit(node));
    Ok(copy.map(|copy| Box::new(Lower { copy, op: op.clone() }) as _))
}

struct Lower {
    copy: Copy,
    op: Arc<Split>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let (axis, steps) = (self.op.axis(x.len())?, strides(&x));
        let (mut bound, mut from) = (Bound::nothing(), 0);
        for i in 0..cx.outputs.len() {
            let y = cx.output(i)?;
            let parts: Vec<Part> =
                y.iter().zip(&steps).map(|(&d, &step)| Part::whole(d, step as i64)).collect();
            bound.launches.extend(self.copy.launch(from, &parts, [Operand::Input(0), Operand::Output(i)])?);
            if let (Some(size), Some(step)) = (y.get(axis), steps.get(axis)) {
                from += size * step;
            }
        }
        Ok(bound)
    }

    /// The sizes of the parts are those of the outputs.
    fn on_host(&self) -> &[usize] {
        &[1]
    }
}
