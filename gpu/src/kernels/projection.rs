//! The projection of Attention and QAttention to query, key and value: one product of floats or of bytes, with the
//! bias, whose result lies in columns.
//!
//! What a reader would get wrong: sums are rounded to the operator's type after the bias, and not before.

use super::byte_product::{self, Bias, Finish, Form};
use super::cast;
use super::matmul::{Last, Product};
use super::matmul_integer::zero_of_a;
use super::packed_bytes::{Column, Right, columns, is_byte, pick, scales, signed_zero, zeros};
use super::shared::{append, input_type, into};
use crate::Gpu;
use edgewise_core::device::{Binding, Bound, DeviceKernel, Lowered, Operand, PipelineId, device_bytes};
use edgewise_core::graph::Fact;
use edgewise_core::ops::matmul::Flip;
use edgewise_core::ops::projected_attention::Projection;
use edgewise_core::{DType, Result, Shape};

/// The product, by types.
pub enum Projected {
    Floats(DType, Product),
    /// And how f32 is narrowed.
    Bytes(byte_product::Product, Option<(PipelineId, DType)>),
}

impl Projected {
    /// Of floats in the first two inputs, with the bias in the third.
    pub fn floats(gpu: &Gpu, node: &Lowered<'_>, dtype: DType) -> Option<Projected> {
        let inputs = node.inputs.get(..node.inputs.len().min(3))?;
        let of_product = Lowered { node: node.node, inputs, outputs: node.outputs, wished: &[] };
        let addend = node.has(2).then_some((2, 1.0));
        let last = Last { addend, ..Last::default() };
        let product = Product::new(gpu, &of_product, [Flip::default(); 2], last)?;
        Some(Projected::Floats(dtype, product))
    }

    /// Of bytes, as QAttention has them: behind them the bias, scales, a mask, zero points.
    pub fn bytes(gpu: &Gpu, node: &Lowered<'_>, dtype: DType) -> Result<Option<Projected>> {
        let (Some(a), Some(b)) = (input_type(node, 0), input_type(node, 1)) else { return Ok(None) };
        let zero = zero_of_a(node, Some(3), 6);
        let a_scale = match zero {
            Some(byte_product::Zero::Known(_)) => scales(node, 3).filter(|scales| scales.len() == 1),
            _ => Some(vec![1.0]),
        };
        let bias = node.constant(2).and_then(|bias| bias.to_f32s().ok());
        let (Some(zero), Some(a_scale), Some(b_scale), Some(b_zero), Some(bias)) =
            (zero, a_scale, scales(node, 4), zeros(node, 7), bias)
        else {
            return Ok(None);
        };
        let Some(each) = columns(&[b_scale.len(), b_zero.len(), bias.len()]) else { return Ok(None) };
        if ![a, b].into_iter().all(is_byte) {
            return Ok(None);
        }
        let column = |i: usize| {
            let (zero, factor) = (signed_zero(b, pick(&b_zero, i)), pick(&a_scale, 0) * pick(&b_scale, i));
            Column { zero, factor, bias: pick(&bias, i).to_bits(), ..Column::default() }
        };
        let Some(right) = Right::of_input(gpu, node, (1, Flip::default()), each, column)? else {
            return Ok(None);
        };
        let finish = Finish { y: DType::F32, zero: 0, bias: Bias::Float, relu: false };
        let product = byte_product::Product::new(gpu, (a, zero), right, finish, Form::Matrices)?;
        let narrow = (dtype != DType::F32).then(|| (cast::pipeline(gpu, DType::F32, dtype), dtype));
        Ok(Some(Projected::Bytes(product, narrow)))
    }

    /// The inputs that it has taken.
    pub fn packed(&self) -> &[usize] {
        match self {
            Projected::Bytes(product, _) if product.packed().is_some() => &[1, 2, 4, 7],
            _ => &[],
        }
    }

    /// To scratch of the operator's type.
    pub fn launch(&self, bound: &mut Bound, cx: &Binding<'_>, sizes: &Projection) -> Result<Operand> {
        let len = sizes.batch * sizes.sequence * sizes.all;
        let scratch = |bound: &mut Bound, dtype: DType| {
            bound.scratch.push(device_bytes(len.saturating_mul(dtype.bits() / 8)));
            Operand::Scratch(bound.scratch.len() - 1)
        };
        match self {
            Projected::Floats(dtype, product) => {
                let y = scratch(bound, *dtype);
                let output = Fact::sized(*dtype, &[sizes.batch, sizes.sequence, sizes.all]);
                let inner =
                    product.bind(&Binding { inputs: cx.inputs, outputs: &[Some(&output)], word: cx.word })?;
                append(bound, inner, into(&y));
                Ok(y)
            }
            Projected::Bytes(product, narrow) => {
                let y = scratch(bound, DType::F32);
                let mut inner = Bound::nothing();
                let shape: Option<Shape> = cx.optional(1);
                let input = (Operand::Input(0), &cx.input(0)?[..], Flip::default());
                product.bind(&mut inner, input, (1, shape, Flip::default()))?;
                append(bound, inner, into(&y));
                let Some((pipeline, dtype)) = narrow else { return Ok(y) };
                let narrowed = scratch(bound, *dtype);
                bound.launches.extend(cast::launch(*pipeline, *dtype, len, [y, narrowed.clone()])?);
                Ok(narrowed)
            }
        }
    }
}
