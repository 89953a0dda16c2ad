//! MatMulIntegerToFloat and DynamicQuantizeMatMul to f32, with one scale for A, known or not, and one or one per
//! column for B.

use super::Kernel;
use super::arrange::scratch;
use super::byte_product::{Bias, Finish, Form, Product, Zero};
use super::dynamic_quantize_linear::Quantizer;
use super::matmul_integer::zero_of_a;
use super::packed_bytes::{Column, Right, columns, is_byte, one, pick, scales, signed_zero, zeros};
use super::qlinear_matmul::OfMatrices;
use super::shared::{count, input_type};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, device_bytes};
use edgewise_core::ops::matmul::Flip;
use edgewise_core::ops::matmul_integer_to_float::MatMulIntegerToFloat;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, op: &MatMulIntegerToFloat, node: &Lowered<'_>) -> Result<Kernel> {
    let [b_scale, b_zero, bias] = if op.dynamic { [2, 3, 4] } else { [3, 5, 6] };
    let (Some(a), Some(b)) = (input_type(node, 0), input_type(node, 1)) else { return Ok(None) };
    if input_type(node, 2) != Some(DType::F32) {
        return Ok(None);
    }
    let (a, zero) = match op.dynamic {
        true if a == DType::F32 => (DType::U8, Some(Zero::Found)),
        false if is_byte(a) => (a, zero_of_a(node, Some(2), 4)),
        _ => return Ok(None),
    };
    // Where the scale of A is known, every column's factor holds it.
    let a_scale = match zero {
        Some(Zero::Known(_)) => one(scales(node, 2)),
        _ => Some(1.0),
    };
    let (Some(zero), Some(a_scale), Some(b_scale), Some(b_zero)) =
        (zero, a_scale, scales(node, b_scale), zeros(node, b_zero))
    else {
        return Ok(None);
    };
    let added = match node.has(bias) {
        false => Some(Vec::new()),
        true => node.constant(bias).and_then(|bias| bias.to_f32s().ok()),
    };
    let Some(added) = added else { return Ok(None) };
    let lengths = [b_scale.len(), b_zero.len(), if node.has(bias) { added.len() } else { 1 }];
    let Some(each) = columns(&lengths) else { return Ok(None) };
    let column = |i: usize| {
        let (zero, factor) = (signed_zero(b, pick(&b_zero, i)), a_scale * pick(&b_scale, i));
        Column { zero, factor, bias: pick(&added, i).to_bits(), ..Column::default() }
    };
    let Some(right) = Right::of_input(gpu, node, (1, Flip::default()), each, column)? else {
        return Ok(None);
    };
    let bias = if node.has(bias) { Bias::Float } else { Bias::None };
    let finish = Finish { y: DType::F32, zero: 0, bias, relu: false };
    let product = Product::new(gpu, (a, zero), right, finish, Form::Matrices)?;
    if op.dynamic {
        return Ok(Some(Box::new(Dynamic { product, quantizer: Quantizer::new(gpu)? })));
    }
    let packed: &[usize] = if matches!(zero, Zero::Known(_)) { &[1, 2, 3, 4, 5, 6] } else { &[1, 3, 5, 6] };
    Ok(Some(Box::new(OfMatrices { product, b: 1, flips: [Flip::default(); 2], packed })))
}

/// A is quantized first.
struct Dynamic {
    product: Product,
    quantizer: Quantizer,
}

impl DeviceKernel for Dynamic {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        // The first two are where the product looks for the scale and the zero point.
        let mut bound = Bound { scratch: vec![device_bytes(4); 2], ..Bound::nothing() };
        let shape = cx.input(0)?;
        let bytes = scratch(&mut bound, count(&shape));
        let (scale, zero) = Zero::found();
        self.quantizer.launch(&mut bound, count(&shape), (Some(bytes.clone()), scale, zero))?;
        let right = (1, cx.optional(1), Flip::default());
        self.product.bind(&mut bound, (bytes, &shape, Flip::default()), right)?;
        Ok(bound)
    }

    fn packed(&self) -> &[usize] {
        if self.product.packed().is_some() { &[1, 2, 3, 4] } else { &[] }
    }
}
