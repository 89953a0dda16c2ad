//! DequantizeLinear → Gemm → QuantizeLinear becomes QGemm.

use super::addend::Product;
use super::parameters::{Found, Quantized, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::gemm::Gemm;
use crate::ops::qgemm::QGemm;

/// Makes the Gemm before a QuantizeLinear one of integers.
pub fn qgemm(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    let Op::Gemm(gemm) = &site.node.op else { return Ok(None) };
    site.answer(site.target().and_then(|y| with_result(draft, site.node, gemm, Some(&y), y.value)))
}

/// QGemm in place of a Gemm: with a quantized result, or with one of floats.
pub fn with_result(
    draft: &Draft,
    node: &Node,
    gemm: &Gemm,
    target: Option<&Quantized>,
    y: ValueId,
) -> Found<Patch> {
    let input = |i: usize| node.inputs.get(i).copied().flatten();
    let (Some(a), Some(b)) = (input(0), input(1)) else { return Err("an input is left out".into()) };
    let a = Quantized::behind(draft, a)?.bytes_with_one_scale()?;
    let b = Quantized::behind(draft, b)?.bytes()?;
    if !matches!(gemm.activation, FusedActivation::None) {
        return Err("it has an activation".into());
    }
    if !(gemm.alpha.is_finite() && gemm.alpha > 0.0 && gemm.beta.is_finite()) {
        return Err("its factors alpha and beta are no usual numbers".into());
    }
    let columns = if gemm.right.matrix { 0 } else { 1 };
    if b.scales.len() > 1 && b.axis != columns && b.axis != columns - 2 {
        return Err(format!("B has scales along axis {}, not along the result's columns", b.axis));
    }
    let shape = draft.fact(b.value).and_then(|fact| fact.shape());
    let terms = shape.and_then(|b| b.get(1 - columns as usize).map(|&n| n as u64));
    let mut patch = Patch::new(draft);
    let product = Product { a: &a, b: &b, terms, alpha: gemm.alpha, beta: gemm.beta };
    let c = product.addend(draft, &mut patch, input(2))?;
    let mut inputs = a.inputs(&mut patch).map_err(reason)?.to_vec();
    inputs.extend(b.inputs(&mut patch).map_err(reason)?);
    inputs.push(c);
    if let Some(target) = target {
        inputs.extend(target.parameters(&mut patch).map_err(reason)?);
    }
    let op = QGemm { left: gemm.left, right: gemm.right, alpha: gemm.alpha };
    patch.node(&node.name, (Op::QGemm(op.into()), "com.microsoft.QGemm"), inputs, [Some(y)]);
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::super::{QUANTIZED, Rule, UNQUANTIZED};
    use crate::graph::Graph;
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect, rewritten};
    use crate::{DType, Tensor};

    fn gemm(transposed: i64, factors: [f32; 2], quantized: bool) -> Graph {
        let mut b = Build::default();
        let a = b.input("a", DType::U8, &[2, 3]);
        let a = b.dequantize(a, 0.5, 7u8);
        let w = b.constant("w", bytes(DType::I8, if transposed == 1 { &[4, 3] } else { &[3, 4] }, 1));
        let w = b.dequantize_slices::<i8>(w, 1 - transposed, &[0.25, 0.5, 0.125, 1.0]);
        let c = b.constant("c", Tensor::new(&[4], &[10f32, -20.0, 0.3, 0.0]).unwrap());
        let attrs = [
            ("transB", Attr::Int(transposed)),
            ("alpha", Attr::Float(factors[0])),
            ("beta", Attr::Float(factors[1])),
        ];
        let y = b.node_with("Gemm", &[a, w, c], &attrs, &["y"])[0];
        let y = if quantized { b.quantize(y, 2.0, 100u8) } else { y };
        b.finish(&[y])
    }

    #[test]
    fn a_bias_of_floats_is_quantized() {
        let node = "com.microsoft.QGemm (a, a_real_scale, a_real_zero, w, w_scale, w_zero, c_quantized";
        let a = [bytes(DType::U8, &[2, 3], 5)];
        for (transposed, factors) in [(1, [1.0; 2]), (0, [1.0; 2]), (1, [0.5, 2.0])] {
            let quantized = format!("y_q = {node}, y_q_scale, y_q_zero)");
            expect(gemm(transposed, factors, true), QUANTIZED, &a, 1, &[&quantized]);
            expect(gemm(transposed, factors, false), UNQUANTIZED, &a, 1, &[&format!("y = {node})")]);
        }
    }

    #[test]
    fn scales_along_the_wrong_axis_stay_float() {
        let mut b = Build::default();
        let a = b.input("a", DType::U8, &[2, 3]);
        let a = b.dequantize(a, 0.5, 7u8);
        let w = b.constant("w", bytes(DType::I8, &[4, 3], 1));
        let w = b.dequantize_slices::<i8>(w, 1, &[0.25, 0.5, 0.125]);
        let y = b.node_with("Gemm", &[a, w], &[("transB", Attr::Int(1))], &["y"])[0];
        let y = b.quantize(y, 2.0, 100u8);
        let rule: &[(&str, Rule)] = &[("qgemm", super::qgemm)];
        let (_, _, remarks) = rewritten(b.finish(&[y]), rule).unwrap();
        assert!(remarks[0].why.contains("not along the result's columns"), "{remarks:?}");
    }
}
