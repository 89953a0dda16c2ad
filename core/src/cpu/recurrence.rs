//! Recurrent layers on the CPU: what RNN, GRU and LSTM share with the quantized LSTM.
//!
//! All input products of a direction are made at once, before the first step; then each step takes the
//! whole batch. A sequence that has ended gives out its state and goes on as zeros, and one that has no
//! steps at all ends with zeros, as in onnxruntime. The small floats compute in f32; states stay f32
//! between steps, and outputs are rounded once.

use super::recurrent_cell::Layer;
use super::wide::{widened, zeros};
use super::{Io, RunContext};
use crate::ops::rnn::Rnn;
use crate::{Float, Result};
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
            };
            products.input(io.context(), direction, &x[..rows * input], &mut inputs)?;
            layer.run(&inputs, reverse, &lengths, &mut outputs)?;
        }
        Ok(())
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

/// Writes `from` at a place of an output that somebody wants.
fn narrow<O: Float>(from: &[O::Wide], to: &mut Option<&mut [O]>, at: usize) {
    if let Some(to) = to {
        to[at..].iter_mut().zip(from).for_each(|(to, &x)| *to = O::narrow(x));
    }
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
}
