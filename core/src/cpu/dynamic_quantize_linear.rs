//! DynamicQuantizeLinear on the CPU.

use super::broadcast::CHUNK;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::dynamic_quantize_linear::DynamicQuantizeLinear;
use crate::quant::u8_params;
use edgewise_simd::Isa;
use edgewise_simd::quantize::{Scales, Span, quantize};

impl Kernel for DynamicQuantizeLinear {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?.slice::<f32>()?;
        let (scale, zero) = u8_params(x);
        if io.wants(0) {
            let y = io.output(0)?.into_slice::<u8>()?;
            let scales = Scales { scale: &[scale], zero: &[zero.into()], along: false, signed: false };
            io.pool().chunks(y, CHUNK, |i, y| {
                let len = y.len();
                let x = &x[i * CHUNK..][..len];
                quantize(Isa::current(), scales, x, y, &mut [Span { len, at: 0 }].into_iter());
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
