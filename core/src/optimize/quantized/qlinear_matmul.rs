//! DequantizeLinear → MatMul → QuantizeLinear becomes QLinearMatMul, weights or not.

use super::addend::Product;
use super::parameters::{Found, Quantized, Site, reason};
use super::{Draft, Patch};
use crate::Result;
use crate::graph::{NodeId, ValueId};
use crate::ops::Op;
use crate::ops::matmul::MatMul;
use crate::ops::qlinear_matmul::QLinearMatMul;

/// Makes the product before a QuantizeLinear one of integers.
pub fn qlinear_matmul(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(site) = Site::at(draft, id) else { return Ok(None) };
    let Op::MatMul(matmul) = &site.node.op else { return Ok(None) };
    site.answer(rewritten(&site, matmul))
}

fn rewritten(site: &Site<'_>, matmul: &MatMul) -> Found<Patch> {
    let y = site.target()?;
    let (a, b) = factors(site.draft, matmul, [site.value(0), site.value(1)])?;
    let mut patch = Patch::new(site.draft);
    let mut inputs = a.inputs(&mut patch).map_err(reason)?.to_vec();
    inputs.extend(b.inputs(&mut patch).map_err(reason)?);
    inputs.extend(y.parameters(&mut patch).map_err(reason)?);
    let op = (Op::QLinearMatMul(QLinearMatMul.into()), "QLinearMatMul");
    patch.node(&site.node.name, op, inputs, [Some(y.value)]);
    Ok(patch)
}

/// The quantized factors of a MatMul that integer operators can multiply.
pub fn factors(
    draft: &Draft,
    matmul: &MatMul,
    inputs: [Option<ValueId>; 2],
) -> Found<(Quantized, Quantized)> {
    let [Some(a), Some(b)] = inputs else { return Err("an input is left out".into()) };
    let a = Quantized::behind(draft, a)?.bytes_with_one_scale()?;
    let b = Quantized::behind(draft, b)?.bytes()?;
    let flips = [matmul.left, matmul.right];
    if matmul.alpha != 1.0 || flips.iter().any(|flip| flip.matrix || flip.batch) {
        return Err("it transposes or scales its factors".into());
    }
    if b.scales.len() > 1 {
        let rank = draft.rank(b.value).ok_or("the shape of the right factor is not known")?;
        if rank < 2 || b.axis != -1 && b.axis != rank as i64 - 1 {
            return Err(format!("the right factor has scales along axis {}, not along its columns", b.axis));
        }
    }
    let depth = |value, from_end: usize| {
        let dims = draft.fact(value)?.dims.as_ref()?;
        dims[dims.len().checked_sub(from_end)?].size()
    };
    let terms = depth(a.value, 1).or_else(|| depth(b.value, 2)).map(|n| n as u64);
    Product { a: &a, b: &b, terms, alpha: 1.0, beta: 1.0 }.check(0)?;
    Ok((a, b))
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::qlinear_matmul;
    use crate::graph::Graph;
    use crate::optimize::optimize;
    use crate::optimize::testing::{Build, bytes, expect, expect_refusal, run};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("qlinear_matmul", qlinear_matmul)];

    fn product(axis: i64, depth: usize) -> Graph {
        let mut b = Build::default();
        let a = b.input("a", DType::U8, &[2, 3, depth]);
        let a = b.dequantize(a, 0.5, 7u8);
        let w = b.constant("w", bytes(DType::I8, &[depth, 4], 1));
        let count = if axis == 0 { depth } else { 4 };
        let w = b.dequantize_slices::<i8>(w, axis, &vec![0.25; count]);
        let y = b.node("MatMul", &[a, w], "y");
        let y = b.quantize(y, 30.0, 3i8);
        b.finish(&[y])
    }

    #[test]
    fn weights_may_have_a_scale_per_column() {
        let node =
            "y_q = QLinearMatMul (a, a_real_scale, a_real_zero, w, w_scale, w_zero, y_q_scale, y_q_zero)";
        for axis in [1, -1] {
            expect(product(axis, 5), RULE, &[bytes(DType::U8, &[2, 3, 5], 3)], 1, &[node]);
        }
    }

    #[test]
    fn two_activations_multiply() {
        let mut b = Build::default();
        let (a, c) = (b.input("a", DType::I8, &[2, 3]), b.input("c", DType::U8, &[3, 2]));
        let (a, c) = (b.dequantize(a, 0.5, -7i8), b.dequantize(c, 0.1, 128u8));
        let y = b.node("MatMul", &[a, c], "y");
        let y = b.quantize(y, 1.5, 100u8);
        let node = "y_q = QLinearMatMul (a, a_real_scale, a_real_zero, c, c_real_scale, c_real_zero, \
                    y_q_scale, y_q_zero)";
        let inputs = [bytes(DType::I8, &[2, 3], 3), bytes(DType::U8, &[3, 2], 4)];
        expect(b.finish(&[y]), RULE, &inputs, 1, &[node]);
    }

    #[test]
    fn scales_along_rows_and_sums_past_32_bits_stay_float() {
        expect_refusal(product(0, 5), RULE, "not along its columns");
        expect_refusal(product(1, 80_000), RULE, "may pass 32 bits");
    }

    #[test]
    fn sixteen_bits_compute_in_floats_as_onnx_says_and_say_why() {
        for (wide_weights, wide) in [(false, true), (true, false), (true, true)] {
            let mut b = Build::default();
            let numbers = |count: u16| (0..count).map(|i| i.wrapping_mul(40_503)).collect::<Vec<u16>>();
            let wide_x = Tensor::new(&[2, 3], &numbers(6)).unwrap();
            let x = if wide { wide_x } else { bytes(DType::U8, &[2, 3], 3) };
            let q = b.input("x", x.dtype(), &[2, 3]);
            let a = if wide { b.dequantize(q, 0.001, 30_000u16) } else { b.dequantize(q, 0.1, 7u8) };
            let w = if wide_weights {
                let w: Vec<i16> = numbers(12).iter().map(|&n| n as i16).collect();
                let w = b.constant("w", Tensor::new(&[3, 4], &w).unwrap());
                b.dequantize(w, 1e-4, 0i16)
            } else {
                let w = b.constant("w", bytes(DType::I8, &[3, 4], 1));
                b.dequantize(w, 0.02, 0i8)
            };
            let y = b.node("MatMul", &[a, w], "y");
            let y = b.quantize(y, 0.01, 30_000u16);
            let graph = b.finish(&[y]);
            let mut after = graph.clone();
            let remarks = optimize(&mut after, false).unwrap();
            assert!(remarks.iter().any(|r| r.why.contains("16 may pass 32 bits")), "{remarks:?}");
            // The weights are floats from the start.
            assert_eq!(after.nodes.len(), 3, "{}", after.text());
            let x = [x];
            let (before, after) = (run(&graph, &x).unwrap(), run(&after, &x).unwrap());
            assert_eq!(before[0].view().bytes(), after[0].view().bytes());
        }
    }
}
