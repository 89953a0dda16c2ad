//! QGemm: what is added is known, and one number or one for every column.

use super::Kernel;
use super::byte_product::{Bias, Finish, Form, Product, Zero};
use super::packed_bytes::{Column, Right, columns, is_byte, one, pick, scales, signed_zero, zeros};
use super::qlinear_matmul::OfMatrices;
use super::shared::{count, input_type};
use crate::Gpu;
use edgewise_core::device::Lowered;
use edgewise_core::ops::qgemm::QGemm;
use edgewise_core::{DType, Result};

pub fn lower(gpu: &Gpu, op: &QGemm, node: &Lowered<'_>) -> Result<Kernel> {
    let (Some(a), Some(b)) = (input_type(node, 0), input_type(node, 3)) else { return Ok(None) };
    let y = if node.has(8) { input_type(node, 8) } else { Some(DType::F32) };
    let y_scale = if node.has(7) { one(scales(node, 7)) } else { Some(1.0) };
    let (Some(y), Some(a_scale), Some(b_scale), Some(y_scale)) =
        (y, one(scales(node, 1)), scales(node, 4), y_scale)
    else {
        return Ok(None);
    };
    let (Some(a_zero), Some(b_zero), Some(y_zero)) =
        (one(zeros(node, 2)), zeros(node, 5), one(zeros(node, 8)))
    else {
        return Ok(None);
    };
    let Some(added) = addend(node) else { return Ok(None) };
    let factors: Vec<f32> = match y {
        DType::F32 => b_scale.iter().map(|b| op.alpha * a_scale * b).collect(),
        _ => b_scale.iter().map(|b| op.alpha * a_scale * b / y_scale).collect(),
    };
    let finite = factors.iter().all(|factor| factor.is_finite());
    if !is_byte(a) || !is_byte(b) || !(is_byte(y) || y == DType::F32) || !finite {
        return Ok(None);
    }
    let column = |i: usize| {
        let (zero, factor) = (signed_zero(b, pick(&b_zero, i)), pick(&factors, i));
        Column { zero, factor, bias: pick(&added, i) as u32, ..Column::default() }
    };
    let Some(each) = columns(&[b_scale.len(), b_zero.len(), added.len()]) else { return Ok(None) };
    let Some(right) = Right::of_input(gpu, node, (3, op.right), each, column)? else { return Ok(None) };
    let finish = Finish { y, zero: y_zero, bias: Bias::Integer, relu: false };
    let product = Product::new(gpu, (a, Zero::Known(a_zero)), right, finish, Form::Matrices)?;
    let packed = &[1, 2, 3, 4, 5, 6, 7, 8];
    Ok(Some(Box::new(OfMatrices { product, b: 3, flips: [op.left, op.right], packed })))
}

/// What is added to the sums of a column, or of all.
fn addend(node: &Lowered<'_>) -> Option<Vec<i32>> {
    if !node.has(6) {
        return Some(vec![0]);
    }
    let c = node.constant(6)?;
    let rows =
        c.shape().len().checked_sub(1).map_or(1, |last| count(c.shape().get(..last).unwrap_or_default()));
    if rows != 1 { None } else { Some(c.slice::<i32>().ok()?.to_vec()) }
}
