//! QLinearSigmoid and QLinearLeakyRelu on the CPU: a table of all 256 values, then one look-up each.

use super::activation::{leaky_relu, sigmoid};
use super::qlinear_elementwise::scale_and_zero;
use super::vector::LIGHT;
use super::{Io, Kernel};
use crate::Result;
use crate::for_quantized;
use crate::ops::qlinear_activation::QLinearActivation;
use crate::quant::{Quantized, table};
use edgewise_simd::{Isa, look_up};

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
            look_up(io, bytemuck::cast_ref(&table))
        })
    }
}

/// `y = table[x]` for every byte, from input 0 to output 0.
fn look_up(io: &mut Io<'_>, table: &[u8; 256]) -> Result<()> {
    let (x, cx) = (io.input(0)?.bytes(), io.context());
    let y = io.output(0)?.into_units::<u8>()?;
    cx.pool.chunks(y, LIGHT, |i, y| {
        cx.check()?;
        look_up::look_up(Isa::current(), table, &x[i * LIGHT..][..y.len()], y);
        Ok(())
    })
}
