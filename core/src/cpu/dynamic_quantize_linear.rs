//! DynamicQuantizeLinear on the CPU.

use super::broadcast::CHUNK;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::dynamic_quantize_linear::DynamicQuantizeLinear;
use crate::quant::{Quantized, u8_params};

impl Kernel for DynamicQuantizeLinear {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?.slice::<f32>()?;
        let (scale, zero) = u8_params(x);
        if io.wants(0) {
            let y = io.output(0)?.into_slice::<u8>()?;
            io.pool().chunks(y, CHUNK, |i, y| {
                y.iter_mut().zip(&x[i * CHUNK..]).for_each(|(y, &x)| *y = u8::quantize(x, scale, zero));
                Ok(())
            })?;
        }
        if io.wants(1) {
            io.output(1)?.into_slice::<f32>()?.fill(scale);
        }
        if io.wants(2) {
            io.output(2)?.into_slice::<u8>()?.fill(zero);
        }
        Ok(())
    }
}
