//! Products of one input that go to one operator alone become a product, whose columns stand side by side: query, key
//! and value of GroupQueryAttention, and both sides of SwiGLU.
//!
//! No bit changes, as no column of a product looks at another one. Rows are read, rounded and spread over threads once.

use super::{Draft, Patch};
use crate::cpu::eval_one;
use crate::graph::{Constant, Node, NodeId, ValueId};
use crate::ops::Op;
use crate::ops::concat::Concat;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::gated::Gated;
use crate::ops::matmul_nbits::MatMulNBits;
use crate::ops::packed_swiglu::PackedSwiGLU;
use crate::tensor::element_count;
use crate::{DType, Result, Tensor};
use std::sync::Arc;

/// Query, key and value of GroupQueryAttention, which takes them packed as well.
pub fn join_projections(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Op::GroupQueryAttention(op), &[Some(q), Some(k), Some(v), ref rest @ ..]) =
        (&node.op, &node.inputs[..])
    else {
        return Ok(None);
    };
    let Some(products) = Product::all(draft, [q, k, v]) else { return Ok(None) };
    let size = products[0].columns / op.heads;
    let heads = [op.heads, op.kv_heads, op.kv_heads];
    if products.iter().zip(heads).any(|(product, heads)| product.columns != heads * size) {
        return Ok(None);
    }
    let mut patch = Patch::new(draft);
    let Some(packed) = joined(draft, &products, &mut patch)? else { return Ok(None) };
    let inputs = [Some(packed), None, None].into_iter().chain(rest.iter().copied());
    patch.moved(node, inputs, node.outputs.iter().copied());
    Ok(Some(patch))
}

/// Both sides of SwiGLU.
pub fn join_gate(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Op::Gated(op), &[Some(a), Some(b)]) = (&node.op, &node.inputs[..]) else { return Ok(None) };
    let Gated::SwiGLU { alpha } = **op else { return Ok(None) };
    let halves = |[a, b]: &[Product<'_>; 2]| a.columns == b.columns;
    let Some(products) = Product::all(draft, [a, b]).filter(halves) else { return Ok(None) };
    let mut patch = Patch::new(draft);
    let Some(packed) = joined(draft, &products, &mut patch)? else { return Ok(None) };
    let op = Op::PackedSwiGLU(Arc::new(PackedSwiGLU { alpha }));
    patch.node(&node.name, (op, "PackedSwiGLU"), [Some(packed)], node.outputs.iter().copied());
    Ok(Some(patch))
}

/// A product with constant weights.
struct Product<'a> {
    node: &'a Node,
    form: Form,
    /// The axis of the weights along which columns of the result lie, and how many those are.
    axis: usize,
    columns: usize,
}

/// What products must have in common.
#[derive(PartialEq)]
enum Form {
    Bits { k: usize, bits: usize, block: usize, eight_bits: bool },
    Floats { narrow: bool },
}

impl<'a> Product<'a> {
    /// Those that made values which are needed once: of one form, and of one input.
    fn all<const N: usize>(draft: &'a Draft, values: [ValueId; N]) -> Option<[Product<'a>; N]> {
        let products: Option<Vec<_>> = values.iter().map(|&value| Product::that_made(draft, value)).collect();
        let products = <[Product<'_>; N]>::try_from(products?).ok()?;
        let first = products.first()?;
        let like = |other: &Product<'_>| {
            (first.node.input(0), &first.node.op_name) == (other.node.input(0), &other.node.op_name)
                && (&first.form, first.axis) == (&other.form, other.axis)
        };
        products.iter().all(like).then_some(products)
    }

    fn that_made(draft: &'a Draft, value: ValueId) -> Option<Product<'a>> {
        let node = draft.maker(value).filter(|_| draft.only_user(value).is_some())?;
        // Weights that others need, too, would be there twice.
        let weights = node.input(1).filter(|&weights| draft.only_user(weights).is_some())?;
        let weights = draft.stored(weights)?;
        let (form, axis) = match &node.op {
            Op::MatMulNBits(op) => {
                let MatMulNBits { n, k, bits, block, eight_bits } = **op;
                let form = Form::Bits { k, bits, block, eight_bits };
                return node.input(4).is_none().then_some(Product { node, form, axis: 0, columns: n });
            }
            Op::MatMul(op) if op.alpha == 1.0 && !op.left.any() && !op.right.batch => {
                (Form::Floats { narrow: false }, usize::from(!op.right.matrix))
            }
            Op::Linear(op) if op.activation == FusedActivation::None && node.input(3).is_none() => {
                (Form::Floats { narrow: op.narrow }, usize::from(!op.transposed))
            }
            _ => return None,
        };
        let &[rows, columns] = weights.shape() else { return None };
        Some(Product { node, form, axis, columns: [rows, columns][axis] })
    }
}

/// The product of all their columns, if the constants of each fit behind those of the one before.
fn joined(draft: &Draft, products: &[Product<'_>], patch: &mut Patch) -> Result<Option<ValueId>> {
    let Some(first) = products.first() else { return Ok(None) };
    let most = products.iter().map(|product| product.node.inputs.len()).max().unwrap_or(0);
    let mut inputs = vec![first.node.input(0)];
    for i in 1..most {
        let given = products.iter().map(|product| product.node.input(i));
        let given: Vec<Option<ValueId>> = given.collect();
        if given.iter().all(Option::is_none) {
            inputs.push(None);
            continue;
        }
        let parts: Option<Vec<&Constant>> = given.iter().map(|value| draft.stored((*value)?)).collect();
        // What follows the weights has its columns along the first axis.
        let axis = if i == 1 { first.axis } else { 0 };
        let columns = products.iter().map(|product| product.columns);
        let Some(parts) = parts.filter(|parts| are_alike(parts, columns, axis)) else { return Ok(None) };
        let name = given[0].map_or("", |value| draft.name(value));
        let Some((dtype, shape)) = kind_of_all(&parts, axis) else { return Ok(None) };
        let of = parts.into_iter().cloned().map(Some).collect();
        let concat = Op::Concat(Arc::new(Concat { axis: axis as i64 }));
        let join = move |of: &[Option<Tensor>]| eval_one(&concat, of);
        inputs.push(Some(patch.derived_of_all(format!("{name}_joined"), of, (dtype, &shape), join)?));
    }
    let op = match &first.node.op {
        Op::MatMulNBits(op) => {
            let n = products.iter().map(|product| product.columns).sum();
            Op::MatMulNBits(Arc::new(MatMulNBits { n, ..(**op).clone() }))
        }
        op => op.clone(),
    };
    let name = &first.node.name;
    let value = patch.value(format!("{name}_joined"));
    patch.node(name, (op, &first.node.op_name), inputs, [Some(value)]);
    Ok(Some(value))
}

/// Whether constants have the same type, the same axes but for one, and as many elements for each column.
fn are_alike(parts: &[&Constant], columns: impl Iterator<Item = usize>, axis: usize) -> bool {
    let form = |(part, columns): (&&Constant, usize)| {
        let (before, from) = part.shape().split_at_checked(axis)?;
        let (_, behind) = from.split_first()?;
        let len = element_count(part.shape()).ok()?;
        let whole = len.checked_rem(columns)? == 0;
        whole.then(|| (part.dtype(), before.to_vec(), behind.to_vec(), len / columns))
    };
    let forms: Option<Vec<_>> = parts.iter().zip(columns).map(form).collect();
    forms.is_some_and(|forms| forms.windows(2).all(|pair| pair[0] == pair[1]))
}

/// The type and the shape of constants one behind the other along an axis.
fn kind_of_all(parts: &[&Constant], axis: usize) -> Option<(DType, Vec<usize>)> {
    let first = parts.first()?;
    let mut shape = first.shape().to_vec();
    let mut sizes = parts.iter().filter_map(|part| part.shape().get(axis));
    *shape.get_mut(axis)? = sizes.try_fold(0usize, |sum, size| sum.checked_add(*size))?;
    Some((first.dtype(), shape))
}

#[cfg(test)]
mod tests {
    use super::super::product::fuse_bias;
    use super::super::testing::{Build, bytes, rewritten, run, waves};
    use super::super::{Rule, swish::fuse_swiglu, swish::fuse_swish};
    use super::*;
    use crate::graph::Graph;
    use crate::ops::Attr;

    const RULES: &[(&str, Rule)] = &[
        ("fuse_swish", fuse_swish),
        ("fuse_swiglu", fuse_swiglu),
        ("fuse_bias", fuse_bias),
        ("join_projections", join_projections),
        ("join_gate", join_gate),
    ];

    /// Products with 4-bit weights of rows of 40.
    #[derive(Clone, Copy, Default)]
    struct Bits {
        zeros: bool,
        bias: bool,
        accuracy_level: i64,
    }

    impl Bits {
        fn product(self, b: &mut Build, x: ValueId, columns: usize, name: &str) -> ValueId {
            let attrs = [("N", columns as i64), ("K", 40), ("bits", 4), ("block_size", 16)];
            let attrs = [&attrs[..], &[("accuracy_level", self.accuracy_level)]].concat();
            let attrs: Vec<_> = attrs.into_iter().map(|(name, i)| (name, Attr::Int(i))).collect();
            let seed = name.bytes().map(u32::from).sum();
            let codes = b.constant(&format!("{name}_codes"), bytes(DType::U8, &[columns, 3, 8], seed));
            let scales = b.constant(&format!("{name}_scales"), waves(&[columns * 3]));
            let y = b.node_with("com.microsoft.MatMulNBits", &[x, codes, scales], &attrs, &[name])[0];
            let zeros = bytes(DType::U8, &[columns, 2], seed + 1);
            let zeros = self.zeros.then(|| b.constant(&format!("{name}_zeros"), zeros));
            let bias = self.bias.then(|| b.constant(&format!("{name}_bias"), waves(&[columns])));
            b.graph.nodes.last_mut().unwrap().inputs.extend([zeros, None, bias]);
            y
        }
    }

    /// Attention of four heads of eight, which share two of keys and values, to those and a past of three.
    fn attention(b: &mut Build, [q, k, v]: [ValueId; 3]) -> ValueId {
        let cache = |b: &mut Build, name: &str| b.input(name, DType::F32, &[1, 2, 3, 8]);
        let past = [cache(b, "past_key"), cache(b, "past_value")];
        let lengths = b.constant("lengths", Tensor::new(&[1], &[4i32]).unwrap());
        let total = b.scalar("total", 5i32);
        let attrs = [("num_heads", Attr::Int(4)), ("kv_num_heads", Attr::Int(2))];
        let inputs = [q, k, v, past[0], past[1], lengths, total];
        b.node_with("com.microsoft.GroupQueryAttention", &inputs, &attrs, &["y"])[0]
    }

    /// The nodes after the rules, which must not change a bit.
    fn rewritten_exactly(graph: Graph, inputs: &[Tensor]) -> String {
        let (text, after, _) = rewritten(graph.clone(), RULES).unwrap();
        let results = |graph| run(graph, inputs).unwrap();
        for (before, after) in results(&graph).iter().zip(results(&after)) {
            assert_eq!(before.shape(), after.shape());
            assert!(before.view().bytes() == after.view().bytes(), "{text}");
        }
        let left = after.values.iter().filter(|value| value.constant.is_some());
        let parts = left.filter(|value| text.contains("joined") && value.name.ends_with("_codes"));
        assert_eq!(parts.count(), 0, "parts of joined weights are let go");
        text
    }

    fn pasts() -> [Tensor; 3] {
        [waves(&[1, 2, 40]), waves(&[1, 2, 3, 8]), waves(&[1, 2, 3, 8])]
    }

    #[test]
    fn query_key_and_value_become_one_product() {
        for (zeros, bias, accuracy_level, more) in [
            (false, false, 4, ""),
            (true, false, 4, ", q_zeros_joined"),
            (true, true, 0, ", q_zeros_joined, -, q_bias_joined"),
            (false, true, 4, ", -, -, q_bias_joined"),
        ] {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[1, 2, 40]);
            let of = Bits { zeros, bias, accuracy_level };
            let [q, k, v] = [("q", 32), ("k", 16), ("v", 16)].map(|(name, n)| of.product(&mut b, x, n, name));
            let y = attention(&mut b, [q, k, v]);
            let product = format!("com.microsoft.MatMulNBits (x, q_codes_joined, q_scales_joined{more})");
            let attention =
                "com.microsoft.GroupQueryAttention (q_joined, -, -, past_key, past_value, lengths, total)";
            let expected = format!("q_joined = {product}\ny = {attention}\n");
            assert_eq!(rewritten_exactly(b.finish(&[y]), &pasts()), expected);
        }
    }

    #[test]
    fn products_of_floats_are_joined_as_well() {
        for bias in [false, true] {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[1, 2, 40]);
            let qkv = [("q", 32), ("k", 16), ("v", 16)].map(|(name, n)| {
                let w = b.constant(&format!("{name}_w"), waves(&[40, n]));
                let y = b.node("MatMul", &[x, w], name);
                let bias = bias.then(|| b.constant(&format!("{name}_bias"), waves(&[n])));
                bias.map_or(y, |bias| b.node("Add", &[y, bias], &format!("{name}_sum")))
            });
            let y = attention(&mut b, qkv);
            let text = rewritten_exactly(b.finish(&[y]), &pasts());
            let product =
                if bias { "Linear (x, q_w_joined, q_bias_joined)" } else { "MatMul (x, q_w_joined)" };
            assert!(text.starts_with(&format!("q_joined = {product}\n")), "{text}");
        }
    }

    #[test]
    fn both_sides_of_a_gate_become_one_product() {
        for accuracy_level in [0, 4] {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[3, 40]);
            let of = Bits { accuracy_level, ..Bits::default() };
            let [gate, up] = ["gate", "up"].map(|name| of.product(&mut b, x, 24, name));
            let s = b.node("Sigmoid", &[gate], "s");
            let swish = b.node("Mul", &[gate, s], "swish");
            let y = b.node("Mul", &[swish, up], "y");
            let expected = "gate_joined = com.microsoft.MatMulNBits (x, gate_codes_joined, gate_scales_joined)\n\
                            y = PackedSwiGLU (gate_joined)\n";
            assert_eq!(rewritten_exactly(b.finish(&[y]), &[waves(&[3, 40])]), expected);
        }
    }

    #[test]
    fn products_that_differ_or_are_wanted_stay_apart() {
        let text = |change: fn(&mut Build, ValueId) -> [ValueId; 3], wanted: bool| {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[1, 2, 40]);
            let qkv = change(&mut b, x);
            let y = attention(&mut b, qkv);
            let outputs = if wanted { vec![y, qkv[1]] } else { vec![y] };
            rewritten_exactly(b.finish(&outputs), &pasts())
        };
        fn plain(b: &mut Build, x: ValueId) -> [ValueId; 3] {
            [("q", 32), ("k", 16), ("v", 16)].map(|(name, n)| Bits::default().product(b, x, n, name))
        }
        fn with_zeros(b: &mut Build, x: ValueId) -> [ValueId; 3] {
            [("q", 32), ("k", 16), ("v", 16)]
                .map(|(name, n)| Bits { zeros: name == "v", ..Bits::default() }.product(b, x, n, name))
        }
        fn of_others(b: &mut Build, x: ValueId) -> [ValueId; 3] {
            let z = b.node("Neg", &[x], "z");
            [("q", 32, x), ("k", 16, z), ("v", 16, x)]
                .map(|(name, n, x)| Bits::default().product(b, x, n, name))
        }
        fn of_levels(b: &mut Build, x: ValueId) -> [ValueId; 3] {
            [("q", 32, 0), ("k", 16, 4), ("v", 16, 4)].map(|(name, n, accuracy_level)| {
                Bits { accuracy_level, ..Bits::default() }.product(b, x, n, name)
            })
        }
        fn twice(b: &mut Build, x: ValueId) -> [ValueId; 3] {
            let [q, k, _] = plain(b, x);
            [q, k, k]
        }
        assert!(text(plain, false).contains("joined"));
        let apart =
            [text(plain, true), text(with_zeros, false), text(of_others, false), text(of_levels, false)];
        for text in apart.into_iter().chain([text(twice, false)]) {
            assert!(!text.contains("joined"), "{text}");
        }
    }
}
