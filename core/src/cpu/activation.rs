//! Activations on the CPU.
//!
//! NaN stays NaN everywhere but in Shrink and ThresholdedRelu, whose comparisons it fails. Softplus and what
//! is made of it never overflow.

use super::map::{IN_PLACE, map_same, output_dtype};
use super::real::Real;
use super::{Io, Kernel, vector};
use crate::ops::activation::Activation;
use crate::{Num, Result};
use edgewise_simd::elementwise::Unary;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

impl Kernel for Activation {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        if let (true, Some(function)) = (vector::is_f32(io)?, self.vector()) {
            return vector::unary(io, function);
        }
        match *self {
            Activation::Relu => for_num!(output_dtype(io)?, T => {
                map_same::<T>(io, |x| if x < T::zero() { T::zero() } else { x })
            }),
            Activation::Shrink { bias, lambd } => for_num!(output_dtype(io)?, T => {
                map_same::<T>(io, |x| T::from_f64(shrink(x.to_f64(), f64::from(bias), f64::from(lambd))))
            }),
            _ => formula!(io, x => self.formula(x)),
        }
    }

    fn in_place(&self) -> &'static [(usize, usize)] {
        IN_PLACE
    }
}

impl Activation {
    /// The function of f32 that works on vectors, where there is one.
    pub(super) fn vector(&self) -> Option<Unary> {
        Some(match *self {
            Activation::Gelu { tanh: false } => Unary::Gelu,
            Activation::Gelu { tanh: true } => Unary::GeluTanh,
            Activation::HardSigmoid { alpha, beta } => Unary::HardSigmoid { alpha, beta },
            Activation::HardSwish => Unary::HardSwish,
            Activation::LeakyRelu { alpha } => Unary::LeakyRelu { alpha },
            Activation::Relu => Unary::Relu,
            Activation::Sigmoid => Unary::Sigmoid,
            Activation::Swish { alpha } => Unary::Swish { alpha },
            _ => return None,
        })
    }

    /// Of a float.
    pub(super) fn formula<R: Real>(&self, x: R) -> R {
        match *self {
            Activation::Celu { alpha } => celu(x, alpha),
            Activation::Elu { alpha } => elu(x, R::of(alpha.into())),
            Activation::Gelu { tanh: false } => gelu(x),
            Activation::Gelu { tanh: true } => fast_gelu(x),
            Activation::HardSigmoid { alpha, beta } => hard_sigmoid(x, alpha.into(), beta.into()),
            Activation::HardSwish => x * hard_sigmoid(x, 1.0 / 6.0, 0.5),
            Activation::LeakyRelu { alpha } => leaky_relu(x, alpha),
            Activation::Mish => x * softplus(x).tanh(),
            Activation::Relu if x < R::of(0.0) => R::of(0.0),
            Activation::Relu => x,
            Activation::Selu { alpha, gamma } => selu(x, alpha, gamma),
            Activation::Shrink { bias, lambd } => shrink(x, R::of(bias.into()), R::of(lambd.into())),
            Activation::Sigmoid => sigmoid(x),
            Activation::Softplus => softplus(x),
            Activation::Softsign => softsign(x),
            Activation::Swish { alpha } => swish(x, alpha),
            Activation::ThresholdedRelu { alpha } => thresholded_relu(x, alpha),
        }
    }
}

/// 1 / (1 + e^-x)
pub fn sigmoid<R: Real>(x: R) -> R {
    R::of(1.0) / (R::of(1.0) + (-x).exp())
}

/// x · sigmoid(alpha · x)
pub fn swish<R: Real>(x: R, alpha: f32) -> R {
    x * sigmoid(R::of(alpha.into()) * x)
}

/// x · Φ(x), exact.
pub fn gelu<R: Real>(x: R) -> R {
    R::of(0.5) * x * (R::of(1.0) + (x * R::of(FRAC_1_SQRT_2)).erf())
}

/// The approximation of [`gelu`] by a hyperbolic tangent.
pub fn fast_gelu<R: Real>(x: R) -> R {
    let scale = R::of(FRAC_2_SQRT_PI * FRAC_1_SQRT_2);
    let inner = scale * (x + R::of(0.044715) * x * x * x);
    R::of(0.5) * x * (R::of(1.0) + inner.tanh())
}

/// ln(1 + e^x)
pub fn softplus<R: Real>(x: R) -> R {
    let tail = (-x.abs()).exp().ln_1p();
    if x > R::of(0.0) { x + tail } else { tail }
}

/// alpha · x + beta, cut off at 0 and 1.
pub fn hard_sigmoid<R: Real>(x: R, alpha: f64, beta: f64) -> R {
    match R::of(alpha) * x + R::of(beta) {
        y if y < R::of(0.0) => R::of(0.0),
        y if y > R::of(1.0) => R::of(1.0),
        y => y,
    }
}

/// x, or alpha · (e^x - 1) below 0.
pub fn elu<R: Real>(x: R, alpha: R) -> R {
    if x < R::of(0.0) { alpha * x.exp_m1() } else { x }
}

/// x, or alpha · x below 0.
pub fn leaky_relu<R: Real>(x: R, alpha: f32) -> R {
    if x < R::of(0.0) { R::of(alpha.into()) * x } else { x }
}

/// x / (1 + |x|)
pub fn softsign<R: Real>(x: R) -> R {
    x / (R::of(1.0) + x.abs())
}

/// x above alpha, else 0.
pub fn thresholded_relu<R: Real>(x: R, alpha: f32) -> R {
    if x > R::of(alpha.into()) { x } else { R::of(0.0) }
}

fn celu<R: Real>(x: R, alpha: f32) -> R {
    let alpha = R::of(alpha.into());
    if x < R::of(0.0) { alpha * (x / alpha).exp_m1() } else { x }
}

fn selu<R: Real>(x: R, alpha: f32, gamma: f32) -> R {
    R::of(gamma.into()) * elu(x, R::of(alpha.into()))
}

fn shrink<R: Real>(x: R, bias: R, lambd: R) -> R {
    if x < -lambd {
        x + bias
    } else if x > lambd {
        x - bias
    } else {
        R::of(0.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{map_f32s, run};
    use crate::ops::Attr;
    use crate::{DType, Tensor};
    use half::f16;

    #[test]
    fn nothing_overflows_and_nan_stays() {
        let x = [-200.0, 0.0, 200.0, f32::NAN];
        for (op, version) in
            [("Softplus", 1), ("Mish", 18), ("Sigmoid", 13), ("Gelu", 20), ("Elu", 6), ("HardSwish", 14)]
        {
            let y = map_f32s(("", op, version), &[], &[4], &x);
            assert!(y[..3].iter().all(|y| y.is_finite()) && y[3].is_nan(), "{op}: {y:?}");
        }
        assert_eq!(map_f32s(("", "Softplus", 1), &[], &[2], &[1000.0, -1000.0]), [1000.0, 0.0]);
    }

    #[test]
    fn relu_takes_integers_and_half_floats() {
        let x = Tensor::new(&[3], &[i8::MIN, 0, 5]).unwrap();
        let y = run(("", "Relu", 14), &[], &[Some(x.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i8>().unwrap(), [0, 0, 5]);
        let x = Tensor::new(&[2], &[f16::NEG_INFINITY, f16::ONE]).unwrap();
        let y = run(("", "Relu", 14), &[], &[Some(x.into())], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f16>().unwrap(), [f16::ZERO, f16::ONE]);
    }

    #[test]
    fn attributes_of_another_activation_are_refused() {
        let x = Tensor::zeros(DType::F32, &[1]).unwrap();
        assert!(run(("", "Relu", 14), &[("alpha", Attr::Float(1.0))], &[Some(x.into())], 1).is_err());
    }
}
