//! QLinearSigmoid and QLinearLeakyRelu: a table of all bytes, made by the operator itself.

use super::Kernel;
use super::byte_table::by_table;
use super::packed_bytes::{held, is_byte, words_of};
use super::qlinear_elementwise::{all_bytes, made_of};
use super::shared::input_type;
use crate::Gpu;
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::qlinear_activation::QLinearActivation;

pub fn lower(gpu: &Gpu, _op: &QLinearActivation, node: &Lowered<'_>) -> Result<Kernel> {
    let Some(dtype) = input_type(node, 0).filter(|&dtype| is_byte(dtype)) else { return Ok(None) };
    let Some(table) = made_of(node, &[(0, all_bytes(dtype)?)])? else { return Ok(None) };
    by_table(gpu, held(gpu, &words_of(table.view().bytes()), "a table")?, &[1, 2, 3, 4])
}
