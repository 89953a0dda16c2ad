//! QLinearMatMul: sums of products of bytes, and those as bytes again.

use super::Kernel;
use super::matmul_integer::{Places, Sums};
use super::requantize::{self, Requantize};
use super::shared::count;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, device_bytes};
use edgewise_core::ops::qlinear_matmul::QLinearMatMul;

pub fn lower(gpu: &Gpu, _: &QLinearMatMul, node: &Lowered<'_>) -> Result<Kernel> {
    // A vector on the right has no columns for scales to lie along.
    let matrix = node.fact(3).and_then(|fact| fact.dims.as_ref()).is_some_and(|dims| dims.len() >= 2);
    let Some(sums) = Sums::lower(gpu, node, Places { left: 0, right: 3, left_zero: 2, right_zero: 5 }) else {
        return Ok(None);
    };
    let at = requantize::Places { left_scale: 1, right_scale: 4, scale: 6, zero: 7, bias: None };
    let requantize = Requantize::lower(gpu, node, at)?.filter(|_| matrix);
    Ok(requantize.map(|requantize| Box::new(Lower { sums, requantize }) as _))
}

struct Lower {
    sums: Sums,
    requantize: Requantize,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.output(0)?;
        let Some(sums) = self.sums.launch(cx, Operand::Scratch(0))? else { return Ok(Bound::nothing()) };
        let columns = shape.len().saturating_sub(1);
        let bytes = self.requantize.launch(Operand::Scratch(0), &shape, columns)?;
        Ok(Bound { launches: vec![sums, bytes], scratch: vec![device_bytes(count(&shape).saturating_mul(4))] })
    }

    fn on_host(&self) -> &[usize] {
        &[1, 4, 6, 7]
    }
}
