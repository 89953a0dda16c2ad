//! Concat: a copy of each input.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::{input_type, ranks_fit};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::graph::normalize_axis;
use edgewise_core::ops::concat::Concat;
use edgewise_core::{Result, strides};

pub fn lower(gpu: &Gpu, op: &Concat, node: &Lowered<'_>) -> Result<Kernel> {
    let copy = input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype)).filter(|_| ranks_fit(node));
    Ok(copy.map(|copy| Box::new(Lower { copy, axis: op.axis }) as _))
}

struct Lower {
    copy: Copy,
    axis: i64,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let y = cx.output(0)?;
        let axis = normalize_axis(self.axis, y.len())?;
        let (mut bound, mut begin) = (Bound::nothing(), 0);
        for i in 0..cx.inputs.len() {
            let x = cx.input(i)?;
            let part = |(k, ((&whole, &size), &step)): (usize, ((&usize, &usize), &usize))| Part {
                whole,
                begin: if k == axis { begin } else { 0 },
                size,
                step: step as i64,
            };
            let parts: Vec<Part> = y.iter().zip(&x).zip(&strides(&x)).enumerate().map(part).collect();
            bound.launches.extend(self.copy.launch(0, &parts, [Operand::Input(i), Operand::Output(0)])?);
            begin += x.get(axis).unwrap_or(&0);
        }
        Ok(bound)
    }
}
