//! Steps that are taken element by element become one operator, which goes through memory once.
//!
//! The numbers that go through are never broadcast on their way, and nobody else needs what lies between two
//! steps. Tensors of a few elements are left alone: rules and plans may want to look into them.

use super::pattern::Pattern;
use super::{Draft, Patch};
use crate::graph::{Fact, Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::chain::{Chain, Function, Place, Step};
use crate::{DType, Dim, Result};
use std::sync::Arc;

/// Fewer elements are soon done with.
const FEWEST: usize = 64;
/// So many steps make one operator at most.
const MOST_STEPS: usize = 32;
/// So many of them are in its name.
const MOST_NAMES: usize = 6;

/// Takes the node as one more step into the chain that makes what it takes, or as the second step of one.
pub fn fuse_chain(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let [Some(y)] = node.outputs[..] else { return Ok(None) };
    let fused =
        Link::ways(draft, node).into_iter().find_map(|link| Some(Begun::that_made(draft, link.x)?.and(link)));
    let Some(Begun { steps, inputs, name }) = fused.filter(|fused| fused.steps.len() <= MOST_STEPS) else {
        return Ok(None);
    };
    let mut patch = Patch::new(draft);
    let inputs = inputs.into_iter().map(Some);
    patch.node(&node.name, (Op::Chain(Arc::new(Chain { steps })), &format!("{name}]")), inputs, [Some(y)]);
    Ok(Some(patch))
}

/// A node as a step: what goes through, and the other operand.
struct Link<'a> {
    step: Step,
    x: ValueId,
    other: Option<ValueId>,
    op_name: &'a str,
}

impl<'a> Link<'a> {
    /// The ways in which a node can be a step.
    fn ways(draft: &Draft, node: &'a Node) -> Vec<Link<'a>> {
        let number = |id| Pattern::of(draft).scalar(id).map(|x| x as f32);
        let Some(function) = Function::of(node, number) else { return Vec::new() };
        let op_name = node.op_name.rsplit('.').next().unwrap_or_default();
        let input = |i: usize| node.inputs.get(i).copied().flatten();
        let way = |place: &Place| {
            let (x, other) = match place {
                Place::Only => (input(0)?, None),
                Place::First => (input(0)?, Some(input(1)?)),
                Place::Second => (input(1)?, Some(input(0)?)),
            };
            let goes_through = draft.dtype(x) == Some(DType::F32) && !draft.is_constant(x);
            let beside =
                other.is_none_or(|other| draft.dtype(other) == Some(DType::F32) && fits(draft, other, x));
            let link = Link { step: Step { function, place: *place }, x, other, op_name };
            (goes_through && beside && !is_small(draft, x)).then_some(link)
        };
        function.places().iter().filter_map(way).collect()
    }
}

/// A chain so far.
struct Begun {
    steps: Vec<Step>,
    inputs: Vec<ValueId>,
    /// Without the bracket at its end.
    name: String,
}

impl Begun {
    /// The one that made a value which nobody else needs.
    fn that_made(draft: &Draft, value: ValueId) -> Option<Begun> {
        let node = draft.maker(value).filter(|_| draft.only_user(value).is_some())?;
        if let Op::Chain(chain) = &node.op {
            let inputs = node.inputs.iter().copied().collect::<Option<_>>()?;
            let name = node.op_name.trim_end_matches(']').into();
            return Some(Begun { steps: chain.steps.clone(), inputs, name });
        }
        let mut ways = Link::ways(draft, node);
        // What nobody needs afterwards may be overwritten.
        ways.sort_by_key(|link| draft.only_user(link.x).is_none());
        let first = ways.into_iter().next()?;
        let inputs = [Some(first.x), first.other].into_iter().flatten().collect();
        Some(Begun { steps: vec![first.step], inputs, name: format!("edgewise.Chain[{}", first.op_name) })
    }

    fn and(mut self, link: Link<'_>) -> Begun {
        match self.steps.len() {
            ..MOST_NAMES => self.name = format!("{} {}", self.name, link.op_name),
            MOST_NAMES => self.name += " …",
            _ => {}
        }
        self.steps.push(link.step);
        self.inputs.extend(link.other);
        self
    }
}

/// Whether one tensor surely broadcasts to the shape of the other.
pub fn fits(draft: &Draft, other: ValueId, x: ValueId) -> bool {
    let dims = |id| draft.fact(id).and_then(|fact| fact.dims.as_deref());
    let (Some(other), Some(x)) = (dims(other), dims(x)) else { return false };
    let repeats = |d: &Dim| d.known() == Some(1);
    other.len() <= x.len() && other.iter().rev().zip(x.iter().rev()).all(|(a, x)| a == x || repeats(a))
}

fn is_small(draft: &Draft, x: ValueId) -> bool {
    draft.fact(x).and_then(Fact::count).is_some_and(|count| count < FEWEST)
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::super::testing::{Build, rewritten, run_on, waves};
    use super::*;
    use crate::Tensor;
    use crate::graph::Graph;
    use crate::ops::Attr;
    use edgewise_simd::Isa;

    const RULE: &[(&str, Rule)] = &[("fuse_chain", fuse_chain)];

    /// The rewritten nodes; what they compute must be to the bit what the graph computed.
    fn alike(graph: &Graph, inputs: &[Tensor]) -> Vec<String> {
        let (text, after, _) = rewritten(graph.clone(), RULE).unwrap();
        let same = |threads| {
            let expected = run_on(1, graph, inputs).unwrap();
            let got = run_on(threads, &after, inputs).unwrap();
            for (expected, got) in expected.iter().zip(&got) {
                assert_eq!(expected.shape(), got.shape());
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                let both = || expected.slice::<f32>().unwrap().iter().zip(got.slice::<f32>().unwrap());
                let wrong = both().position(|pair| !same(pair));
                assert!(wrong.is_none(), "{text}: {:?} at {wrong:?}", wrong.and_then(|i| both().nth(i)));
            }
        };
        [1, 2, 3].into_iter().for_each(same);
        Isa::plainly(|| same(1));
        text.lines().map(String::from).collect()
    }

    #[test]
    fn constants_sums_and_functions_in_any_order_become_one() {
        let shape = [2, 3, 4, 5];
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::F32, &shape), b.input("z", DType::F32, &shape));
        let (two, bias) = (b.scalar("two", 2f32), b.constant("bias", waves(&[3, 1, 1])));
        let (low, high) = (b.scalar("low", -1f32), b.scalar("high", 0.75f32));
        let y = b.node("Mul", &[two, x], "a");
        let y = b.node("Add", &[y, bias], "b");
        let y = b.node("Sigmoid", &[y], "c");
        let y = b.node("Mul", &[z, y], "d");
        let y = b.node("Clip", &[y, low, high], "e");
        let y = b.node_with("LeakyRelu", &[y], &[("alpha", Attr::Float(0.3))], &["f"])[0];
        let y = b.node("Sub", &[two, y], "g");
        let y = b.node("Sqrt", &[y], "y");
        let node = "y = edgewise.Chain[Mul Add Sigmoid Mul Clip LeakyRelu …] (x, two, bias, z, two)";
        assert_eq!(alike(&b.finish(&[y]), &[waves(&shape), waves(&shape)]), [node]);
    }

    #[test]
    fn of_two_operands_the_one_that_ends_here_goes_through() {
        let shape = [8, 9];
        let mut b = Build::default();
        let (x, z) = (b.input("x", DType::F32, &shape), b.input("z", DType::F32, &shape));
        let n = b.node("Softmax", &[z], "n");
        let y = b.node("Add", &[x, n], "s");
        let y = b.node("Relu", &[y], "y");
        let w = b.node("Neg", &[x], "w");
        let nodes = ["n = Softmax (z)", "y = edgewise.Chain[Add Relu] (n, x)", "w = Neg (x)"];
        assert_eq!(alike(&b.finish(&[y, w]), &[waves(&shape), waves(&shape)]), nodes);
        // The same value on both sides.
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &shape);
        let y = b.node("Mul", &[x, x], "y");
        let y = b.node("Exp", &[y], "z");
        assert_eq!(alike(&b.finish(&[y]), &[waves(&shape)]), ["z = edgewise.Chain[Mul Exp] (x, x)"]);
    }

    #[test]
    fn what_cannot_be_one_pass_or_does_not_pay_is_left_alone() {
        let left = |shape: &[usize],
                    other: &[usize],
                    build: &dyn Fn(&mut Build, ValueId, ValueId) -> Vec<ValueId>| {
            let mut b = Build::default();
            let (x, other_id) = (b.input("x", DType::F32, shape), b.input("other", DType::F32, other));
            let outputs = build(&mut b, x, other_id);
            let graph = b.finish(&outputs);
            assert_eq!(alike(&graph, &[waves(shape), waves(other)]).len(), graph.nodes.len());
        };
        let two = |b: &mut Build, x, other| {
            let y = b.node("Exp", &[x], "y");
            vec![b.node("Add", &[y, other], "z")]
        };
        // The sum is larger than what would go through.
        left(&[1, 70], &[3, 70], &two);
        left(&[70], &[2, 1, 70], &two);
        // A few elements.
        left(&[3, 5], &[3, 5], &two);
        // One node alone; what lies between is needed.
        left(&[90], &[90], &|b, x, other| vec![b.node("Add", &[x, other], "y")]);
        left(&[90], &[90], &|b, x, _| {
            let y = b.node("Exp", &[x], "y");
            vec![b.node("Neg", &[y], "z"), y]
        });
        left(&[90], &[90], &|b, x, _| {
            let y = b.node("Exp", &[x], "y");
            vec![b.node("Mul", &[y, y], "z")]
        });
        // Limits that are no constants, and a slope that would have to be the larger one.
        left(&[90], &[1], &|b, x, limit| {
            let y = b.node("Exp", &[x], "y");
            vec![b.node("Clip", &[y, limit], "z")]
        });
        left(&[1, 90], &[1, 90], &|b, x, other| {
            let y = b.node("Exp", &[x], "y");
            vec![b.node("PRelu", &[other, y], "z")]
        });
    }

    #[test]
    fn other_types_are_left_alone() {
        let mut b = Build::default();
        let x = b.input("x", DType::F64, &[90]);
        let y = b.node("Exp", &[x], "y");
        let y = b.node("Neg", &[y], "z");
        assert_eq!(rewritten(b.finish(&[y]), RULE).unwrap().0, "y = Exp (x)\nz = Neg (y)\n");
        // A power whose exponent is no float.
        let mut b = Build::default();
        let (x, two) = (b.input("x", DType::F32, &[90]), b.scalar("two", 2i64));
        let y = b.node("Exp", &[x], "y");
        let y = b.node("Pow", &[y, two], "z");
        assert_eq!(rewritten(b.finish(&[y]), RULE).unwrap().0, "y = Exp (x)\nz = Pow (y, two)\n");
    }

    #[test]
    fn long_rows_of_steps_become_several() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[100]);
        let y = (0..3 * MOST_STEPS).fold(x, |x, i| b.node("Neg", &[x], &format!("n{i}")));
        assert_eq!(alike(&b.finish(&[y]), &[waves(&[100])]).len(), 3);
    }

    /// SplitMix64: small, and the same everywhere.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33) as usize % n
        }

        fn of<T: Copy>(&mut self, all: &[T]) -> T {
            all[self.below(all.len())]
        }

        fn tensor(&mut self, shape: &[usize]) -> Tensor {
            const NASTY: [f32; 12] = [
                0.0,
                -0.0,
                1.0,
                -1.0,
                1e-40,
                -1e-40,
                3e38,
                -3e38,
                f32::INFINITY,
                f32::NEG_INFINITY,
                f32::NAN,
                88.7,
            ];
            let mut number = || match self.below(8) {
                0 => self.of(&NASTY),
                _ => (self.below(2001) as f32 - 1000.0) * 0.01,
            };
            let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| number()).collect();
            Tensor::new(shape, &numbers).unwrap()
        }
    }

    #[test]
    fn random_chains_are_to_the_bit_what_their_nodes_are() {
        const ONE: [&str; 25] = [
            "Abs",
            "Neg",
            "Sign",
            "Ceil",
            "Floor",
            "Round",
            "Sqrt",
            "Exp",
            "Log",
            "Erf",
            "Tanh",
            "Sin",
            "Atan",
            "Reciprocal",
            "Relu",
            "Sigmoid",
            "HardSigmoid",
            "HardSwish",
            "Elu",
            "Selu",
            "Softplus",
            "Softsign",
            "ThresholdedRelu",
            "LeakyRelu",
            "Celu",
        ];
        const TWO: [&str; 9] =
            ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu", "com.microsoft.BiasGelu"];
        let shapes: [&[usize]; 6] =
            [&[64], &[3, 5, 7], &[2, 3, 9, 11], &[1, 70, 33], &[5, 2049], &[3, 1, 16_400]];
        let mut random = Random(7);
        for case in 0..150 {
            let shape = random.of(&shapes);
            let mut b = Build::default();
            let x = b.input("x", DType::F32, shape);
            let mut inputs = vec![random.tensor(shape)];
            let mut y = x;
            let steps = 2 + random.below(8);
            for step in 0..steps {
                let name = format!("y{step}");
                if random.below(2) == 0 {
                    y = b.node(random.of(&ONE), &[y], &name);
                    continue;
                }
                let op = random.of(&TWO);
                // Any axis may be repeated, and those in front be missing.
                let mut other: Vec<usize> =
                    shape.iter().map(|&d| if random.below(3) == 0 { 1 } else { d }).collect();
                let shorter = random.below(other.len() + 1);
                other.drain(..shorter);
                let tensor = random.tensor(&other);
                let other = if random.below(2) == 0 {
                    inputs.push(tensor);
                    b.input(&format!("z{step}"), DType::F32, &other)
                } else {
                    b.constant(&format!("z{step}"), tensor)
                };
                let turned = random.below(2) == 0 && !["PRelu", "com.microsoft.BiasGelu"].contains(&op);
                y = b.node(op, &if turned { [other, y] } else { [y, other] }, &name);
            }
            let nodes = alike(&b.finish(&[y]), &inputs);
            assert_eq!(nodes.len(), 1, "case {case}: {nodes:?}");
        }
    }
}
