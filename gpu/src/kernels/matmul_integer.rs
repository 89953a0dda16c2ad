//! MatMulInteger with one zero point for A, known or not, and one or one per column for B.

use super::Kernel;
use super::byte_product::{Bias, Finish, Form, Product, Zero};
use super::packed_bytes::{Column, Right, columns, is_byte, one, pick, signed_zero, zeros};
use super::qlinear_matmul::OfMatrices;
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::device::Lowered;
use edgewise_core::ops::matmul::Flip;
use edgewise_core::ops::matmul_integer::MatMulInteger;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, _op: &MatMulInteger, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(a), Some(b)) = (input_type(node, 0).filter(|&a| is_byte(a)), input_type(node, 1)) else {
        return Ok(None);
    };
    let (Some(zero), Some(b_zero)) = (zero_of_a(node, None, 2), zeros(node, 3)) else { return Ok(None) };
    let Some(each) = columns(&[b_zero.len()]) else { return Ok(None) };
    let column = |i: usize| Column { zero: signed_zero(b, pick(&b_zero, i)), ..Column::default() };
    let Some(right) = Right::of_input(gpu, node, (1, Flip::default()), each, column)? else {
        return Ok(None);
    };
    let finish = Finish { y: DType::I32, zero: 0, bias: Bias::None, relu: false };
    let product = Product::new(gpu, (a, zero), right, finish, Form::Matrices)?;
    let flips = [Flip::default(); 2];
    Ok(Some(Box::new(OfMatrices { product, b: 1, flips, packed: &[1, 3] })))
}

/// A's zero point from input `zero`, if it has one for all; with it the scale from input `scale`, where there is
/// one.
pub fn zero_of_a(node: &Lowered<'_>, scale: Option<usize>, zero: usize) -> Option<Zero> {
    let known = scale.is_none_or(|scale| node.constant(scale).is_some());
    if let (Some(zeros), true) = (zeros(node, zero), known) {
        return one(Some(zeros)).map(Zero::Known);
    }
    let single = |i: usize| {
        let dims = node.fact(i)?.dims.as_ref()?;
        dims.iter().all(|dim| dim.known() == Some(1)).then_some(i)
    };
    // Without a zero point there is nothing in the buffers to read it from.
    Some(Zero::Inputs { scale: single(scale.unwrap_or(zero))?, zero: single(zero)? })
}
