//! Integer products whose result stays float become MatMulIntegerToFloat, with its bias; or QGemm.
//!
//! Three ways lead there: dequantized factors; MatMulInteger → Cast → Mul by the product of both scales, as
//! dynamic quantization writes it; and an addition behind either. The order of the operations on floats
//! stays what it was in the last two, and so does every bit.

use super::parameters::{Found, answer, reason};
use super::{Draft, Patch};
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::align::Align;
use crate::ops::binary::{Binary, Function};
use crate::ops::matmul::MatMul;
use crate::ops::matmul_integer_to_float::MatMulIntegerToFloat;
use crate::{DType, Result};

const NAME: &str = "com.microsoft.MatMulIntegerToFloat";

/// A product of dequantized factors.
pub fn dequantized_product(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let [Some(y)] = node.outputs[..] else { return Ok(None) };
    match &node.op {
        Op::MatMul(matmul) => answer(draft, id, dequantized(draft, node, matmul, y)),
        Op::Gemm(gemm) => answer(draft, id, super::qgemm::with_result(draft, node, gemm, None, y)),
        _ => Ok(None),
    }
}

fn dequantized(draft: &Draft, node: &Node, matmul: &MatMul, y: ValueId) -> Found<Patch> {
    let input = |i: usize| node.inputs.get(i).copied().flatten();
    let (a, b) = super::qlinear_matmul::factors(draft, matmul, [input(0), input(1)])?;
    let mut patch = Patch::new(draft);
    let zeros = [a.zero_value(&mut patch).map_err(reason)?, b.zero_value(&mut patch).map_err(reason)?];
    let inputs = [a.value, b.value, a.scale, b.scale, zeros[0], zeros[1]];
    let op = Op::MatMulIntegerToFloat(MatMulIntegerToFloat { dynamic: false }.into());
    patch.node(&node.name, (op, NAME), inputs.map(Some), [Some(y)]);
    Ok(patch)
}

/// MatMulInteger → Cast → Mul.
pub fn scaled_product(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((node, operands)) = arithmetic(draft, id, Function::Mul) else { return Ok(None) };
    for [sum, scale] in operands {
        if let Some(product) = integer_product(draft, sum) {
            return answer(draft, id, scaled(draft, node, product, scale));
        }
    }
    Ok(None)
}

/// The MatMulInteger whose result the value is, cast to f32, if nobody else needs it.
fn integer_product(draft: &Draft, value: ValueId) -> Option<&Node> {
    let cast = draft.maker(value).filter(|node| matches!(node.op, Op::Cast(_)))?;
    let sums = cast.input(0)?;
    let product = draft.maker(sums).filter(|node| matches!(node.op, Op::MatMulInteger(_)))?;
    let alone = draft.only_user(value).is_some() && draft.only_user(sums).is_some();
    (alone && draft.dtype(value) == Some(DType::F32)).then_some(product)
}

fn scaled(draft: &Draft, node: &Node, product: &Node, scale: ValueId) -> Found<Patch> {
    let no_scales = || "it is not multiplied with the product of two scales".to_string();
    let scales = draft.maker_id(scale).and_then(|id| arithmetic(draft, id, Function::Mul));
    let (_, orders) = scales.ok_or_else(no_scales)?;
    let b = product.input(1).ok_or("an input is left out")?;
    let shape = |id| draft.fact(id).and_then(|fact| fact.shape());
    let columns = shape(b).filter(|b| b.len() >= 2).and_then(|b| b.last().copied());
    let one = |id| shape(id).is_some_and(|s| s.is_empty() || s[..] == [1]);
    let fits = |[a, b]: &[ValueId; 2]| {
        let per_column = columns.is_some_and(|n| shape(*b).is_some_and(|s| s[..] == [n]));
        let floats = [a, b].iter().all(|id| draft.dtype(**id) == Some(DType::F32));
        floats && one(*a) && (one(*b) || per_column)
    };
    // Which of the two is A's scale makes no difference to the product, but for its shape; weights have the
    // constant one.
    let mut orders: Vec<[ValueId; 2]> = orders.into_iter().filter(fits).collect();
    orders.sort_by_key(|[_, b]| !draft.is_constant(*b));
    let [a_scale, b_scale] = *orders.first().ok_or_else(no_scales)?;
    let inputs = [
        product.input(0),
        product.input(1),
        Some(a_scale),
        Some(b_scale),
        product.input(2),
        product.input(3),
    ];
    let mut patch = Patch::new(draft);
    let op = Op::MatMulIntegerToFloat(MatMulIntegerToFloat { dynamic: false }.into());
    patch.node(&product.name, (op, NAME), inputs, node.outputs.iter().copied());
    Ok(patch)
}

/// MatMulIntegerToFloat → Add.
pub fn product_and_bias(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some((node, operands)) = arithmetic(draft, id, Function::Add) else { return Ok(None) };
    for [product, bias] in operands {
        let maker = draft.maker(product).filter(|_| draft.only_user(product).is_some());
        let Some(maker) = maker.filter(|m| matches!(&m.op, Op::MatMulIntegerToFloat(op) if !op.dynamic))
        else {
            continue;
        };
        let shape = |id| draft.fact(id).and_then(|fact| fact.shape());
        let columns = maker.input(1).and_then(shape).filter(|b| b.len() >= 2).and_then(|b| b.last().copied());
        let fits = columns.is_some_and(|n| shape(bias).is_some_and(|s| s[..] == [n]));
        let free = maker.input(6).is_none();
        if fits && free && draft.dtype(product) == draft.dtype(bias) {
            let mut inputs = maker.inputs.clone();
            inputs.resize(6, None);
            inputs.push(Some(bias));
            let mut patch = Patch::new(draft);
            patch.moved(maker, inputs, node.outputs.iter().copied());
            return Ok(Some(patch));
        }
    }
    Ok(None)
}

/// A node that adds or multiplies, and its operands in both orders.
fn arithmetic(draft: &Draft, id: NodeId, function: Function) -> Option<(&Node, [[ValueId; 2]; 2])> {
    let node = draft.get(id)?;
    let numpy = Align::Numpy;
    let fits = |op: &Binary| op.function == function && op.align == numpy;
    match (&node.op, &node.inputs[..]) {
        (Op::Binary(op), &[Some(a), Some(b)]) if fits(op) => Some((node, [[a, b], [b, a]])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::UNQUANTIZED;
    use crate::graph::Graph;
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect, rewritten, run};
    use crate::{DType, Tensor};

    /// What dynamic quantization writes: operands in this order, weights with so many scales.
    fn dynamic(swapped: bool, scales: usize) -> Graph {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3, 4]);
        let w = b.constant("w", bytes(DType::I8, &[4, 5], 1));
        let scales: Vec<f32> = (0..scales).map(|i| 0.013 + 0.007 * i as f32).collect();
        let w_scale = b.constant("w_scale", Tensor::new(&[scales.len()], &scales).unwrap());
        let w_zero = b.scalar("w_zero", 3i8);
        let q = b.node_with("DynamicQuantizeLinear", &[x], &[], &["q", "q_scale", "q_zero"]);
        let mut outputs = Vec::new();
        // Two products share one quantized tensor.
        for name in ["y", "z"] {
            let made = |part: &str| format!("{name}_{part}");
            let sum = b.node("MatMulInteger", &[q[0], w, q[2], w_zero], &made("sum"));
            let real = b.node_with("Cast", &[sum], &[("to", Attr::Int(1))], &[&made("real")])[0];
            let both = |a, c| if swapped { [c, a] } else { [a, c] };
            let scale = b.node("Mul", &both(q[1], w_scale), &made("scale"));
            let scaled = b.node("Mul", &both(real, scale), &made("scaled"));
            let bias = b.constant(&made("bias"), Tensor::new(&[5], &[1f32, -2.0, 0.3, 0.0, 9.0]).unwrap());
            outputs.push(b.node("Add", &both(scaled, bias), name));
        }
        b.finish(&outputs)
    }

    #[test]
    fn dynamic_products_are_equal_to_the_bit() {
        let x: Vec<f32> = (0..24).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
        let x = [Tensor::new(&[2, 3, 4], &x).unwrap()];
        let nodes = [
            "q, q_scale, q_zero = DynamicQuantizeLinear (x)",
            "y = com.microsoft.MatMulIntegerToFloat (q, w, q_scale, w_scale, q_zero, w_zero, y_bias)",
            "z = com.microsoft.MatMulIntegerToFloat (q, w, q_scale, w_scale, q_zero, w_zero, z_bias)",
        ];
        for (swapped, scales) in [(false, 1), (true, 1), (false, 5), (true, 5)] {
            let graph = dynamic(swapped, scales);
            let (text, after, _) = rewritten(graph.clone(), UNQUANTIZED).unwrap();
            assert_eq!(text.lines().collect::<Vec<_>>(), nodes);
            let (before, after) = (run(&graph, &x).unwrap(), run(&after, &x).unwrap());
            assert!(before.iter().zip(&after).all(|(a, b)| a.view().bytes() == b.view().bytes()));
        }
    }

    #[test]
    fn dequantized_factors_multiply_as_integers() {
        let mut b = Build::default();
        let (a, w) = (b.input("a", DType::U8, &[2, 3]), b.constant("w", bytes(DType::I8, &[3, 4], 1)));
        let (a, w) = (b.dequantize(a, 0.5, 7u8), b.dequantize(w, 0.25, 0i8));
        let y = b.node("MatMul", &[a, w], "y");
        let bias = b.constant("bias", Tensor::new(&[4], &[1f32, -2.0, 0.3, 0.0]).unwrap());
        let z = b.node("Add", &[bias, y], "z");
        let node = "z = com.microsoft.MatMulIntegerToFloat (a, w, a_real_scale, w_real_scale, a_real_zero, \
                    w_real_zero, bias)";
        expect(b.finish(&[z]), UNQUANTIZED, &[bytes(DType::U8, &[2, 3], 5)], 1, &[node]);
    }
}
