//! MatMulIntegerToFloat: sums of products of bytes, and the numbers that they stand for. DynamicQuantizeMatMul, which
//! quantizes first, is left to the host.

use super::Kernel;
use super::activation::Function;
use super::matmul_integer::{Places, Sums};
use super::scale_sums::ScaleSums;
use super::shared::count;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, device_bytes};
use edgewise_core::ops::fused_activation::FusedActivation;
use edgewise_core::ops::matmul_integer_to_float::MatMulIntegerToFloat;

pub fn lower(gpu: &Gpu, op: &MatMulIntegerToFloat, node: &Lowered<'_>) -> Result<Kernel> {
    // A vector on the right has no columns for scales to lie along.
    let matrix = node.fact(1).and_then(|fact| fact.dims.as_ref()).is_some_and(|dims| dims.len() >= 2);
    if op.dynamic || !matrix {
        return Ok(None);
    }
    let sums = Sums::lower(gpu, node, Places { left: 0, right: 1, left_zero: 4, right_zero: 5 });
    let scale = ScaleSums::lower(gpu, node, Function::fused(&FusedActivation::None));
    let (Some(sums), Some(scale)) = (sums, scale) else { return Ok(None) };
    Ok(Some(Box::new(Lower { sums, scale })))
}

struct Lower {
    sums: Sums,
    scale: ScaleSums,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let shape = cx.output(0)?;
        let Some(sums) = self.sums.launch(cx, Operand::Scratch(0))? else { return Ok(Bound::nothing()) };
        let numbers = self.scale.launch(cx, Operand::Scratch(0), &shape, shape.len().saturating_sub(1))?;
        Ok(Bound { launches: vec![sums, numbers], scratch: vec![device_bytes(count(&shape).saturating_mul(4))] })
    }
}
