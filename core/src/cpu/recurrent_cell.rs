//! What happens in one step of a recurrent layer: the cells of RNN, GRU and LSTM.

use super::RunContext;
use super::activation;
use super::real::Real;
use super::recurrence::{Products, Sizes};
use super::wide::zeros;
use crate::ops::rnn::{Activation, Cell, Function};
use crate::{Float, Result};
use std::ops::Range;

/// One direction of a layer, and the state that it is in.
pub struct Layer<'a, T, P> {
    pub cx: &'a RunContext<'a>,
    pub products: &'a P,
    pub cell: Cell,
    pub activations: &'a [Activation],
    pub clip: Option<T>,
    /// Those of the input products, then those of the recurrent ones.
    pub bias: Option<Vec<T>>,
    pub peepholes: Option<Vec<T>>,
    pub sizes: Sizes,
    pub direction: usize,
    /// The hidden state of the whole batch.
    pub h: Vec<T>,
    /// Its cell state; only an LSTM has one.
    pub c: Vec<T>,
}

impl<T: Float, P: Products<T>> Layer<'_, T, P> {
    /// Moves the sequences on for which `live` has a pair: which of the batch, and its row of `inputs`.
    pub fn step(&mut self, inputs: &[T], live: impl Iterator<Item = (usize, usize)> + Clone) -> Result<()> {
        match self.cell {
            Cell::Rnn => self.rnn(inputs, live),
            Cell::Gru { linear_before_reset: true } => self.gru_linear(inputs, live),
            Cell::Gru { linear_before_reset: false } => self.gru(inputs, live),
            Cell::Lstm { input_forget } => self.lstm(inputs, live, input_forget),
        }
    }

    fn rnn(&mut self, inputs: &[T], live: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        let hidden = self.sizes.hidden;
        let sums = self.recurrent(&self.h, 0..hidden)?;
        for (b, row) in live {
            let (x, r) = (&inputs[row * hidden..], &sums[b * hidden..]);
            for j in 0..hidden {
                self.h[b * hidden + j] = self.gate(0, x[j].add(r[j]).add(self.biases(j)));
            }
        }
        Ok(())
    }

    /// The reset gate applies to the recurrent product of the hidden gate.
    fn gru_linear(&mut self, inputs: &[T], live: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        let (hidden, columns) = (self.sizes.hidden, 3 * self.sizes.hidden);
        let sums = self.recurrent(&self.h, 0..columns)?;
        for (b, row) in live {
            let (x, r) = (&inputs[row * columns..], &sums[b * columns..]);
            for j in 0..hidden {
                let gate = |j: usize| self.gate(0, x[j].add(r[j]).add(self.biases(j)));
                let (update, reset, j2) = (gate(j), gate(hidden + j), 2 * hidden + j);
                let linear = r[j2].add(self.bias(columns + j2));
                let new = self.gate(1, x[j2].add(reset.mul(linear)).add(self.bias(j2)));
                self.blend(b * hidden + j, update, new);
            }
        }
        Ok(())
    }

    /// The reset gate applies to the hidden state, before the recurrent product of the hidden gate.
    fn gru(&mut self, inputs: &[T], live: impl Iterator<Item = (usize, usize)> + Clone) -> Result<()> {
        let (hidden, columns) = (self.sizes.hidden, 3 * self.sizes.hidden);
        let sums = self.recurrent(&self.h, 0..2 * hidden)?;
        let (mut updates, mut kept) = (zeros(&[self.h.len()])?, zeros(&[self.h.len()])?);
        for (b, row) in live.clone() {
            let (x, r) = (&inputs[row * columns..], &sums[b * 2 * hidden..]);
            for j in 0..hidden {
                let gate = |j: usize| self.gate(0, x[j].add(r[j]).add(self.biases(j)));
                let at = b * hidden + j;
                updates[at] = gate(j);
                kept[at] = gate(hidden + j).mul(self.h[at]);
            }
        }
        let sums = self.recurrent(&kept, 2 * hidden..columns)?;
        for (b, row) in live {
            for j in 0..hidden {
                let (at, j2) = (b * hidden + j, 2 * hidden + j);
                let new = inputs[row * columns + j2].add(sums[at]).add(self.biases(j2));
                self.blend(at, updates[at], self.gate(1, new));
            }
        }
        Ok(())
    }

    fn lstm(
        &mut self,
        inputs: &[T],
        live: impl Iterator<Item = (usize, usize)>,
        input_forget: bool,
    ) -> Result<()> {
        let (hidden, columns) = (self.sizes.hidden, 4 * self.sizes.hidden);
        let sums = self.recurrent(&self.h, 0..columns)?;
        for (b, row) in live {
            let (x, r) = (&inputs[row * columns..], &sums[b * columns..]);
            for j in 0..hidden {
                let at = b * hidden + j;
                let sum = |gate: usize| {
                    let j = gate * hidden + j;
                    x[j].add(r[j]).add(self.biases(j))
                };
                let peephole = |gate: usize, cell: T| match &self.peepholes {
                    Some(p) => p[gate * hidden + j].mul(cell),
                    None => T::zero(),
                };
                let old = self.c[at];
                let input = self.gate(0, sum(0).add(peephole(0, old)));
                let forget = match input_forget {
                    true => T::one().sub(input),
                    false => self.gate(0, sum(2).add(peephole(2, old))),
                };
                let new = forget.mul(old).add(input.mul(self.gate(1, sum(3))));
                let output = self.gate(0, sum(1).add(peephole(1, new)));
                self.c[at] = new;
                self.h[at] = output.mul(self.activations[2].apply(new));
            }
        }
        Ok(())
    }

    /// Products of the whole batch.
    fn recurrent(&self, h: &[T], columns: Range<usize>) -> Result<Vec<T>> {
        let mut out = zeros(&[self.sizes.batch, columns.len()])?;
        self.products.recurrent(self.cx, self.direction, h, columns, &mut out)?;
        Ok(out)
    }

    fn bias(&self, i: usize) -> T {
        self.bias.as_ref().map_or(T::zero(), |bias| bias[i])
    }

    /// The bias of the input product and that of the recurrent one.
    fn biases(&self, i: usize) -> T {
        self.bias(i).add(self.bias(self.cell.gates() * self.sizes.hidden + i))
    }

    /// An activation of what is clipped first.
    fn gate(&self, which: usize, x: T) -> T {
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

impl Activation {
    /// The function's value.
    fn apply<T: Float>(self, x: T) -> T {
        x.map(|x| self.of(x), |x| self.of(x))
    }

    fn of<R: Real>(self, x: R) -> R {
        let (alpha, beta) = (self.alpha, self.beta);
        match self.function {
            Function::Relu if x < R::of(0.0) => R::of(0.0),
            Function::Relu => x,
            Function::Tanh => x.tanh(),
            Function::Sigmoid => activation::sigmoid(x),
            Function::Affine => R::of(alpha.into()) * x + R::of(beta.into()),
            Function::LeakyRelu => activation::leaky_relu(x, alpha),
            Function::ThresholdedRelu if x < R::of(alpha.into()) => R::of(0.0),
            Function::ThresholdedRelu => x,
            Function::ScaledTanh => R::of(alpha.into()) * (R::of(beta.into()) * x).tanh(),
            Function::HardSigmoid => activation::hard_sigmoid(x, alpha.into(), beta.into()),
            Function::Elu => activation::elu(x, R::of(alpha.into())),
            Function::Softsign => activation::softsign(x),
            Function::Softplus => activation::softplus(x),
        }
    }
}
