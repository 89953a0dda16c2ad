//! Recurrent layers on the CPU: what RNN, GRU and LSTM share with the quantized LSTM.
//!
//! All input products of a direction are made at once, before the first step; then each step takes the
//! whole batch. A sequence that has ended gives out its state and goes on as zeros, and one that has no
//! steps at all ends with zeros, as in onnxruntime. The small floats compute in f32; states stay f32
//! between steps, and outputs are rounded once.

use super::{Io, RunContext};
use crate::ops::rnn::{Activation, Cell, Function, Rnn};
use crate::{Float, Num, Result, View};
use std::borrow::Cow;
use std::ops::Range;

/// The products with a layer's weights.
pub trait Products<T> {
    /// `out = x · W`, for all rows of `x`, in that direction.
    fn input(&self, cx: &RunContext<'_>, direction: usize, x: &[T], out: &mut [T]) -> Result<()>;
    /// `out = h · R`, for all rows of `h` and some columns, in that direction.
    fn recurrent(
        &self,
        cx: &RunContext<'_>,
        direction: usize,
        h: &[T],
        columns: Range<usize>,
        out: &mut [T],
    ) -> Result<()>;
}

/// The sizes of a layer's axes, and where things lie.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sizes {
    pub directions: usize,
    pub steps: usize,
    pub batch: usize,
    pub input: usize,
    pub hidden: usize,
    pub batch_first: bool,
}

impl Sizes {
    /// The row of X that sequence `b` has at a time.
    fn row(&self, b: usize, time: usize) -> usize {
        if self.batch_first { b * self.steps + time } else { time * self.batch + b }
    }

    /// Where the first or the last state of sequence `b` begins.
    fn state(&self, direction: usize, b: usize) -> usize {
        let row = if self.batch_first { b * self.directions + direction } else { direction * self.batch + b };
        row * self.hidden
    }

    /// Where the output of sequence `b` at a time begins.
    fn output(&self, direction: usize, b: usize, time: usize) -> usize {
        let row = match self.batch_first {
            true => (b * self.steps + time) * self.directions + direction,
            false => (time * self.directions + direction) * self.batch + b,
        };
        row * self.hidden
    }
}

impl Rnn {
    /// The sizes, after all shapes have been checked.
    pub fn checked_sizes(&self, io: &Io<'_>) -> Result<Sizes> {
        let mut shapes: [Option<&[usize]>; 8] = [None; 8];
        for (i, shape) in shapes.iter_mut().enumerate() {
            *shape = io.optional(i)?.map(|x| x.shape());
        }
        let dims = |i: usize| shapes[i].map(|s: &[usize]| s.iter().map(|&d| d.into()).collect());
        let sizes = self.sizes(dims)?.ok_or_else(|| err!(InvalidModel, "X, W and R are required"))?;
        let size = |d: crate::Dim| d.size().ok_or_else(|| err!(Internal, "the size {d} is not known"));
        Ok(Sizes {
            directions: self.reverse.len(),
            steps: size(sizes.steps)?,
            batch: size(sizes.batch)?,
            input: size(sizes.input)?,
            hidden: size(sizes.hidden)?,
            batch_first: self.batch_first,
        })
    }

    /// Runs all directions with those products; `O` is the type of X and of the outputs.
    pub fn run_layer<O: Float>(
        &self,
        io: &mut Io<'_>,
        sizes: Sizes,
        products: &impl Products<O::Wide>,
    ) -> Result<()> {
        let lengths = lengths(io, sizes)?;
        let x = widened::<O>(io.input(0)?)?;
        let optional = |i: usize| io.optional(i)?.map(widened::<O>).transpose();
        let (bias, h, c, peepholes) = (optional(3)?, optional(5)?, optional(6)?, optional(7)?);
        let mut outputs: [Option<&mut [O]>; 3] = [None, None, None];
        for (i, out) in outputs.iter_mut().enumerate() {
            if io.wants(i) {
                let y = io.output(i)?.into_slice::<O>()?;
                // What no step writes belongs to a sequence that has ended.
                y.fill(O::zero());
                *out = Some(y);
            }
        }

        let Sizes { steps, batch, input, hidden, .. } = sizes;
        let columns = self.cell.gates() * hidden;
        // Where time comes first, what lies past the end of every sequence is not looked at.
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let rows = batch * if self.batch_first { steps } else { longest };
        let mut inputs = zeros(&[rows, columns])?;
        for (direction, &reverse) in self.reverse.iter().enumerate() {
            let part = |of: &Option<Cow<'_, [O::Wide]>>, len: usize| {
                of.as_ref().map(|of| of[direction * len..][..len].to_vec())
            };
            let initial = |from: &Option<Cow<'_, [O::Wide]>>| -> Result<Vec<O::Wide>> {
                let mut state = zeros(&[batch, hidden])?;
                for (b, row) in state.chunks_mut(hidden.max(1)).enumerate() {
                    if let Some(from) = from {
                        row.copy_from_slice(&from[sizes.state(direction, b)..][..hidden]);
                    }
                }
                Ok(state)
            };
            let layer = Layer {
                cx: io.context(),
                products,
                cell: self.cell,
                activations: &self.activations[direction * self.activations.len() / self.reverse.len()..],
                clip: self.clip.map(O::Wide::from_f32),
                bias: part(&bias, 2 * columns),
                peepholes: part(&peepholes, 3 * hidden),
                sizes,
                direction,
                h: initial(&h)?,
                c: initial(&c)?,
                sums: zeros(&[batch, columns])?,
            };
            products.input(io.context(), direction, &x[..rows * input], &mut inputs)?;
            layer.run(&inputs, reverse, &lengths, &mut outputs)?;
        }
        Ok(())
    }
}

/// One direction of a layer, and the state that it is in.
struct Layer<'a, T, P> {
    cx: &'a RunContext<'a>,
    products: &'a P,
    cell: Cell,
    activations: &'a [Activation],
    clip: Option<T>,
    /// Those of the input products, then those of the recurrent ones.
    bias: Option<Vec<T>>,
    peepholes: Option<Vec<T>>,
    sizes: Sizes,
    direction: usize,
    h: Vec<T>,
    c: Vec<T>,
    /// Recurrent products of the whole batch.
    sums: Vec<T>,
}

impl<T: Float, P: Products<T>> Layer<'_, T, P> {
    /// All steps; `outputs` are Y, the last hidden and the last cell states.
    fn run<O: Float<Wide = T>>(
        mut self,
        inputs: &[T],
        reverse: bool,
        lengths: &[usize],
        outputs: &mut [Option<&mut [O]>; 3],
    ) -> Result<()> {
        let (sizes, hidden) = (self.sizes, self.sizes.hidden);
        let [y, y_h, y_c] = outputs;
        for step in 0..lengths.iter().copied().max().unwrap_or(0) {
            self.cx.check()?;
            let time = |length: usize| if reverse { length - 1 - step } else { step };
            let live = lengths.iter().enumerate().filter(|(_, length)| step < **length);
            let live = live.map(|(b, &length)| (b, time(length)));
            self.step(inputs, live.clone().map(|(b, t)| (b, sizes.row(b, t))))?;
            for (b, t) in live {
                let h = &mut self.h[b * hidden..][..hidden];
                narrow(h, y, sizes.output(self.direction, b, t));
                if step + 1 == lengths[b] {
                    let c = &mut self.c[b * hidden..][..hidden];
                    let at = sizes.state(self.direction, b);
                    narrow(h, y_h, at);
                    narrow(c, y_c, at);
                    h.fill(T::zero());
                }
            }
        }
        Ok(())
    }

    /// Moves the sequences on for which `live` has a pair: which of the batch, and its row of `inputs`.
    fn step(&mut self, inputs: &[T], live: impl Iterator<Item = (usize, usize)> + Clone) -> Result<()> {
        let Sizes { hidden, .. } = self.sizes;
        let columns = self.cell.gates() * hidden;
        let early = match self.cell {
            Cell::Gru { linear_before_reset: false } => 2 * hidden,
            _ => columns,
        };
        let mut sums = std::mem::take(&mut self.sums);
        self.recurrent(&self.h, 0..early, &mut sums)?;
        match self.cell {
            Cell::Rnn => {
                for (b, row) in live {
                    for j in 0..hidden {
                        let z = inputs[row * columns + j].add(sums[b * columns + j]).add(self.biases(j));
                        self.h[b * hidden + j] = self.activate(0, z);
                    }
                }
            }
            Cell::Gru { linear_before_reset: true } => {
                for (b, row) in live {
                    let (x, r) = (&inputs[row * columns..][..columns], &sums[b * columns..][..columns]);
                    for j in 0..hidden {
                        let gate = |j: usize| self.activate(0, x[j].add(r[j]).add(self.biases(j)));
                        let (update, reset, j2) = (gate(j), gate(hidden + j), 2 * hidden + j);
                        let linear = r[j2].add(self.bias(columns + j2));
                        let new = self.activate(1, x[j2].add(reset.mul(linear)).add(self.bias(j2)));
                        self.blend(b * hidden + j, update, new);
                    }
                }
            }
            Cell::Gru { linear_before_reset: false } => {
                // The gates first, then the product of what the reset gate lets through.
                let mut updates = zeros(&[self.h.len()])?;
                let mut kept = zeros(&[self.h.len()])?;
                for (b, row) in live.clone() {
                    let (x, r) = (&inputs[row * columns..][..columns], &sums[b * early..][..early]);
                    for j in 0..hidden {
                        let gate = |j: usize| self.activate(0, x[j].add(r[j]).add(self.biases(j)));
                        let at = b * hidden + j;
                        updates[at] = gate(j);
                        kept[at] = gate(hidden + j).mul(self.h[at]);
                    }
                }
                self.recurrent(&kept, early..columns, &mut sums)?;
                for (b, row) in live {
                    for j in 0..hidden {
                        let (at, j2) = (b * hidden + j, early + j);
                        let z = inputs[row * columns + j2].add(sums[at]).add(self.biases(j2));
                        self.blend(at, updates[at], self.activate(1, z));
                    }
                }
            }
            Cell::Lstm { input_forget } => {
                for (b, row) in live {
                    let (x, r) = (&inputs[row * columns..][..columns], &sums[b * columns..][..columns]);
                    for j in 0..hidden {
                        let sum = |gate: usize| {
                            let j = gate * hidden + j;
                            x[j].add(r[j]).add(self.biases(j))
                        };
                        let peephole = |gate: usize, cell: T| match &self.peepholes {
                            Some(p) => p[gate * hidden + j].mul(cell),
                            None => T::zero(),
                        };
                        let at = b * hidden + j;
                        let old = self.c[at];
                        let input = self.activate(0, sum(0).add(peephole(0, old)));
                        let forget = match input_forget {
                            true => T::one().sub(input),
                            false => self.activate(0, sum(2).add(peephole(2, old))),
                        };
                        let new = forget.mul(old).add(input.mul(self.activate(1, sum(3))));
                        let output = self.activate(0, sum(1).add(peephole(1, new)));
                        self.c[at] = new;
                        self.h[at] = output.mul(self.activations[2].apply(new));
                    }
                }
            }
        }
        self.sums = sums;
        Ok(())
    }

    fn recurrent(&self, h: &[T], columns: Range<usize>, out: &mut [T]) -> Result<()> {
        let len = h.len().checked_div(self.sizes.hidden).unwrap_or(0) * columns.len();
        self.products.recurrent(self.cx, self.direction, h, columns, &mut out[..len])
    }

    fn bias(&self, i: usize) -> T {
        self.bias.as_ref().map_or(T::zero(), |bias| bias[i])
    }

    /// The bias of the input product and that of the recurrent one.
    fn biases(&self, i: usize) -> T {
        self.bias(i).add(self.bias(self.cell.gates() * self.sizes.hidden + i))
    }

    fn activate(&self, which: usize, x: T) -> T {
        let x = match self.clip {
            Some(clip) if x > clip => clip,
            Some(clip) if x < clip.neg() => clip.neg(),
            _ => x,
        };
        self.activations[which].apply(x)
    }

    /// The new hidden value: as much of the old one as the update gate says.
    fn blend(&mut self, at: usize, update: T, new: T) {
        self.h[at] = T::one().sub(update).mul(new).add(update.mul(self.h[at]));
    }
}

macro_rules! activation {
    ($name:ident, $T:ident) => {
        fn $name(self, x: $T) -> $T {
            let (alpha, beta) = (self.alpha as $T, self.beta as $T);
            match self.function {
                Function::Relu if x < 0.0 => 0.0,
                Function::Relu => x,
                Function::Tanh => x.tanh(),
                Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                Function::Affine => alpha * x + beta,
                Function::LeakyRelu if x < 0.0 => alpha * x,
                Function::LeakyRelu => x,
                Function::ThresholdedRelu if x < alpha => 0.0,
                Function::ThresholdedRelu => x,
                Function::ScaledTanh => alpha * (beta * x).tanh(),
                Function::HardSigmoid => (alpha * x + beta).clamp(0.0, 1.0),
                Function::Elu if x < 0.0 => alpha * x.exp_m1(),
                Function::Elu => x,
                Function::Softsign => x / (1.0 + x.abs()),
                // In this form e^x cannot overflow.
                Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            }
        }
    };
}

impl Activation {
    activation!(of_f32, f32);
    activation!(of_f64, f64);

    /// The function's value.
    pub fn apply<T: Float>(self, x: T) -> T {
        x.map(|x| self.of_f32(x), |x| self.of_f64(x))
    }
}

/// How many steps each sequence has.
fn lengths(io: &Io<'_>, sizes: Sizes) -> Result<Vec<usize>> {
    let Some(given) = io.optional(4)? else { return Ok(vec![sizes.steps; sizes.batch]) };
    let length = |&length: &i32| {
        let fits = usize::try_from(length).ok().filter(|&length| length <= sizes.steps);
        fits.ok_or_else(|| err!(InvalidInput, "a sequence of {length} of {} steps", sizes.steps))
    };
    given.slice::<i32>()?.iter().map(length).collect()
}

/// The elements in the type that `O` computes in.
pub fn widened<O: Float>(x: View<'_>) -> Result<Cow<'_, [O::Wide]>> {
    match x.slice::<O::Wide>() {
        Ok(same) => Ok(Cow::Borrowed(same)),
        Err(_) => Ok(Cow::Owned(x.slice::<O>()?.iter().map(|x| x.widen()).collect())),
    }
}

/// Writes `from` at a place of an output that somebody wants.
fn narrow<O: Float>(from: &[O::Wide], to: &mut Option<&mut [O]>, at: usize) {
    if let Some(to) = to {
        to[at..].iter_mut().zip(from).for_each(|(to, &x)| *to = O::narrow(x));
    }
}

fn zeros<T: Num>(shape: &[usize]) -> Result<Vec<T>> {
    let len = crate::tensor::element_count(shape)?;
    let mut out = Vec::new();
    out.try_reserve_exact(len).map_err(|_| err!(OutOfMemory, "no memory for {len} gates"))?;
    out.resize(len, T::zero());
    Ok(out)
}
