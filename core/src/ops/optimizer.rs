//! Adagrad, Adam and Momentum of ai.onnx.preview.training: one step of training.
//!
//! Inputs are the learning rate, the count of steps before this one, and then n tensors of each sort: the
//! parameters, their gradients, and one or two states. Outputs are the new parameters and states.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// One step of an optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Optimizer {
    Adagrad { decay_factor: f32, epsilon: f32, norm: f32 },
    Adam { alpha: f32, beta: f32, epsilon: f32, norm: f32, norm_post: f32 },
    Momentum { alpha: f32, beta: f32, norm: f32, nesterov: bool },
}

impl Operator for Optimizer {
    fn parse(a: &mut Attrs) -> Result<Optimizer> {
        let norm = a.float("norm_coefficient")?;
        let op = match a.op() {
            "Adagrad" => Optimizer::Adagrad {
                decay_factor: a.float_or("decay_factor", 0.0)?,
                epsilon: a.float_or("epsilon", 1e-6)?,
                norm: norm.unwrap_or(0.0),
            },
            "Adam" => Optimizer::Adam {
                alpha: a.float_or("alpha", 0.9)?,
                beta: a.float_or("beta", 0.999)?,
                epsilon: a.float_or("epsilon", 1e-6)?,
                norm: norm.unwrap_or(0.0),
                norm_post: a.float_or("norm_coefficient_post", 0.0)?,
            },
            _ => {
                let (alpha, beta, mode) = (a.float("alpha")?, a.float("beta")?, a.str("mode")?);
                Optimizer::Momentum {
                    alpha: a.required("alpha", alpha)?,
                    beta: a.required("beta", beta)?,
                    norm: a.required("norm_coefficient", norm)?,
                    nesterov: match &a.required("mode", mode)?[..] {
                        "nesterov" => true,
                        "standard" => false,
                        other => {
                            bail!(
                                InvalidModel,
                                "attribute 'mode' must be nesterov or standard, got '{other}'"
                            )
                        }
                    },
                }
            }
        };
        let (sorts, inputs, outputs) = (op.states() + 2, a.input_count(), a.output_count());
        ensure!(
            inputs >= 2 + sorts
                && (inputs - 2).is_multiple_of(sorts)
                && outputs <= (inputs - 2) / sorts * (sorts - 1),
            InvalidModel,
            "{inputs} inputs and {outputs} outputs are not 2 and {sorts} per parameter, {} per parameter",
            sorts - 1
        );
        Ok(op)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let n = self.parameters(cx.input_count());
        for i in 0..n {
            for sort in 0..self.states() + 2 {
                let input = 2 + sort * n + i;
                let (x, other) = (cx.input(2 + i)?.shape(), cx.input(input)?.shape());
                ensure!(
                    x.is_none() || other.is_none() || x == other,
                    InvalidModel,
                    "input {input} must have the parameter's shape {x:?}, got {other:?}"
                );
            }
            for sort in 0..self.states() + 1 {
                let (dtype, dims) = (cx.dtype(2 + i)?, cx.dims(2 + i).cloned());
                cx.set_tensor(sort * n + i, dtype, dims);
            }
        }
        Ok(())
    }
}

impl Optimizer {
    /// How many tensors it remembers per parameter.
    pub fn states(&self) -> usize {
        if matches!(self, Optimizer::Adam { .. }) { 2 } else { 1 }
    }

    /// How many parameters a node of that many inputs has.
    pub fn parameters(&self, inputs: usize) -> usize {
        (inputs - 2) / (self.states() + 2)
    }
}
