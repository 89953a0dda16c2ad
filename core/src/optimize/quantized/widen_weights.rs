//! Weights of 2 and 4 bits in front of an integer product become bytes: the same integers, which the product
//! takes. Only where both factors are quantized; what multiplies floats keeps its few bits
//! ([`matmul_nbits`](super::matmul_nbits)).

use super::movers::{Moves, moves};
use super::{Draft, Patch};
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::{DType, Result, Tensor};

/// Makes a DequantizeLinear of a constant of few bits one of bytes.
pub fn widen_weights(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Op::DequantizeLinear(op), [Some(y)]) = (&node.op, &node.outputs[..]) else { return Ok(None) };
    let signed = match node.input(0).and_then(|x| draft.dtype(x)) {
        Some(DType::I2 | DType::I4) => true,
        Some(DType::U2 | DType::U4) => false,
        _ => return Ok(None),
    };
    if op.granularity.axis().is_none() || !meets_quantized(draft, *y, 4) {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    let mut inputs = node.inputs.clone();
    for i in [0, 2] {
        let Some(value) = node.input(i) else { continue };
        let Some(constant) = draft.stored(value) else { return Ok(None) };
        let dtype = if signed { DType::I8 } else { DType::U8 };
        let (name, kind) = (format!("{}_{dtype}", draft.name(value)), (dtype, constant.shape()));
        inputs[i] = Some(patch.derived(name, constant, kind, move |few| {
            let bytes: Vec<u8> = few.view().unpacked()?.into_iter().map(|integer| integer as u8).collect();
            Tensor::from_bytes(dtype, few.shape(), &bytes)
        })?);
    }
    patch.moved(node, inputs, [Some(*y)]);
    Ok(Some(patch))
}

/// Whether all that takes these weights, perhaps behind so many operators that only move them, multiplies them
/// with a quantized tensor.
fn meets_quantized(draft: &Draft, weights: ValueId, movers: usize) -> bool {
    let quantized = |id: ValueId| draft.maker(id).is_some_and(|m| matches!(m.op, Op::DequantizeLinear(_)));
    let mut users = draft.users(weights).filter_map(|id| draft.get(id)).peekable();
    users.peek().is_some()
        && !draft.is_output(weights)
        && users.all(|user| match &user.op {
            Op::Conv(_) | Op::ConvTranspose(_) | Op::MatMul(_) | Op::Gemm(_) => {
                user.input(1) == Some(weights) && user.input(0).is_some_and(quantized)
            }
            _ if movers > 0 && moves(user) == Some(Moves::All) => {
                user.outputs.iter().flatten().all(|y| meets_quantized(draft, *y, movers - 1))
            }
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::super::QUANTIZED;
    use crate::graph::ValueId;
    use crate::optimize::testing::{Build, bytes, expect, rewritten};
    use crate::{DType, Tensor};

    fn few_bits(b: &mut Build, shape: &[usize]) -> ValueId {
        let count = shape.iter().product::<usize>().div_ceil(2);
        let codes = bytes(DType::U8, &[count], 3);
        b.constant("w", Tensor::from_bytes(DType::I4, shape, codes.view().bytes()).unwrap())
    }

    #[test]
    fn four_bits_multiply_as_bytes() {
        let mut b = Build::default();
        let x = b.input("x", DType::U8, &[2, 6]);
        let w = few_bits(&mut b, &[6, 5]);
        let x = b.dequantize(x, 0.1, 7u8);
        let s = b.constant("s", Tensor::new(&[5], &[0.25f32, 0.5, 0.125, 1.0, 0.75]).unwrap());
        let z = b.constant("z", Tensor::from_bytes(DType::I4, &[5], &[0x21, 0xf0, 0x07]).unwrap());
        let w = b.node("DequantizeLinear", &[w, s, z], "w_real");
        let y = b.node("MatMul", &[x, w], "y");
        let y = b.quantize(y, 1.0, 128u8);
        let node = "y_q = QLinearMatMul (x, x_real_scale, x_real_zero, w_i8, s, z_i8, y_q_scale, y_q_zero)";
        expect(b.finish(&[y]), QUANTIZED, &[bytes(DType::U8, &[2, 6], 5)], 1, &[node]);
    }

    #[test]
    fn turned_weights_of_a_convolution_are_found_and_floats_keep_few_bits() {
        let build = |quantized: bool| {
            let mut b = Build::default();
            let x = b.input("x", if quantized { DType::U8 } else { DType::F32 }, &[1, 3, 4, 4]);
            let w = few_bits(&mut b, &[1, 1, 3, 2]);
            let x = if quantized { b.dequantize(x, 0.1, 7u8) } else { x };
            let s = b.scalar("s", 0.5f32);
            let w = b.node("DequantizeLinear", &[w, s], "w_real");
            let perm = [("perm", crate::ops::Attr::Ints(vec![3, 2, 0, 1]))];
            let w = b.node_with("Transpose", &[w], &perm, &["t"])[0];
            let y = b.node("Conv", &[x, w], "y");
            let y = b.quantize(y, 0.3, 128u8);
            rewritten(b.finish(&[y]), QUANTIZED).unwrap().0
        };
        assert!(build(true).starts_with("y_q = QLinearConv"), "{}", build(true));
        assert!(build(false).contains("y = Conv (x, t)"), "{}", build(false));
    }
}
