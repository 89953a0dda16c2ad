//! A DequantizeLinear and what follows it become one operator, a step at a time: a factor, what is added, a
//! function, a QuantizeLinear. Every step stays what it was, and so does every bit.

use super::parameters::Quantized;
use super::{Draft, Patch};
use crate::graph::{Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::align::Align;
use crate::ops::binary::{Binary, Function as Arithmetic};
use crate::ops::fused_dequantize::{Function, FusedDequantize};
use crate::ops::softmax::Mode;
use crate::optimize::chain::fits;
use crate::optimize::product::activation;
use crate::{DType, Result};

/// Where the operator takes what a step adds.
const FACTOR: usize = 3;
const ADDENDS: [usize; 2] = [4, 5];
const RESULT: [usize; 2] = [6, 7];

/// Takes one more step into the operator that made what the node takes.
pub fn fused_dequantize(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let [Some(y)] = node.outputs[..] else { return Ok(None) };
    let mut patch = Patch::new(draft);
    let Some(chain) = step(draft, node, &mut patch)? else { return Ok(None) };
    let op = (Op::FusedDequantize(chain.op.into()), "edgewise.FusedDequantize");
    patch.node(&node.name, op, chain.inputs, [Some(y)]);
    Ok(Some(patch))
}

/// The operator so far.
struct Chain {
    op: FusedDequantize,
    inputs: [Option<ValueId>; 8],
}

fn step(draft: &Draft, node: &Node, patch: &mut Patch) -> Result<Option<Chain>> {
    let input = |i: usize| node.inputs.get(i).copied().flatten();
    let Some(first) = input(0) else { return Ok(None) };
    Ok(match (&node.op, input(1)) {
        (Op::Binary(binary), Some(second)) => arithmetic(draft, binary, [first, second]),
        (Op::QuantizeLinear(_), _) => {
            let chain =
                Chain::that_made(draft, first).filter(|chain| chain.has_steps() && chain.gives_floats());
            let to = Quantized::made_by(draft, node).and_then(Quantized::bytes_with_one_scale).ok();
            match (chain, to) {
                (Some(chain), Some(to)) => {
                    let parameters = to.parameters(patch)?;
                    Some(chain.with(RESULT[0], parameters[0]).with(RESULT[1], parameters[1]))
                }
                _ => None,
            }
        }
        (Op::Softmax(softmax), _) => {
            let Some(rank) = draft.rank(first).filter(|rank| *rank > 0) else { return Ok(None) };
            let last = softmax.mode == Mode::Soft && softmax.slices(rank)? == (rank - 1..rank);
            last.then(|| Chain::that_made(draft, first)?.through(Function::Softmax)).flatten()
        }
        (op, _) => {
            let function = activation(draft, op, &node.inputs).map(Function::Activation);
            function.and_then(|function| Chain::that_made(draft, first)?.through(function))
        }
    })
}

fn arithmetic(draft: &Draft, op: &Binary, [a, b]: [ValueId; 2]) -> Option<Chain> {
    if op.align != Align::Numpy {
        return None;
    }
    let turned = op.function != Arithmetic::Div;
    [[a, b], [b, a]].into_iter().take(1 + usize::from(turned)).find_map(|[x, other]| {
        let fits = draft.dtype(other) == Some(DType::F32) && fits(draft, other, x);
        let chain = Chain::that_made(draft, x).filter(|chain| fits && chain.takes_sums())?;
        match op.function {
            Arithmetic::Add => {
                let free = ADDENDS.into_iter().find(|&i| chain.inputs[i].is_none())?;
                Some(chain.with(free, Some(other)))
            }
            Arithmetic::Mul | Arithmetic::Div => {
                let first = ![FACTOR, ADDENDS[0]].iter().any(|&i| chain.inputs[i].is_some());
                draft.single(other).filter(|_| first)?;
                let op = FusedDequantize { divide: op.function == Arithmetic::Div, ..chain.op };
                Some(Chain { op, ..chain.with(FACTOR, Some(other)) })
            }
            _ => None,
        }
    })
}

impl Chain {
    /// The one that made a value which nobody else needs.
    fn that_made(draft: &Draft, value: ValueId) -> Option<Chain> {
        let node = draft.maker(value).filter(|_| draft.only_user(value).is_some())?;
        let mut inputs = [None; 8];
        match &node.op {
            Op::FusedDequantize(op) => {
                inputs.iter_mut().zip(&node.inputs).for_each(|(to, id)| *to = *id);
                Some(Chain { op: FusedDequantize::clone(op), inputs })
            }
            Op::DequantizeLinear(_) => {
                let from = Quantized::behind(draft, value).and_then(Quantized::bytes_with_one_scale).ok()?;
                inputs[..3].copy_from_slice(&[Some(from.value), Some(from.scale), from.zero]);
                Some(Chain { op: FusedDequantize::default(), inputs })
            }
            _ => None,
        }
    }

    fn has_steps(&self) -> bool {
        self.inputs[FACTOR..].iter().any(|input| input.is_some()) || !self.takes_sums()
    }

    fn gives_floats(&self) -> bool {
        self.inputs[RESULT[0]].is_none()
    }

    fn takes_sums(&self) -> bool {
        self.gives_floats() && self.op.function == Function::default()
    }

    fn with(mut self, i: usize, input: Option<ValueId>) -> Chain {
        self.inputs[i] = input;
        self
    }

    fn through(self, function: Function) -> Option<Chain> {
        let op = FusedDequantize { function, ..self.op };
        self.takes_sums().then_some(Chain { op, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::fused_dequantize;
    use crate::graph::{Graph, ValueId};
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, rewritten, run, waves};
    use crate::{DType, Tensor};

    const RULE: &[(&str, Rule)] = &[("fused_dequantize", fused_dequantize)];

    /// The rewritten nodes; what they compute must be to the bit what the graph computed.
    fn alike(graph: Graph, inputs: &[Tensor]) -> Vec<String> {
        let (text, after, _) = rewritten(graph.clone(), RULE).unwrap();
        let (before, after) = (run(&graph, inputs).unwrap(), run(&after, inputs).unwrap());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((before.dtype(), before.shape()), (after.dtype(), after.shape()));
            assert_eq!(before.view().bytes(), after.view().bytes(), "{text}");
        }
        text.lines().map(String::from).collect()
    }

    fn begun(b: &mut Build, shape: &[usize]) -> ValueId {
        let x = b.input("x", DType::U8, shape);
        b.dequantize(x, 0.05, 131u8)
    }

    #[test]
    fn a_bias_a_sum_an_activation_and_bytes_again() {
        let shape = [2, 3, 70];
        for (op, attrs) in [
            ("Relu", vec![]),
            ("Tanh", vec![]),
            ("Sigmoid", vec![]),
            ("HardSwish", vec![]),
            ("LeakyRelu", vec![("alpha", Attr::Float(0.3))]),
            ("HardSigmoid", vec![]),
        ] {
            let mut b = Build::default();
            let x = begun(&mut b, &shape);
            let sum = b.input("sum", DType::F32, &shape);
            let bias = b.constant("bias", waves(&[70]));
            let y = b.node("Add", &[bias, x], "with_bias");
            let y = b.node("Add", &[y, sum], "with_sum");
            let y = b.node_with(op, &[y], &attrs, &["y"])[0];
            let y = b.quantize(y, 0.01, 100u8);
            let node = "y_q = edgewise.FusedDequantize (x, x_real_scale, x_real_zero, -, bias, sum, y_q_scale, y_q_zero)";
            assert_eq!(alike(b.finish(&[y]), &[bytes(DType::U8, &shape, 3), waves(&shape)]), [node]);
        }
    }

    #[test]
    fn attention_scores_with_a_mask_become_bytes_of_a_softmax() {
        let shape = [2, 3, 5, 40];
        for (op, signed) in [("Div", false), ("Mul", true)] {
            let mut b = Build::default();
            let x = begun(&mut b, &shape);
            let mask = b.input("mask", DType::F32, &[2, 1, 1, 40]);
            let root = b.scalar("root", 5.656_854_f32);
            let y = b.node(op, &[x, root], "scaled");
            let y = b.node("Add", &[y, mask], "masked");
            let y = b.node_with("Softmax", &[y], &[("axis", Attr::Int(3))], &["y"])[0];
            let y = if signed { b.quantize(y, 0.003, -128i8) } else { b.quantize(y, 0.003, 0u8) };
            let node = "y_q = edgewise.FusedDequantize (x, x_real_scale, x_real_zero, root, mask, -, y_q_scale, y_q_zero)";
            let inputs = [bytes(DType::U8, &shape, 3), waves(&[2, 1, 1, 40])];
            assert_eq!(alike(b.finish(&[y]), &inputs), [node]);
        }
    }

    #[test]
    fn floats_may_be_what_comes_out() {
        let mut b = Build::default();
        let x = begun(&mut b, &[7, 3]);
        let column = b.input("column", DType::F32, &[7, 1]);
        let y = b.node("Add", &[x, column], "y");
        let z = b.node_with("Softmax", &[y], &[("axis", Attr::Int(-1))], &["z"])[0];
        let node = "z = edgewise.FusedDequantize (x, x_real_scale, x_real_zero, -, column)";
        assert_eq!(alike(b.finish(&[z]), &[bytes(DType::U8, &[7, 3], 3), waves(&[7, 1])]), [node]);
    }

    #[test]
    fn what_others_need_broadcasts_or_comes_in_another_order_is_left_alone() {
        // The numbers are needed twice.
        let mut b = Build::default();
        let x = begun(&mut b, &[4, 3]);
        let bias = b.constant("bias", waves(&[3]));
        let y = b.node("Add", &[x, bias], "y");
        assert_eq!(alike(b.finish(&[y, x]), &[bytes(DType::U8, &[4, 3], 3)]).len(), 2);
        // The sum is larger than the bytes.
        let mut b = Build::default();
        let x = begun(&mut b, &[1, 3]);
        let sum = b.input("sum", DType::F32, &[4, 3]);
        let y = b.node("Add", &[x, sum], "y");
        assert_eq!(alike(b.finish(&[y]), &[bytes(DType::U8, &[1, 3], 3), waves(&[4, 3])]).len(), 2);
        // A factor behind a sum, a softmax along another axis.
        let mut b = Build::default();
        let x = begun(&mut b, &[4, 3]);
        let (bias, two) = (b.constant("bias", waves(&[3])), b.scalar("two", 2f32));
        let y = b.node("Add", &[x, bias], "y");
        let y = b.node("Mul", &[two, y], "z");
        let y = b.node_with("Softmax", &[y], &[("axis", Attr::Int(0))], &["s"])[0];
        assert_eq!(alike(b.finish(&[y]), &[bytes(DType::U8, &[4, 3], 3)]).len(), 3);
    }
}
