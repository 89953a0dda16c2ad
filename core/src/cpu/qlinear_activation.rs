//! QLinearSigmoid and QLinearLeakyRelu on the CPU: a table of all 256 values, then one look-up each.

use super::activation::{leaky_relu, sigmoid};
use super::map::map;
use super::qlinear_elementwise::scale_and_zero;
use super::{Io, Kernel};
use crate::Result;
use crate::for_quantized;
use crate::ops::qlinear_activation::QLinearActivation;
use crate::quant::{Quantized, look_up, table};

impl Kernel for QLinearActivation {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        for_quantized!(io.input(0)?.dtype(), T => {
            let (x_scale, x_zero) = scale_and_zero::<T>(io, 1)?;
            let (y_scale, y_zero) = scale_and_zero::<T>(io, 3)?;
            let table = table(|x: T| {
                let x = x.dequantize(x_scale, x_zero);
                let y = match *self {
                    QLinearActivation::Sigmoid => sigmoid(x),
                    QLinearActivation::LeakyRelu { alpha } => leaky_relu(x, alpha),
                };
                T::quantize(y, y_scale, y_zero)
            });
            map::<T, T>(io, |x| look_up(&table, x))
        })
    }
}
