//! Slice: a copy that begins in the middle. The host has its bounds, from which the size follows.

use super::Kernel;
use super::copy::{Copy, Part};
use super::shared::{input_type, known_ints, ranks_fit};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::slice::Slice;
use edgewise_core::{Result, strides};
use std::sync::Arc;

const BOUNDS: &[usize] = &[1, 2, 3, 4];

pub fn lower(gpu: &Gpu, op: &Arc<Slice>, node: &Lowered<'_>) -> Result<Kernel> {
    let copy = input_type(node, 0).and_then(|dtype| Copy::of(gpu, dtype)).filter(|_| ranks_fit(node));
    Ok(copy.map(|copy| Box::new(Lower { copy, op: op.clone() }) as _))
}

struct Lower {
    copy: Copy,
    op: Arc<Slice>,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let x = cx.input(0)?;
        let parts = self.op.parts(&x, |i| known_ints(cx, i))?;
        let parts = parts.ok_or_else(|| err!(Internal, "the bounds of a slice are not known"))?;
        let mut from = 0;
        let along = |((start, len, step), walk): ((usize, usize, i64), &usize)| {
            from += start * walk;
            Part::whole(len, step.wrapping_mul(*walk as i64))
        };
        let parts: Vec<Part> = parts.into_iter().zip(&strides(&x)).map(along).collect();
        let launch = self.copy.launch(from, &parts, [Operand::Input(0), Operand::Output(0)])?;
        Ok(launch.map_or_else(Bound::nothing, Bound::one))
    }

    fn on_host(&self) -> &[usize] {
        BOUNDS
    }
}
