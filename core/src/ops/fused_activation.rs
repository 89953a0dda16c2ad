//! The activation that FusedConv and FusedGemm of com.microsoft, and what rewrites fuse, apply to their sums.

use super::Attrs;
use crate::Result;

/// An activation with its parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum FusedActivation {
    #[default]
    None,
    Clip {
        low: f32,
        high: f32,
    },
    Elu {
        alpha: f32,
    },
    Gelu {
        tanh: bool,
    },
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    HardSwish,
    LeakyRelu {
        alpha: f32,
    },
    ParametricSoftplus {
        alpha: f32,
        beta: f32,
    },
    Relu,
    ScaledTanh {
        alpha: f32,
        beta: f32,
    },
    Selu {
        alpha: f32,
        gamma: f32,
    },
    Sigmoid,
    Softplus,
    Softsign,
    Swish {
        alpha: f32,
    },
    Tanh,
    ThresholdedRelu {
        alpha: f32,
    },
}

impl FusedActivation {
    /// FusedConv's: its parameters are a list.
    pub fn of_conv(a: &mut Attrs) -> Result<FusedActivation> {
        let name = a.str_or("activation", "")?;
        let params = a.floats("activation_params")?.unwrap_or_default();
        let at = |i: usize| params.get(i).copied();
        FusedActivation::named(&name, at(0), at(1), None)
    }

    /// FusedGemm's: its parameters are attributes of their own.
    pub fn of_gemm(a: &mut Attrs) -> Result<FusedActivation> {
        let name = a.str_or("activation", "")?;
        let mut param = |name: &str| a.float(name);
        let (alpha, beta) = (param("activation_alpha")?, param("activation_beta")?);
        FusedActivation::named(&name, alpha, beta, param("activation_gamma")?)
    }

    fn named(
        name: &str,
        alpha: Option<f32>,
        beta: Option<f32>,
        gamma: Option<f32>,
    ) -> Result<FusedActivation> {
        use FusedActivation::*;
        let (a, b) = (|default: f32| alpha.unwrap_or(default), |default: f32| beta.unwrap_or(default));
        Ok(match name {
            "" | "Identity" => None,
            "Clip" => Clip { low: a(f32::MIN), high: b(f32::MAX) },
            "Elu" => Elu { alpha: a(1.0) },
            "HardSigmoid" => HardSigmoid { alpha: a(0.2), beta: b(0.5) },
            "LeakyRelu" => LeakyRelu { alpha: a(0.01) },
            "ParametricSoftplus" => ParametricSoftplus { alpha: a(1.0), beta: b(1.0) },
            "Relu" => Relu,
            "ScaledTanh" => ScaledTanh { alpha: a(1.0), beta: b(1.0) },
            "Selu" => Selu { alpha: a(1.673_263_2), gamma: gamma.unwrap_or(1.050_701) },
            "Sigmoid" => Sigmoid,
            "Softplus" => Softplus,
            "Softsign" => Softsign,
            "Tanh" => Tanh,
            "ThresholdedRelu" => ThresholdedRelu { alpha: a(1.0) },
            _ => bail!(Unsupported, "activation '{name}' is not known here"),
        })
    }
}
