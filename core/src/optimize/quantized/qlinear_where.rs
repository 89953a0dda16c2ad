//! DequantizeLinear → Where → QuantizeLinear becomes QLinearWhere. One of the choices may be a constant of
//! floats: it is quantized as the result is.

use super::parameters::{Found, Quantized, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::NodeId;
use crate::ops::Op;
use crate::ops::qlinear_where::QLinearWhere;

/// Makes the choice before a QuantizeLinear one between integers.
pub fn qlinear_where(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    match &site.node.op {
        Op::Where(_) => site.answer(rewritten(&site)),
        _ => Ok(None),
    }
}

fn rewritten(site: &Site<'_>) -> Found<Patch> {
    let y = site.target()?;
    let mut patch = Patch::new(site.draft);
    let mut inputs = vec![site.value(0)];
    for i in [1, 2] {
        let choice = match site.constant(i, &y, &mut patch)? {
            Some(value) => Quantized { value, ..y.clone() },
            None => site.input(i)?.bytes_with_one_scale()?,
        };
        let choice = choice.of_type(site.draft, &mut patch, y.dtype).map_err(reason)?;
        inputs.extend(choice.inputs(&mut patch).map_err(reason)?);
    }
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    let op = (Op::QLinearWhere(QLinearWhere.into()), "com.microsoft.QLinearWhere");
    patch.node(&site.node.name, op, inputs, [Some(y.value)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::qlinear_where;
    use crate::element::Truth;
    use crate::graph::Graph;
    use crate::optimize::testing::{Build, bytes, expect, expect_refusal};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("qlinear_where", qlinear_where)];

    fn condition() -> Tensor {
        Tensor::new(&[2, 3], &[true, false, true, true, false, false].map(Truth::from)).unwrap()
    }

    fn choice(other: DType) -> Graph {
        let mut b = Build::default();
        let c = b.input("c", DType::Bool, &[2, 3]);
        let x = b.input("x", DType::U8, &[2, 3]);
        let x = b.dequantize(x, 0.5, 7u8);
        let z = match other {
            DType::I8 => {
                let z = b.input("z", DType::I8, &[3]);
                b.dequantize(z, 0.1, -3i8)
            }
            DType::F32 => b.constant("z", Tensor::new(&[3], &[-3.4e38f32, 0.3, f32::NAN]).unwrap()),
            _ => b.input("z", DType::F32, &[3]),
        };
        let y = b.node("Where", &[c, x, z], "y");
        let y = b.quantize(y, 0.4, 9u8);
        b.finish(&[y])
    }

    #[test]
    fn choices_between_bytes_and_with_constants_are_exact() {
        let inputs = [condition(), bytes(DType::U8, &[2, 3], 3), bytes(DType::I8, &[3], 4)];
        let nodes = [
            "z_u8 = edgewise.ByteTable (z, z_table)",
            "y_q = com.microsoft.QLinearWhere (c, x, x_real_scale, x_real_zero, z_u8, z_real_scale, z_zero, \
             y_q_scale, y_q_zero)",
        ];
        expect(choice(DType::I8), RULE, &inputs, 0, &nodes);
        let node = "y_q = com.microsoft.QLinearWhere (c, x, x_real_scale, x_real_zero, z_quantized, y_q_scale, \
                    y_q_zero, y_q_scale, y_q_zero)";
        expect(choice(DType::F32), RULE, &inputs[..2], 0, &[node]);
    }

    #[test]
    fn a_choice_of_floats_keeps_it_float() {
        expect_refusal(choice(DType::F64), RULE, "'z' is no quantized tensor");
    }
}
