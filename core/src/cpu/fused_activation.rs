//! Fused activations on the CPU.

use super::activation::{
    elu, fast_gelu, gelu, hard_sigmoid, leaky_relu, sigmoid, softplus, softsign, swish, thresholded_relu,
};
use super::real::Real;
use crate::Float;
use crate::ops::fused_activation::FusedActivation;

impl FusedActivation {
    /// Of a number in the type that it is computed in.
    pub fn apply<T: Float>(&self, x: T) -> T {
        if *self == FusedActivation::None {
            return x;
        }
        x.map(|x| self.formula(x), |x| self.formula(x))
    }

    fn formula<R: Real>(&self, x: R) -> R {
        let of = |x: f32| R::of(x.into());
        match *self {
            FusedActivation::None => x,
            // NaN is neither below nor above.
            FusedActivation::Clip { low, .. } if x < of(low) => of(low),
            FusedActivation::Clip { high, .. } if x > of(high) => of(high),
            FusedActivation::Clip { .. } => x,
            FusedActivation::Elu { alpha } => elu(x, of(alpha)),
            FusedActivation::Gelu { tanh: false } => gelu(x),
            FusedActivation::Gelu { tanh: true } => fast_gelu(x),
            FusedActivation::HardSigmoid { alpha, beta } => hard_sigmoid(x, alpha.into(), beta.into()),
            FusedActivation::HardSwish => x * hard_sigmoid(x, 1.0 / 6.0, 0.5),
            FusedActivation::LeakyRelu { alpha } => leaky_relu(x, alpha),
            FusedActivation::ParametricSoftplus { alpha, beta } => of(alpha) * softplus(of(beta) * x),
            FusedActivation::Relu if x < R::of(0.0) => R::of(0.0),
            FusedActivation::Relu => x,
            FusedActivation::ScaledTanh { alpha, beta } => of(alpha) * (of(beta) * x).tanh(),
            FusedActivation::Selu { alpha, gamma } => of(gamma) * elu(x, of(alpha)),
            FusedActivation::Sigmoid => sigmoid(x),
            FusedActivation::Softplus => softplus(x),
            FusedActivation::Softsign => softsign(x),
            FusedActivation::Swish { alpha } => swish(x, alpha),
            FusedActivation::Tanh => x.tanh(),
            FusedActivation::ThresholdedRelu { alpha } => thresholded_relu(x, alpha),
        }
    }
}
