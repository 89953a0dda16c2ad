//! Adagrad, Adam and Momentum on the CPU.

use super::real::Real;
use super::{Io, Kernel};
use crate::ops::optimizer::Optimizer;
use crate::{DType, Element, Num, Result};

impl Kernel for Optimizer {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let rate = match io.input(0)?.dtype() {
            DType::F64 => io.input(0)?.slice::<f64>()?.first().copied(),
            _ => io.input(0)?.slice::<f32>()?.first().map(|&x| x.into()),
        };
        let rate = rate.ok_or_else(|| err!(InvalidInput, "the learning rate must be one element"))?;
        let steps = io.input(1)?.scalar_i64()?;
        for i in 0..self.parameters(io.input_count()) {
            io.check()?;
            match io.input(2 + i)?.dtype() {
                DType::F64 => self.step::<f64>(io, i, rate, steps)?,
                _ => self.step::<f32>(io, i, rate, steps)?,
            }
        }
        Ok(())
    }
}

impl Optimizer {
    /// Parameter `i`, its gradient and states, one step further.
    fn step<R: Real + Element + Num>(&self, io: &mut Io<'_>, i: usize, rate: f64, steps: i64) -> Result<()> {
        let n = self.parameters(io.input_count());
        let inputs = (0..self.states() + 2)
            .map(|sort| io.input(2 + sort * n + i)?.slice::<R>())
            .collect::<Result<Vec<_>>>()?;
        // Where there is one state only, a second one stands in for it and is ignored.
        let [x, g, s, t] = [0, 1, 2, 3].map(|sort: usize| inputs[sort.min(inputs.len() - 1)]);
        ensure!(
            [g, s, t].iter().all(|other| other.len() == x.len()),
            InvalidInput,
            "the gradient and states of parameter {i} must have its shape"
        );
        let update = self.rule::<R>(rate, steps);
        let mut outputs = [const { None }; 3];
        for (sort, output) in outputs.iter_mut().take(self.states() + 1).enumerate() {
            if io.wants(sort * n + i) {
                *output = Some(io.output(sort * n + i)?.into_slice::<R>()?);
            }
        }
        for k in 0..x.len() {
            let new = update([x[k], g[k], s[k], t[k]]);
            for (output, new) in outputs.iter_mut().zip(new) {
                if let Some(output) = output {
                    output[k] = new;
                }
            }
        }
        Ok(())
    }

    /// From a parameter, its gradient and its states to the new parameter and states.
    fn rule<R: Real>(&self, rate: f64, steps: i64) -> impl Fn([R; 4]) -> [R; 3] {
        let optimizer = *self;
        let of = |x: f32| R::of(x.into());
        let first = steps <= 0;
        let rate = R::of(match optimizer {
            Optimizer::Adagrad { decay_factor, .. } => rate / (1.0 + steps as f64 * f64::from(decay_factor)),
            Optimizer::Adam { alpha, beta, .. } if !first => {
                let left = |x: f32| 1.0 - f64::from(x).powf(steps as f64);
                rate * left(beta).sqrt() / left(alpha)
            }
            _ => rate,
        });
        move |[x, g, s, t]| match optimizer {
            Optimizer::Adagrad { epsilon, norm, .. } => {
                let g = of(norm) * x + g;
                let square = s + g * g;
                [x - rate * g / (square.sqrt() + of(epsilon)), square, t]
            }
            Optimizer::Adam { alpha, beta, epsilon, norm, norm_post } => {
                let g = of(norm) * x + g;
                let momentum = of(alpha) * s + (R::of(1.0) - of(alpha)) * g;
                let square = of(beta) * t + (R::of(1.0) - of(beta)) * (g * g);
                let x = x - rate * (momentum / (square.sqrt() + of(epsilon)));
                [(R::of(1.0) - of(norm_post)) * x, momentum, square]
            }
            Optimizer::Momentum { alpha, beta, norm, nesterov } => {
                let g = of(norm) * x + g;
                let beta = if first { R::of(1.0) } else { of(beta) };
                let momentum = of(alpha) * s + beta * g;
                let direction = if nesterov { g + of(alpha) * momentum } else { momentum };
                [x - rate * direction, momentum, t]
            }
        }
    }
}
