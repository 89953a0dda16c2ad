//! RNN, GRU and LSTM of f32: one product of all inputs with all weights, then a launch for every step.
//!
//! What a reader would get wrong: a GRU whose reset gate applies before the recurrent product takes two launches
//! for a step, since its hidden gate needs what the reset gate made of the whole state.

use super::Kernel;
use super::activation::Function;
use super::arrange::scratch;
use super::constant_of_shape::Fill;
use super::copy::{Copy, Part};
use super::matmul::{Last, Product};
use super::shared::{append, count, input_type, into, rows_of_groups, told, word};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::device::{Binding, Bound, Check, DeviceKernel, Launch, Lowered, Operand, PipelineId};
use edgewise_core::graph::Fact;
use edgewise_core::ops::activation::Activation;
use edgewise_core::ops::matmul::Flip;
use edgewise_core::ops::rnn::{self, Cell, Rnn};
use edgewise_core::{DType, Dim, Result, strides};
use std::sync::Arc;

pub static SHADER: Shader = shader!("rnn", 5, 3);

const WEIGHTS_FLIPPED: Flip = Flip { matrix: true, batch: false };

pub fn lower(gpu: &Gpu, op: &Arc<Rnn>, node: &Lowered<'_>) -> Result<Kernel> {
    let types = (0..node.inputs.len()).all(|i| {
        let wanted = if i == 4 { DType::I32 } else { DType::F32 };
        !node.has(i) || input_type(node, i) == Some(wanted)
    });
    if !types || op.gates_last {
        return Ok(None);
    }
    let Some(layers) = layers(gpu, op, node) else { return Ok(None) };
    // The rows of all steps, by the weights of each direction.
    let symbols = |rank: usize| Fact::tensor(DType::F32, (0..rank).map(|i| Dim::symbol(&format!("d{i}"))));
    let (x, w, y) = (symbols(2), symbols(3), symbols(3));
    let facts = [Some(&x), Some(&w)];
    let product = Lowered { node: node.node, inputs: &facts, outputs: &[Some(&y)], wished: &[] };
    let product = Product::new(gpu, &product, [Flip::default(), WEIGHTS_FLIPPED], Last::default());
    let (Some(product), Some(copy)) = (product, Copy::of(gpu, DType::F32)) else { return Ok(None) };
    Ok(Some(Box::new(Lower { op: op.clone(), layers, product, copy, fill: Fill::new(gpu) })))
}

/// The steps of one direction.
struct Layer {
    backward: bool,
    /// One pipeline for a step, or two.
    steps: Vec<PipelineId>,
    functions: [Function; 3],
}

/// Those of a node's directions, where their activations are among ours.
fn layers(gpu: &Gpu, op: &Rnn, node: &Lowered<'_>) -> Option<Vec<Layer>> {
    let (cell, input_forget) = match op.cell {
        Cell::Rnn => (0, false),
        Cell::Gru { linear_before_reset: false } => (1, false),
        Cell::Gru { linear_before_reset: true } => (2, false),
        Cell::Lstm { input_forget } => (3, input_forget),
    };
    let each = op.activations.len() / op.reverse.len().max(1);
    let layer = |(backward, activations): (&bool, &[rnn::Activation])| {
        let mut functions = [Function::NONE; 3];
        for (to, from) in functions.iter_mut().zip(activations) {
            *to = function(from)?;
        }
        let [f, g, h] = functions.map(|function| function.number);
        let pipeline = |later: bool| {
            let constants = [
                ("CELL", cell),
                ("LATER", later.into()),
                ("INPUT_FORGET", input_forget.into()),
                ("BIASED", node.has(3).into()),
                ("PEEPHOLES", node.has(7).into()),
                ("LENGTHS", node.has(4).into()),
                ("F", f),
                ("G", g),
                ("H", h),
            ];
            gpu.pipeline(Variant::new(&SHADER, &constants))
        };
        let steps = if cell == 1 { vec![pipeline(false), pipeline(true)] } else { vec![pipeline(false)] };
        Some(Layer { backward: *backward, steps, functions })
    };
    op.reverse.iter().zip(op.activations.chunks(each.max(1))).map(layer).collect()
}

/// An activation by its number; at its threshold ThresholdedRelu is another function here than as an operator.
fn function(of: &rnn::Activation) -> Option<Function> {
    let (alpha, beta) = (of.alpha, of.beta);
    Some(match of.function {
        rnn::Function::Relu => Function::of(&Activation::Relu),
        rnn::Function::Tanh => Function::TANH,
        rnn::Function::Sigmoid => Function::of(&Activation::Sigmoid),
        rnn::Function::Affine => Function::affine(alpha, beta),
        rnn::Function::LeakyRelu => Function::of(&Activation::LeakyRelu { alpha }),
        rnn::Function::ThresholdedRelu => return None,
        rnn::Function::ScaledTanh => Function::scaled_tanh(alpha, beta),
        rnn::Function::HardSigmoid => Function::of(&Activation::HardSigmoid { alpha, beta }),
        rnn::Function::Elu => Function::of(&Activation::Elu { alpha }),
        rnn::Function::Softsign => Function::of(&Activation::Softsign),
        rnn::Function::Softplus => Function::of(&Activation::Softplus),
    })
}

struct Lower {
    op: Arc<Rnn>,
    layers: Vec<Layer>,
    product: Product,
    copy: Copy,
    fill: Fill,
}

/// The sizes of a layer's axes.
#[derive(Clone, Copy)]
struct Sizes {
    steps: usize,
    batch: usize,
    hidden: usize,
}

impl DeviceKernel for Lower {
    fn bind(&self, cx: &Binding<'_>) -> Result<Bound> {
        let dims = |i: usize| cx.optional(i).map(|shape| shape.iter().map(|&d| Dim::from(d)).collect());
        let sizes = self.op.sizes(dims)?.ok_or_else(|| err!(InvalidModel, "X, W and R are required"))?;
        let size = |d: &Dim| d.size().ok_or_else(|| err!(Internal, "the size {d} is not known"));
        let input = size(&sizes.input)?;
        let sizes =
            Sizes { steps: size(&sizes.steps)?, batch: size(&sizes.batch)?, hidden: size(&sizes.hidden)? };
        let (mut bound, all) = (Bound::nothing(), sizes.batch * sizes.hidden);
        let wanted = |i: usize| cx.outputs.get(i).is_some_and(Option::is_some);
        // What no step writes belongs to a sequence that has ended.
        let empty = sizes.steps == 0 || all == 0;
        for i in (0..3).filter(|&i| wanted(i) && (empty || i == 0 && cx.optional(4).is_some())) {
            let words = count(&cx.output(i)?);
            bound.launches.extend(self.fill.launch(words, [0, 0], Operand::Output(i))?);
        }
        if empty {
            return Ok(bound);
        }
        let inputs = self.inputs(&mut bound, sizes, input)?;
        let state = scratch(&mut bound, 4 * 5 * all);
        let y = if wanted(0) { Operand::Output(0) } else { scratch(&mut bound, 4) };
        let lengths = cx.optional(4).is_some();
        if lengths {
            bound.checks.push(Check::Steps(sizes.steps));
        }
        let (status, word) = told(&mut bound, lengths.then_some(cx.word))?;
        for (direction, layer) in self.layers.iter().enumerate() {
            self.begin(cx, &mut bound, sizes, direction, &state)?;
            let there = |i: usize| Operand::Input(if cx.optional(i).is_some() { i } else { 2 });
            let buffers = vec![
                inputs.clone(),
                Operand::Input(2),
                there(3),
                there(7),
                there(4),
                state.clone(),
                y.clone(),
                status.clone(),
            ];
            for step in 0..sizes.steps {
                let parameters =
                    self.parameters(sizes, (direction, layer), step, [wanted(0).into(), word])?;
                for &pipeline in &layer.steps {
                    bound.launches.push(Launch {
                        pipeline,
                        buffers: buffers.clone(),
                        parameters: parameters.clone(),
                        groups: rows_of_groups(all)?,
                    });
                }
            }
            for (i, which) in [(1, sizes.steps % 2), (2, 2)] {
                if wanted(i) {
                    let place = self.place(sizes, direction);
                    let buffers = [state.clone(), Operand::Output(i)];
                    bound.launches.extend(self.copy.launch(which * all, &place, buffers)?);
                }
            }
        }
        Ok(bound)
    }
}

impl Lower {
    /// The products of all rows with the weights of each direction.
    fn inputs(&self, bound: &mut Bound, sizes: Sizes, input: usize) -> Result<Operand> {
        let columns = self.op.cell.gates() * sizes.hidden;
        let (rows, directions) = (sizes.steps * sizes.batch, self.layers.len());
        let x = Fact::sized(DType::F32, &[rows, input]);
        let w = Fact::sized(DType::F32, &[directions, columns, input]);
        let y = Fact::sized(DType::F32, &[directions, rows, columns]);
        let facts = [Some(&x), Some(&w)];
        // A product finds nothing wrong, and needs no word of its own.
        let product = self.product.bind(&Binding { inputs: &facts, outputs: &[Some(&y)], word: 0 })?;
        // What it takes for its output is an intermediate result here.
        let to = scratch(bound, 4 * directions * rows * columns);
        append(bound, product, into(&to));
        Ok(to)
    }

    /// The state before the first step.
    fn begin(
        &self,
        cx: &Binding<'_>,
        bound: &mut Bound,
        sizes: Sizes,
        direction: usize,
        state: &Operand,
    ) -> Result<()> {
        let all = sizes.batch * sizes.hidden;
        bound.launches.extend(self.fill.launch(3 * all, [0, 0], state.clone())?);
        let place = self.place(sizes, direction);
        let shape: Vec<usize> = place.iter().map(|part| part.whole).collect();
        let from: usize = place.iter().zip(strides(&shape)).map(|(part, step)| part.begin * step).sum();
        for (i, which) in [(5, 0), (6, 2)] {
            if cx.optional(i).is_some() {
                let rows = place.iter().zip(strides(&shape)).filter(|(part, _)| part.size == part.whole);
                let mut parts = vec![Part { whole: 3, begin: which, size: 1, step: 0 }];
                parts.extend(rows.map(|(part, step)| Part::whole(part.whole, step as i64)));
                bound.launches.extend(self.copy.launch(from, &parts, [Operand::Input(i), state.clone()])?);
            }
        }
        Ok(())
    }

    /// Where a direction's part of a first or last state lies.
    fn place(&self, sizes: Sizes, direction: usize) -> Vec<Part> {
        let of_direction = Part { whole: self.layers.len(), begin: direction, size: 1, step: 0 };
        let batch = Part::whole(sizes.batch, sizes.hidden as i64);
        let hidden = Part::whole(sizes.hidden, 1);
        match self.op.batch_first {
            true => vec![batch, of_direction, hidden],
            false => vec![of_direction, batch, hidden],
        }
    }

    fn parameters(
        &self,
        sizes: Sizes,
        (direction, layer): (usize, &Layer),
        step: usize,
        [every_step, of_status]: [u32; 2],
    ) -> Result<Vec<u32>> {
        let Sizes { steps, batch, hidden } = sizes;
        let mut words = Vec::with_capacity(24);
        for size in [batch, hidden, steps, self.layers.len(), direction, step] {
            words.push(word(size)?);
        }
        words.extend([layer.backward.into(), self.op.batch_first.into(), every_step, of_status, 0]);
        words.push(self.op.clip.unwrap_or(f32::INFINITY).to_bits());
        words.extend(layer.functions.iter().flat_map(|function| function.parameters.map(f32::to_bits)));
        Ok(words)
    }
}
