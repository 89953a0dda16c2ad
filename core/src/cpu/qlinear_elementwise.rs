//! QLinearAdd and QLinearMul on the CPU.
//!
//! A product is exact before it is requantized as any accumulator is. A sum is two fused steps; where the scales
//! are too far apart for vectors to be exact, it is computed one by one.

use super::broadcast::{Broadcast, CHUNK, pair, zip};
use super::{Io, Kernel};
use crate::for_quantized;
use crate::ops::qlinear_elementwise::QLinearElementwise;
use crate::quant::{Quantized, Sum, multiplier};
use crate::{DType, Result, Shape};
use edgewise_simd::Isa;
use edgewise_simd::elementwise::Run;
use edgewise_simd::qlinear::{Rule, Side, qlinear};

impl Kernel for QLinearElementwise {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let signed = io.input(0)?.dtype() == DType::I8;
        for_quantized!(io.input(0)?.dtype(), T => {
            let (a_scale, a_zero) = scale_and_zero::<T>(io, 1)?;
            let (b_scale, b_zero) = scale_and_zero::<T>(io, 4)?;
            let (c_scale, c_zero) = scale_and_zero::<T>(io, 6)?;
            match self {
                QLinearElementwise::QLinearAdd => {
                    let sum = Sum::new((a_scale, a_zero), (b_scale, b_zero), (c_scale, c_zero));
                    match sum.rule() {
                        Some(rule) => combine(io, rule, [0; 3], signed),
                        None => add(io, |a: T, b| sum.of(a, sum.addend(b))),
                    }
                }
                QLinearElementwise::QLinearMul => {
                    let rule = Rule::Product { multiplier: multiplier(a_scale, b_scale, c_scale) };
                    combine(io, rule, [a_zero, b_zero, c_zero].map(T::wide), signed)
                }
            }
        })
    }
}

fn combine(io: &mut Io<'_>, rule: Rule, [a_zero, b_zero, zero]: [i32; 3], signed: bool) -> Result<()> {
    let (a, b, y) = (io.input(0)?, io.input(3)?, io.output(0)?);
    ensure!(
        a.dtype() == b.dtype() && a.dtype() == y.dtype(),
        InvalidModel,
        "{} and {} do not become {}",
        a.dtype(),
        b.dtype(),
        y.dtype()
    );
    let walk = Broadcast::new(y.shape(), [a.shape(), b.shape()])?;
    let a = Side { bytes: a.bytes(), zero: a_zero, along: walk.step(0) == 1 };
    let b = Side { bytes: b.bytes(), zero: b_zero, along: walk.step(1) == 1 };
    let cx = io.context();
    cx.pool.chunks(y.into_units::<u8>()?, CHUNK, |i, y| {
        cx.check()?;
        let start = i * CHUNK;
        let runs = walk.runs(start..start + y.len());
        let mut runs = runs.map(|run| Run { len: run.out.len(), a: run.at[0], b: run.at[1] });
        qlinear(Isa::current(), rule, (a, b), (y, zero, signed), &mut runs);
        Ok(())
    })
}

fn add<T: Quantized>(io: &mut Io<'_>, sum: impl Fn(T, T) -> T + Sync) -> Result<()> {
    let (a, b, y) = (io.input(0)?, io.input(3)?, io.output(0)?);
    let shape = Shape::from_slice(y.shape());
    let y = (y.into_slice()?, &shape[..]);
    zip(io.context(), y, (a.slice()?, a.shape()), (b.slice()?, b.shape()), &pair(|&a, &b| sum(a, b)))
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

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::quant::{Quantized, Sum, multiplier};

    /// Every pair of bytes, broadcast against each other, against the rule of [`crate::quant`].
    #[test]
    fn sums_and_products_are_those_of_the_rule() {
        let column: Vec<i8> = (i8::MIN..=i8::MAX).collect();
        for [a_scale, b_scale, c_scale] in [[0.02f32, 0.03, 0.04], [1.0, 1.0, 2.0], [1e-9, 4.0, 1e-3]] {
            let (a_zero, b_zero, c_zero) = (3i8, -128i8, 17i8);
            let inputs = [
                Tensor::new(&[256, 1], &column),
                Tensor::new(&[], &[a_scale]),
                Tensor::new(&[], &[a_zero]),
                Tensor::new(&[256], &column),
                Tensor::new(&[], &[b_scale]),
                Tensor::new(&[], &[b_zero]),
                Tensor::new(&[], &[c_scale]),
                Tensor::new(&[], &[c_zero]),
            ];
            let inputs = inputs.map(|input| Some(input.unwrap().into()));
            let sum = Sum::new((a_scale, a_zero), (b_scale, b_zero), (c_scale, c_zero));
            let m = multiplier(a_scale, b_scale, c_scale);
            for (op, is_sum) in [("QLinearAdd", true), ("QLinearMul", false)] {
                let y = run(("com.microsoft", op, 1), &[], &inputs, 1).unwrap();
                for (i, &y) in y[0].tensor().unwrap().slice::<i8>().unwrap().iter().enumerate() {
                    let (a, b) = (column[i / 256], column[i % 256]);
                    let expected: i8 = if is_sum {
                        sum.of(a, sum.addend(b))
                    } else {
                        i8::requantize((a.wide() - 3) * (b.wide() + 128), m, c_zero)
                    };
                    assert_eq!(y, expected, "{op} of {a} and {b}");
                }
            }
        }
    }
}
