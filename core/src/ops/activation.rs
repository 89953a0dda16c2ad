//! Activations of one input: Relu and its kin, the sigmoids, the Gelus.
//!
//! Opset 1 had `consumed_inputs` on many of them, and Selu other defaults. Relu takes signed integers from
//! 14 on, Shrink any numbers, the others floats. `Gelu` and `QuickGelu` also live in com.microsoft.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// A function with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Activation {
    Celu { alpha: f32 },
    Elu { alpha: f32 },
    Gelu { tanh: bool },
    HardSigmoid { alpha: f32, beta: f32 },
    HardSwish,
    LeakyRelu { alpha: f32 },
    Mish,
    Relu,
    Selu { alpha: f32, gamma: f32 },
    Shrink { bias: f32, lambd: f32 },
    Sigmoid,
    Softplus,
    Softsign,
    Swish { alpha: f32 },
    ThresholdedRelu { alpha: f32 },
}

impl Operator for Activation {
    fn parse(a: &mut Attrs) -> Result<Activation> {
        a.arity(1..=1, 1..=1)?;
        a.ignore(&["consumed_inputs"]);
        let first = a.version() < 6;
        Ok(match a.op() {
            "Celu" => Activation::Celu { alpha: a.float_or("alpha", 1.0)? },
            "Elu" => Activation::Elu { alpha: a.float_or("alpha", 1.0)? },
            "Gelu" if a.domain() == "com.microsoft" => Activation::Gelu { tanh: false },
            "Gelu" => Activation::Gelu { tanh: a.choice("approximate", &[("none", false), ("tanh", true)])? },
            "HardSigmoid" => {
                Activation::HardSigmoid { alpha: a.float_or("alpha", 0.2)?, beta: a.float_or("beta", 0.5)? }
            }
            "HardSwish" => Activation::HardSwish,
            "LeakyRelu" => Activation::LeakyRelu { alpha: a.float_or("alpha", 0.01)? },
            "Mish" => Activation::Mish,
            "Relu" => Activation::Relu,
            "Selu" => Activation::Selu {
                alpha: a.float_or("alpha", if first { 1.6732 } else { 1.673_263_2 })?,
                gamma: a.float_or("gamma", if first { 1.0507 } else { 1.050_701 })?,
            },
            "Shrink" => {
                Activation::Shrink { bias: a.float_or("bias", 0.0)?, lambd: a.float_or("lambd", 0.5)? }
            }
            "Sigmoid" => Activation::Sigmoid,
            "Softplus" => Activation::Softplus,
            "Softsign" => Activation::Softsign,
            "Swish" => Activation::Swish { alpha: a.float_or("alpha", 1.0)? },
            "QuickGelu" => Activation::Swish { alpha: a.float_or("alpha", 1.702)? },
            "ThresholdedRelu" => Activation::ThresholdedRelu { alpha: a.float_or("alpha", 1.0)? },
            name => bail!(Internal, "'{name}' is in the table but not in its family"),
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.like_input()
    }
}
