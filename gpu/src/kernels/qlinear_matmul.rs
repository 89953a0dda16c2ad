//! QLinearMatMul of bytes, with one scale and zero point for A and the result, and one or one per column for B.

use super::Kernel;
use super::byte_product::{Bias, Finish, Form, Product, Zero};
use super::packed_bytes::{Column, Right, columns, is_byte, one, pick, scales, signed_zero, zeros};
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand};
use edgewise_core::ops::matmul::Flip;
use edgewise_core::ops::qlinear_matmul::QLinearMatMul;
use edgewise_core::quant::multiplier;

pub fn lower(gpu: &Gpu, _op: &QLinearMatMul, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(a), Some(b), Some(y)) = (input_type(node, 0), input_type(node, 3), input_type(node, 7)) else {
        return Ok(None);
    };
    let (Some(a_scale), Some(b_scale), Some(y_scale)) =
        (one(scales(node, 1)), scales(node, 4), one(scales(node, 6)))
    else {
        return Ok(None);
    };
    let (Some(a_zero), Some(b_zero), Some(y_zero)) =
        (one(zeros(node, 2)), zeros(node, 5), one(zeros(node, 7)))
    else {
        return Ok(None);
    };
    let factors: Vec<f32> = b_scale.iter().map(|&b| multiplier(a_scale, b, y_scale)).collect();
    if ![a, b, y].into_iter().all(is_byte) || !factors.iter().all(|factor| factor.is_finite()) {
        return Ok(None);
    }
    let column = |i: usize| {
        let zero = signed_zero(b, pick(&b_zero, i));
        Column { zero, factor: pick(&factors, i), ..Column::default() }
    };
    let Some(each) = columns(&[b_scale.len(), b_zero.len()]) else { return Ok(None) };
    let Some(right) = Right::of_input(gpu, node, (3, Flip::default()), each, column)? else {
        return Ok(None);
    };
    let finish = Finish { y, zero: y_zero, bias: Bias::None, relu: false };
    let product = Product::new(gpu, (a, Zero::Known(a_zero)), right, finish, Form::Matrices)?;
    let flips = [Flip::default(); 2];
    Ok(Some(Box::new(OfMatrices { product, b: 3, flips, packed: &[1, 2, 3, 4, 5, 6, 7] })))
}

/// A product of two inputs, the first of which is A.
pub struct OfMatrices {
    pub product: Product,
    pub b: usize,
    pub flips: [Flip; 2],
    pub packed: &'static [usize],
}

impl DeviceKernel for OfMatrices {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let mut bound = Bound::nothing();
        let [a_flip, b_flip] = self.flips;
        let right = (self.b, cx.optional(self.b), b_flip);
        self.product.bind(&mut bound, (Operand::Input(0), &cx.input(0)?, a_flip), right)?;
        Ok(bound)
    }

    fn packed(&self) -> &[usize] {
        if self.product.packed().is_some() { self.packed } else { &[] }
    }
}
