//! DequantizeLinear → Add, Sub or Mul → QuantizeLinear becomes QLinearAdd or QLinearMul. A difference is the
//! sum with the negatives, which the flipped bits of the integers stand for.

use super::parameters::{Found, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::align::Align;
use crate::ops::binary::{Binary, Function};
use crate::ops::qlinear_elementwise::QLinearElementwise;

/// Makes the sum or product before a QuantizeLinear one of integers.
pub fn qlinear_elementwise(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    let Op::Binary(binary) = &site.node.op else { return Ok(None) };
    match binary.function {
        Function::Add => site.answer(rewritten(&site, binary, QLinearElementwise::QLinearAdd)),
        Function::Sub => site.answer(rewritten(&site, binary, QLinearElementwise::QLinearAdd)),
        Function::Mul => site.answer(rewritten(&site, binary, QLinearElementwise::QLinearMul)),
        _ => Ok(None),
    }
}

fn rewritten(site: &Site<'_>, binary: &Binary, op: QLinearElementwise) -> Found<Patch> {
    let y = site.target()?;
    let (a, b) = (site.input(0)?.bytes_with_one_scale()?, site.input(1)?.bytes_with_one_scale()?);
    if binary.align != Align::Numpy {
        return Err("it broadcasts as before opset 7".into());
    }
    let mut patch = Patch::new(site.draft);
    let mut inputs = Vec::new();
    let a = a.of_type(site.draft, &mut patch, y.dtype).map_err(reason)?;
    let b = match binary.function {
        Function::Sub => b.negated(site.draft, &mut patch, y.dtype),
        _ => b.of_type(site.draft, &mut patch, y.dtype),
    };
    for operand in [a, b.map_err(reason)?] {
        inputs.extend(operand.inputs(&mut patch).map_err(reason)?);
    }
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    let name = if op == QLinearElementwise::QLinearAdd {
        "com.microsoft.QLinearAdd"
    } else {
        "com.microsoft.QLinearMul"
    };
    patch.node(&site.node.name, (Op::QLinearElementwise(op.into()), name), inputs, [Some(y.value)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::qlinear_elementwise;
    use crate::graph::Graph;
    use crate::optimize::testing::{Build, bytes, expect, expect_refusal};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("qlinear_elementwise", qlinear_elementwise)];

    fn sum(op: &str) -> Graph {
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::U8, &[2, 3]), b.input("z", DType::U8, &[3]));
        let (x, z) = (b.dequantize(x, 0.5, 7u8), b.dequantize(z, 0.1, 128u8));
        let y = b.node(op, &[x, z], "y");
        let y = b.quantize(y, if op == "Add" { 0.7 } else { 5.0 }, 50u8);
        b.finish(&[y])
    }

    #[test]
    fn sums_and_products_of_bytes() {
        let inputs = [bytes(DType::U8, &[2, 3], 3), bytes(DType::U8, &[3], 4)];
        for op in ["Add", "Mul"] {
            let node = format!(
                "y_q = com.microsoft.QLinear{op} (x, x_real_scale, x_real_zero, z, z_real_scale, z_real_zero, \
                 y_q_scale, y_q_zero)"
            );
            expect(sum(op), RULE, &inputs, 1, &[&node]);
        }
    }

    #[test]
    fn bytes_of_the_other_sign_are_shifted() {
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::U8, &[4]), b.input("z", DType::I8, &[4]));
        let (x, z) = (b.dequantize(x, 0.5, 7u8), b.dequantize(z, 0.1, -8i8));
        let y = b.node("Add", &[x, z], "y");
        let y = b.quantize(y, 0.7, 50u8);
        let nodes = [
            "z_u8 = edgewise.ByteTable (z, z_table)",
            "y_q = com.microsoft.QLinearAdd (x, x_real_scale, x_real_zero, z_u8, z_real_scale, z_zero, \
             y_q_scale, y_q_zero)",
        ];
        let inputs = [bytes(DType::U8, &[4], 3), bytes(DType::I8, &[4], 4)];
        expect(b.finish(&[y]), RULE, &inputs, 1, &nodes);
    }

    #[test]
    fn differences_are_sums_with_negatives() {
        for (dtype, zero) in [(DType::U8, 128), (DType::I8, -8)] {
            let mut b = Build::default();
            let (x, z) = (b.input("x", DType::U8, &[256, 1]), b.input("z", dtype, &[256]));
            let x = b.dequantize(x, 0.5, 7u8);
            let z = if dtype == DType::U8 {
                b.dequantize(z, 0.3, zero as u8)
            } else {
                b.dequantize(z, 0.3, zero as i8)
            };
            let y = b.node("Sub", &[x, z], "y");
            let y = b.quantize(y, 0.9, 100u8);
            let nodes = [
                "z_negated_u8 = edgewise.ByteTable (z, z_table)",
                "y_q = com.microsoft.QLinearAdd (x, x_real_scale, x_real_zero, z_negated_u8, z_real_scale, \
                 z_zero, y_q_scale, y_q_zero)",
            ];
            let all: Vec<u8> = (0..=255).collect();
            let all = |dtype, shape: &[usize]| Tensor::from_bytes(dtype, shape, &all).unwrap();
            expect(b.finish(&[y]), RULE, &[all(DType::U8, &[256, 1]), all(dtype, &[256])], 1, &nodes);
        }
    }

    #[test]
    fn an_operand_of_floats_keeps_it_float() {
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::U8, &[4]), b.input("z", DType::F32, &[4]));
        let x = b.dequantize(x, 0.5, 7u8);
        let y = b.node("Add", &[x, z], "y");
        let y = b.quantize(y, 0.7, 50u8);
        expect_refusal(b.finish(&[y]), RULE, "'z' is no quantized tensor");
    }
}
