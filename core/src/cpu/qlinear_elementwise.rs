//! QLinearAdd and QLinearMul on the CPU.
//!
//! A product is exact before it is requantized as any accumulator is. A sum is one of fixed-point numbers,
//! so that it is the same wherever multiply and add may be fused.

use super::broadcast::zip;
use super::{Io, Kernel};
use crate::for_quantized;
use crate::ops::qlinear_elementwise::QLinearElementwise;
use crate::quant::{FixedSum, Quantized, multiplier};
use crate::{Num, Result, Shape};

impl Kernel for QLinearElementwise {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        for_quantized!(io.input(0)?.dtype(), T => {
            let (a_scale, a_zero) = scale_and_zero::<T>(io, 1)?;
            let (b_scale, b_zero) = scale_and_zero::<T>(io, 4)?;
            let (c_scale, c_zero) = scale_and_zero::<T>(io, 6)?;
            let (a_zero, b_zero) = (a_zero.wide(), b_zero.wide());
            match self {
                QLinearElementwise::QLinearAdd => {
                    let sum = FixedSum::new(a_scale / c_scale, b_scale / c_scale);
                    broadcast::<T>(io, |a, b| sum.of(a.wide() - a_zero, b.wide() - b_zero, c_zero))
                }
                QLinearElementwise::QLinearMul => {
                    let m = multiplier(a_scale, b_scale, c_scale);
                    broadcast::<T>(io, |a, b| T::requantize((a.wide() - a_zero) * (b.wide() - b_zero), m, c_zero))
                }
            }
        })
    }
}

/// The scale that is input `i`, and the zero point that follows it or is 0.
pub fn scale_and_zero<T: Quantized>(io: &Io<'_>, i: usize) -> Result<(f32, T)> {
    let zero = match io.optional(i + 1)? {
        Some(zero) => match zero.slice::<T>()? {
            [zero] => *zero,
            _ => bail!(InvalidInput, "a zero point must be one element, got {zero:?}"),
        },
        None => T::zero(),
    };
    Ok((io.input(i)?.scalar_f32()?, zero))
}

fn broadcast<T: Num>(io: &mut Io<'_>, f: impl Fn(T, T) -> T + Sync) -> Result<()> {
    let (a, b, y) = (io.input(0)?, io.input(3)?, io.output(0)?);
    let shape = Shape::from_slice(y.shape());
    let y = (y.into_slice()?, &shape[..]);
    zip(io.context(), y, (a.slice()?, a.shape()), (b.slice()?, b.shape()), |&a, &b| f(a, b))
}
