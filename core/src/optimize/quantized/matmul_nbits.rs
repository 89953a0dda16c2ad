//! A product of floats with weights of few bits, or in blocks, becomes MatMulNBits: the weights stay packed.
//!
//! Every weight means the same number as before; only the order in which products are added differs.
//! Quantizers store weights as `[depth, columns]` with blocks along axis 0, or turned, behind a Transpose or
//! in a Gemm that transposes B.

use super::parameters::{Found, answer, reason};
use super::{Draft, Patch};
use crate::cpu::packed_bits::{code, row_bytes};
use crate::graph::{Constant, Node, NodeId, ValueId, normalize_axis};
use crate::ops::Op;
use crate::ops::align::Align;
use crate::ops::binary::Function;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::matmul_nbits::MatMulNBits;
use crate::optimize::pattern::Pattern;
use crate::optimize::transpose::order;
use crate::tensor::element_count;
use crate::{DType, Result, Tensor, View};

const NAME: &str = "com.microsoft.MatMulNBits";

/// Blocks that are made where the model has one scale for a whole column: the largest of these that divides
/// the depth, else the last.
const BLOCKS: [usize; 3] = [128, 64, 32];

/// A MatMul or Gemm of floats with weights that a DequantizeLinear makes.
pub fn matmul_nbits(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let transposed = match &node.op {
        Op::MatMul(op) if op.alpha == 1.0 && !op.left.any() && !op.right.batch => op.right.matrix,
        Op::Gemm(op) if op.alpha == 1.0 && !op.left.any() => op.right.matrix,
        _ => return Ok(None),
    };
    let ([Some(a), Some(b)], [Some(y)]) = (&node.inputs[..node.inputs.len().min(2)], &node.outputs[..])
    else {
        return Ok(None);
    };
    match Stored::behind(draft, *b, transposed)? {
        Some(weights) => {
            answer(draft, id, weights.and_then(|weights| rewritten(draft, node, *a, weights, *y)))
        }
        None => Ok(None),
    }
}

fn rewritten(draft: &Draft, node: &Node, a: ValueId, weights: Stored<'_>, y: ValueId) -> Found<Patch> {
    let bias = match &node.op {
        Op::Gemm(op) if op.activation != FusedActivation::None => return Err("it has an activation".into()),
        Op::Gemm(op) => match node.inputs.get(2).copied().flatten() {
            Some(c) if op.beta == 1.0 && draft.is_constant(c) && Pattern::of(draft).is_row_of(c, y) => {
                Some(c)
            }
            Some(_) => return Err("its bias is no constant row".into()),
            None => None,
        },
        _ => None,
    };
    let float = |dtype: DType| matches!(dtype, DType::F32 | DType::F16 | DType::BF16);
    if !draft.dtype(a).is_some_and(float) || draft.rank(a).is_none_or(|rank| rank == 0) {
        return Err("its left factor is no tensor of floats of a known rank".into());
    }
    let (name, matrix) = (weights.name, weights.matrix);
    let block = matrix.block()?;
    let (n, k, bits) = (matrix.cols, matrix.depth, matrix.bits());
    let op = MatMulNBits { n, k, bits, block, eight_bits: false };
    let mut patch = Patch::new(draft);
    let codes = move |of: &Tensor| matrix.codes(of.view(), block);
    let kind = (DType::U8, &matrix.shape_of_codes(block)[..]);
    let codes = patch.derived(format!("{name}_packed"), weights.integers, kind, codes).map_err(reason)?;
    let scales = move |of: &Tensor| matrix.scales(of.view(), block);
    let kind = (DType::F32, &[matrix.cols, matrix.blocks(block)][..]);
    let scales = patch.derived(format!("{name}_scales"), weights.scale, kind, scales).map_err(reason)?;
    let zeros = matrix.zeros(weights.zero, block).map_err(reason)?;
    let zeros = zeros.map(|zeros| patch.constant(format!("{name}_zeros"), zeros));
    let inputs = [Some(a), Some(codes), Some(scales), zeros, None, bias];
    patch.node(&node.name, (Op::MatMulNBits(op.into()), NAME), inputs, [Some(y)]);
    Ok(patch)
}

/// A constant matrix of integers that stand for numbers.
struct Stored<'a> {
    name: &'a str,
    integers: &'a Constant,
    scale: &'a Constant,
    zero: Option<View<'a>>,
    matrix: Matrix,
}

/// How the integers, scales and zero points of a matrix lie.
#[derive(Clone, Copy)]
struct Matrix {
    dtype: DType,
    depth: usize,
    cols: usize,
    /// Whether a row of the tensor is a column of the matrix.
    turned: bool,
    /// How many scales there are.
    scales: usize,
    lies: Lies,
}

/// How scales lie over the matrix.
#[derive(Clone, Copy)]
enum Lies {
    /// One for all.
    Once,
    /// One for every column.
    Columns,
    /// One for so many rows of a column.
    Blocks(usize),
}

impl<'a> Stored<'a> {
    /// The weights that a DequantizeLinear makes, perhaps with a Transpose behind it, and why they cannot be
    /// kept packed. `None` where they are none, or are bytes that a product of floats takes as floats.
    fn behind(draft: &'a Draft, value: ValueId, transposed: bool) -> Result<Option<Found<Stored<'a>>>> {
        let (mut value, mut turned) = (value, transposed);
        if order(draft, value)?.is_some_and(|order| order == [1, 0]) {
            let Some(before) = draft.maker(value).and_then(|node| node.input(0)) else { return Ok(None) };
            (value, turned) = (before, !turned);
        }
        let node = draft.maker(value);
        let Some((node, Op::DequantizeLinear(op))) = node.map(|node| (node, &node.op)) else {
            return Ok(None);
        };
        let Some(integers) = node.input(0) else { return Ok(None) };
        let blocks = op.granularity.blocks();
        let (few, bytes) = match draft.dtype(integers) {
            Some(DType::I2 | DType::U2 | DType::I4 | DType::U4) => (true, false),
            Some(DType::I8 | DType::U8) => (false, true),
            _ => (false, false),
        };
        let constant = |i: usize| node.input(i).and_then(|id| draft.stored(id));
        let (Some(codes), Some(scale)) = (constant(0), constant(1)) else { return Ok(None) };
        if !(few || bytes && blocks.is_some()) || node.input(2).is_some() && constant(2).is_none() {
            return Ok(None);
        }
        let &[rows, cols] = codes.shape() else { return Ok(None) };
        let scales = element_count(scale.shape())?;
        let (depth, cols, depth_axis) = if turned { (cols, rows, 1) } else { (rows, cols, 0) };
        let along = |axis: i64| normalize_axis(axis, 2).is_ok_and(|axis| axis == depth_axis);
        let lies = match (scales, blocks, op.granularity.axis()) {
            (1, ..) => Lies::Once,
            (_, Some((axis, block)), _) if along(axis) => Lies::Blocks(block),
            (_, None, Some(axis)) if !along(axis) => Lies::Columns,
            _ => {
                return Ok(Some(Err(
                    "its weights have scales along another axis than that of their sums".into()
                )));
            }
        };
        let stored = Stored {
            name: draft.name(integers),
            integers: codes,
            scale,
            zero: node.input(2).and_then(|id| draft.constant(id)),
            matrix: Matrix { dtype: codes.dtype(), depth, cols, turned, scales, lies },
        };
        Ok(Some(stored.checked()))
    }

    /// This, if there are as many scales and zero points as there must be.
    fn checked(self) -> Found<Stored<'a>> {
        let Matrix { depth, cols, scales, lies, .. } = self.matrix;
        let expected = match lies {
            Lies::Once => Some(1),
            Lies::Columns => Some(cols),
            Lies::Blocks(block) => depth.div_ceil(block).checked_mul(cols),
        };
        let zeros = self.zero.map_or(scales, |zero| zero.len());
        if expected != Some(scales) || zeros != scales {
            return Err(format!("its weights have {scales} scales and {zeros} zero points"));
        }
        if depth == 0 || cols == 0 {
            return Err("its weights are empty".into());
        }
        Ok(self)
    }
}

impl Matrix {
    fn bits(&self) -> usize {
        self.dtype.bits()
    }

    fn blocks(&self, block: usize) -> usize {
        self.depth.div_ceil(block)
    }

    /// The size of the blocks of the result.
    fn block(&self) -> Found<usize> {
        match self.lies {
            Lies::Blocks(block) if block >= 16 && block.is_power_of_two() => Ok(block),
            Lies::Blocks(block) => Err(format!("blocks of {block} weights have no kernel")),
            Lies::Once | Lies::Columns => {
                let divides = |block: &&usize| self.depth.is_multiple_of(**block);
                Ok(*BLOCKS.iter().find(divides).unwrap_or(&BLOCKS[2]))
            }
        }
    }

    /// What makes a code without a sign of one with a sign: its top bit flips.
    fn flip(&self) -> u8 {
        let signed = matches!(self.dtype, DType::I2 | DType::I4 | DType::I8);
        if signed { 1 << (self.bits() - 1) } else { 0 }
    }

    fn shape_of_codes(&self, block: usize) -> [usize; 3] {
        [self.cols, self.blocks(block), block / (8 / self.bits())]
    }

    /// The codes, column by column, each of whole blocks.
    fn codes(&self, integers: View<'_>, block: usize) -> Result<Tensor> {
        let (bits, flip, source) = (self.bits(), self.flip(), integers.bytes());
        let blocks = self.blocks(block);
        let bytes = blocks * block / (8 / bits);
        let mut codes = vec![0u8; bytes * self.cols];
        // Some columns at a time, so that what is read and written stays at hand.
        const COLUMNS: usize = 64;
        for (chunk, codes) in codes.chunks_mut(bytes * COLUMNS).enumerate() {
            for k in 0..self.depth {
                for (i, column) in codes.chunks_mut(bytes).enumerate() {
                    let col = chunk * COLUMNS + i;
                    let at = if self.turned { col * self.depth + k } else { k * self.cols + col };
                    column[k / (8 / bits)] |= (code(source, at, bits) ^ flip) << (k % (8 / bits) * bits);
                }
            }
        }
        Tensor::from_bytes(DType::U8, &self.shape_of_codes(block), &codes)
    }

    /// The number of the scale for that block of that column.
    fn scale_of(&self, col: usize, block: usize, blocks: usize) -> usize {
        match self.lies {
            Lies::Once => 0,
            Lies::Columns => col,
            Lies::Blocks(_) if self.turned => col * blocks + block,
            Lies::Blocks(_) => block * self.cols + col,
        }
    }

    fn scales(&self, scale: View<'_>, block: usize) -> Result<Tensor> {
        let (scales, blocks) = (scale.to_f32s()?, self.blocks(block));
        let scale = |i: usize| scales[self.scale_of(i / blocks, i % blocks, blocks)];
        let scales: Vec<f32> = (0..blocks * self.cols).map(scale).collect();
        Tensor::new(&[self.cols, blocks], &scales)
    }

    /// The zero points, packed; `None` if all are in the middle.
    fn zeros(&self, zero: Option<View<'_>>, block: usize) -> Result<Option<Tensor>> {
        let (bits, flip, blocks) = (self.bits(), self.flip(), self.blocks(block));
        let zero = |i: usize| zero.map_or(0, |zero| code(zero.bytes(), i, bits)) ^ flip;
        let middle = 1 << (bits - 1);
        if (0..self.scales).all(|i| zero(i) == middle) {
            return Ok(None);
        }
        let bytes = row_bytes(blocks, bits);
        let mut packed = vec![0u8; bytes * self.cols];
        for (col, row) in packed.chunks_mut(bytes).enumerate() {
            for block in 0..blocks {
                row[block / (8 / bits)] |=
                    zero(self.scale_of(col, block, blocks)) << (block % (8 / bits) * bits);
            }
        }
        Tensor::from_bytes(DType::U8, &[self.cols, bytes], &packed).map(Some)
    }
}

/// MatMulNBits → Add of a constant row, both of f32, where the kernel adds it last.
pub fn nbits_and_bias(draft: &Draft, id: NodeId) -> Result<Option<Patch>> {
    let Some(node) = draft.get(id) else { return Ok(None) };
    let (Op::Binary(op), &[Some(a), Some(b)], [Some(y)]) = (&node.op, &node.inputs[..], &node.outputs[..])
    else {
        return Ok(None);
    };
    if op.function != Function::Add || op.align != Align::Numpy {
        return Ok(None);
    }
    for [product, bias] in [[a, b], [b, a]] {
        let maker = draft.maker(product).filter(|_| draft.only_user(product).is_some());
        let Some(maker) = maker.filter(|maker| matches!(maker.op, Op::MatMulNBits(_))) else { continue };
        let row = draft.is_constant(bias) && Pattern::of(draft).is_row_of(bias, product);
        let floats = [product, bias].iter().all(|id| draft.dtype(*id) == Some(DType::F32));
        if row && floats && maker.input(5).is_none() {
            let mut inputs = maker.inputs.clone();
            inputs.resize(5, None);
            inputs.push(Some(bias));
            let mut patch = Patch::new(draft);
            patch.moved(maker, inputs, [Some(*y)]);
            return Ok(Some(patch));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::UNQUANTIZED;
    use crate::graph::{Graph, ValueId};
    use crate::ops::Attr;
    use crate::optimize::testing::{Build, bytes, expect_refusal, rewritten, rewritten_alike, waves};
    use crate::{DType, Tensor};

    /// Weights `[depth, cols]`, or turned, in blocks (or with a scale per column, where there is no block).
    struct Weights {
        dtype: DType,
        shape: [usize; 2],
        axis: usize,
        block: usize,
        zeros: bool,
    }

    fn integers(dtype: DType, shape: &[usize], seed: u32) -> Tensor {
        let count = shape.iter().product::<usize>().div_ceil(8 / dtype.bits());
        Tensor::from_bytes(dtype, shape, bytes(DType::U8, &[count], seed).view().bytes()).unwrap()
    }

    impl Weights {
        fn build(&self, b: &mut Build) -> ValueId {
            let mut shape = self.shape.to_vec();
            if self.block > 0 {
                shape[self.axis] = shape[self.axis].div_ceil(self.block);
            } else {
                shape = vec![shape[self.axis]];
            }
            let scale: Vec<f32> =
                (0..shape.iter().product::<usize>()).map(|i| 0.01 + 0.003 * (i % 7) as f32).collect();
            let w = b.constant("w", integers(self.dtype, &self.shape, 3));
            let mut inputs = vec![w, b.constant("s", Tensor::new(&shape, &scale).unwrap())];
            if self.zeros {
                inputs.push(b.constant("z", integers(self.dtype, &shape, 5)));
            }
            let attrs = [("axis", Attr::Int(self.axis as i64)), ("block_size", Attr::Int(self.block as i64))];
            b.node_with("DequantizeLinear", &inputs, &attrs, &["real"])[0]
        }
    }

    fn product(weights: &Weights, how: &str) -> Graph {
        let mut b = Build::default();
        let depth = weights.shape[if how == "MatMul" { 0 } else { 1 }];
        let x = b.input("x", DType::F32, &[3, depth]);
        let w = weights.build(&mut b);
        let y = match how {
            "Transpose" => {
                let w = b.node("Transpose", &[w], "t");
                b.node("MatMul", &[x, w], "y")
            }
            "Gemm" => {
                let c = b.constant("c", waves(&[weights.shape[0]]));
                b.node_with("Gemm", &[x, w, c], &[("transB", Attr::Int(1))], &["y"])[0]
            }
            _ => b.node("MatMul", &[x, w], "y"),
        };
        b.finish(&[y])
    }

    #[test]
    fn weights_of_every_width_stay_packed_however_they_lie() {
        use DType::{I2, I4, I8, U2, U4, U8};
        for (dtype, zeros) in [(I4, false), (I4, true), (U4, false), (U4, true), (I8, true), (U8, false)]
            .into_iter()
            .chain([(U2, true), (I2, false)])
        {
            for (block, depth) in [(16, 48), (32, 70), (64, 64)] {
                let weights = Weights { dtype, shape: [depth, 19], axis: 0, block, zeros };
                let extra = if zeros || matches!(dtype, U2 | U4 | U8) { ", w_zeros" } else { "" };
                let node = format!("y = com.microsoft.MatMulNBits (x, w_packed, w_scales{extra}");
                let text = rewritten_alike(product(&weights, "MatMul"), UNQUANTIZED, &[waves(&[3, depth])]);
                assert_eq!(text, format!("{node})\n"), "{dtype} {block}");
                let weights = Weights { shape: [19, depth], axis: 1, ..weights };
                for how in ["Transpose", "Gemm"] {
                    let text = rewritten_alike(product(&weights, how), UNQUANTIZED, &[waves(&[3, depth])]);
                    assert!(text.starts_with(&node) && text.lines().count() == 1, "{how}: {text}");
                }
            }
        }
    }

    #[test]
    fn few_bits_with_a_scale_per_column_stay_packed_and_bytes_become_floats() {
        for depth in [10, 96, 128] {
            let weights = Weights { dtype: DType::I4, shape: [depth, 20], axis: 1, block: 0, zeros: true };
            let text = rewritten_alike(product(&weights, "MatMul"), UNQUANTIZED, &[waves(&[3, depth])]);
            assert_eq!(text, "y = com.microsoft.MatMulNBits (x, w_packed, w_scales, w_zeros)\n");
        }
        let weights = Weights { dtype: DType::I8, shape: [32, 20], axis: 1, block: 0, zeros: false };
        let text = rewritten_alike(product(&weights, "MatMul"), UNQUANTIZED, &[waves(&[3, 32])]);
        assert_eq!(text, "real = DequantizeLinear (w, s)\ny = MatMul (x, real)\n");
    }

    #[test]
    fn floats_of_16_bits_multiply_the_same_weights() {
        let half = |tensor: Tensor| {
            let halves = tensor.slice::<f32>().unwrap().iter().map(|&x| half::f16::from_f32(x));
            Tensor::new(tensor.shape(), &halves.collect::<Vec<_>>()).unwrap()
        };
        let mut b = Build::default();
        let x = b.input("x", DType::F16, &[2, 32]);
        let w = b.constant("w", integers(DType::I4, &[32, 20], 3));
        let s = b.constant("s", half(waves(&[2, 20])));
        let attrs = [("axis", Attr::Int(0)), ("block_size", Attr::Int(16))];
        let w = b.node_with("DequantizeLinear", &[w, s], &attrs, &["real"])[0];
        let y = b.node("MatMul", &[x, w], "y");
        let graph = b.finish(&[y]);
        let (text, after, _) = rewritten(graph.clone(), UNQUANTIZED).unwrap();
        assert_eq!(text, "y = com.microsoft.MatMulNBits (x, w_packed, w_scales)\n");
        let run = |graph| crate::optimize::testing::run(graph, &[half(waves(&[2, 32]))]).unwrap()[0].clone();
        let (before, after) = (run(&graph), run(&after));
        assert_eq!((before.dtype(), before.shape()), (after.dtype(), after.shape()));
        // A weight is rounded to 11 bits before, and not after; sums of 32 reach 32 × 8.
        let pairs = before.view().to_f32s().unwrap().into_iter().zip(after.view().to_f32s().unwrap());
        assert!(
            pairs.clone().all(|(a, b)| (a - b).abs() <= 256.0 / 2048.0),
            "{:?}",
            pairs.collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_bias_behind_is_added_last() {
        let mut b = Build::default();
        let x = b.input("x", DType::F32, &[2, 3, 32]);
        let w = Weights { dtype: DType::U4, shape: [32, 20], axis: 0, block: 16, zeros: false }.build(&mut b);
        let c = b.constant("c", waves(&[20]));
        let p = b.node("MatMul", &[x, w], "p");
        let y = b.node("Add", &[c, p], "y");
        let text = rewritten_alike(b.finish(&[y]), UNQUANTIZED, &[waves(&[2, 3, 32])]);
        assert_eq!(text, "y = com.microsoft.MatMulNBits (x, w_packed, w_scales, w_zeros, -, c)\n");
    }

    #[test]
    fn scales_that_are_no_numbers_mean_what_onnx_says() {
        for scale in [0.0, -1.5, f32::NAN, f32::INFINITY] {
            let mut b = Build::default();
            let x = b.input("x", DType::F32, &[2, 16]);
            let w = b.constant("w", integers(DType::I4, &[16, 3], 9));
            let s = b.constant("s", Tensor::new(&[1, 3], &[scale, 1.0, scale]).unwrap());
            let attrs = [("axis", Attr::Int(0)), ("block_size", Attr::Int(16))];
            let w = b.node_with("DequantizeLinear", &[w, s], &attrs, &["real"])[0];
            let y = b.node("MatMul", &[x, w], "y");
            let graph = b.finish(&[y]);
            let (_, after, _) = rewritten(graph.clone(), UNQUANTIZED).unwrap();
            let run = |graph| crate::optimize::testing::run(graph, &[waves(&[2, 16])]).unwrap()[0].clone();
            let (before, after) = (run(&graph), run(&after));
            let pairs = before.slice::<f32>().unwrap().iter().zip(after.slice::<f32>().unwrap());
            for (a, b) in pairs {
                assert!(
                    a.is_nan() == b.is_nan() && (a.is_nan() || a == b || (a - b).abs() < 1e-5),
                    "{a} {b}"
                );
            }
        }
    }

    #[test]
    fn blocks_along_the_columns_or_of_an_odd_size_become_floats_and_say_why() {
        let weights = Weights { dtype: DType::I4, shape: [32, 32], axis: 1, block: 16, zeros: false };
        let refused = |graph: Graph, why: &str| {
            let rules: &[(&str, super::super::Rule)] = &[("matmul_nbits", super::matmul_nbits)];
            expect_refusal(graph, rules, why);
        };
        refused(product(&weights, "MatMul"), "along another axis");
        let weights = Weights { axis: 0, block: 24, shape: [48, 32], ..weights };
        refused(product(&weights, "MatMul"), "blocks of 24 weights");
    }
}
