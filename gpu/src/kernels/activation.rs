//! Activations of floats, and their numbers, by which fused ones are called too.

use super::Kernel;
use super::shared::{Map, input_type, is_float, kind};
use crate::Gpu;
use crate::shader::{Shader, Variant, shader};
use edgewise_core::Result;
use edgewise_core::device::Lowered;
use edgewise_core::ops::activation::Activation;
use edgewise_core::ops::fused_activation::FusedActivation;

pub static SHADER: Shader = shader!("activation", 1, 1);

/// An activation as `common/activate.wgsl` knows it: its number, and its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Function {
    pub number: u32,
    pub parameters: [f32; 4],
}

impl Function {
    /// The one that changes nothing.
    pub const NONE: Function = Function { number: 0, parameters: [0.0; 4] };

    /// The hyperbolic tangent.
    pub const TANH: Function = Function { number: 20, parameters: [0.0; 4] };

    /// The same, scaled before and after.
    pub fn scaled_tanh(alpha: f32, beta: f32) -> Function {
        Function::new(19, &[alpha, beta])
    }

    /// A straight line.
    pub fn affine(alpha: f32, beta: f32) -> Function {
        Function::new(21, &[alpha, beta])
    }

    fn new(number: u32, parameters: &[f32]) -> Function {
        let mut all = [0.0; 4];
        all.iter_mut().zip(parameters).for_each(|(to, from)| *to = *from);
        Function { number, parameters: all }
    }

    /// Of an operator.
    pub fn of(activation: &Activation) -> Function {
        match *activation {
            Activation::Celu { alpha } => Function::new(1, &[alpha]),
            Activation::Elu { alpha } => Function::new(2, &[alpha]),
            Activation::Selu { alpha, gamma } => Function::new(3, &[alpha, gamma]),
            Activation::Gelu { tanh: false } => Function::new(4, &[]),
            Activation::Gelu { tanh: true } => Function::new(5, &[]),
            Activation::HardSigmoid { alpha, beta } => Function::new(6, &[alpha, beta]),
            Activation::HardSwish => Function::new(7, &[]),
            Activation::LeakyRelu { alpha } => Function::new(8, &[alpha]),
            Activation::Mish => Function::new(9, &[]),
            Activation::Relu => Function::new(10, &[]),
            Activation::Shrink { bias, lambd } => Function::new(11, &[bias, lambd]),
            Activation::Sigmoid => Function::new(12, &[]),
            Activation::Softplus => Function::new(13, &[]),
            Activation::Softsign => Function::new(14, &[]),
            Activation::ThresholdedRelu { alpha } => Function::new(15, &[alpha]),
            Activation::Swish { alpha } => Function::new(16, &[alpha]),
        }
    }

    /// Of what is fused into a product or a convolution.
    pub fn fused(activation: &FusedActivation) -> Function {
        match *activation {
            FusedActivation::None => Function::NONE,
            FusedActivation::Clip { low, high } => Function::clip(low, high),
            FusedActivation::Elu { alpha } => Function::of(&Activation::Elu { alpha }),
            FusedActivation::Gelu { tanh } => Function::of(&Activation::Gelu { tanh }),
            FusedActivation::HardSigmoid { alpha, beta } => {
                Function::of(&Activation::HardSigmoid { alpha, beta })
            }
            FusedActivation::HardSwish => Function::of(&Activation::HardSwish),
            FusedActivation::LeakyRelu { alpha } => Function::of(&Activation::LeakyRelu { alpha }),
            FusedActivation::ParametricSoftplus { alpha, beta } => Function::new(18, &[alpha, beta]),
            FusedActivation::Relu => Function::of(&Activation::Relu),
            FusedActivation::ScaledTanh { alpha, beta } => Function::scaled_tanh(alpha, beta),
            FusedActivation::Selu { alpha, gamma } => Function::of(&Activation::Selu { alpha, gamma }),
            FusedActivation::Sigmoid => Function::of(&Activation::Sigmoid),
            FusedActivation::Softplus => Function::of(&Activation::Softplus),
            FusedActivation::Softsign => Function::of(&Activation::Softsign),
            FusedActivation::Swish { alpha } => Function::of(&Activation::Swish { alpha }),
            FusedActivation::Tanh => Function::TANH,
            FusedActivation::ThresholdedRelu { alpha } => {
                Function::of(&Activation::ThresholdedRelu { alpha })
            }
        }
    }

    /// Limits.
    pub fn clip(low: f32, high: f32) -> Function {
        Function::new(17, &[low, high])
    }

    /// The function of every element of a tensor of floats.
    pub fn map(self, gpu: &Gpu, node: &Lowered<'_>, on_host: &'static [usize]) -> Kernel {
        let dtype = input_type(node, 0).filter(|&dtype| is_float(dtype))?;
        let constants = [("KIND", kind(dtype)), ("FUNCTION", self.number)];
        let pipeline = gpu.pipeline(Variant::new(&SHADER, &constants));
        // The parameters lie behind a vector of which the number of words is the first.
        let mut parameters = vec![0; 3];
        parameters.extend(self.parameters.map(f32::to_bits));
        Some(Box::new(Map { pipeline, parameters, dtype, on_host }))
    }
}

pub fn lower(gpu: &Gpu, op: &Activation, node: &Lowered<'_>) -> Result<Kernel> {
    Ok(Function::of(op).map(gpu, node, &[]))
}
