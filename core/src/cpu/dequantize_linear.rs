//! DequantizeLinear on the CPU: exact difference, one rounding in the product, one more to a small float.

use super::broadcast::{CHUNK, triple, zip3};
use super::quantize_linear::{real, spans, zeros};
use super::{Io, Kernel};
use crate::ops::dequantize_linear::DequantizeLinear;
use crate::{DType, Float, Result};
use edgewise_simd::Isa;
use edgewise_simd::quantize::{Scales, Span, dequantize};

impl Kernel for DequantizeLinear {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let y = io.output(0)?;
        if y.dtype() == DType::F32 {
            return self.to_f32s(io, y.into_slice()?);
        }
        let mut wide = vec![0f32; y.len()];
        self.to_f32s(io, &mut wide)?;
        for_float!(y.dtype(), T => {
            y.into_slice::<T>()?.iter_mut().zip(&wide).for_each(|(y, &x)| *y = Float::from_f32(x));
            Ok(())
        })
    }
}

impl DequantizeLinear {
    fn to_f32s(&self, io: &Io<'_>, y: &mut [f32]) -> Result<()> {
        let (x, scale) = (io.input(0)?, io.input(1)?);
        let layout = self.granularity.layout(x.shape(), scale.shape())?;
        let zero = layout.spread(zeros(io.optional(2)?, scale.len())?);
        let scale = layout.spread(real(scale)?.into_owned());
        if let DType::U8 | DType::I8 = x.dtype() {
            let walk = spans(&layout)?;
            let signed = x.dtype() == DType::I8;
            let scales = Scales { scale: &scale, zero: &zero, along: walk.step(1) == 1, signed };
            let (x, cx) = (x.bytes(), io.context());
            return cx.pool.chunks(y, CHUNK, |i, y| {
                cx.check()?;
                let (start, end) = (i * CHUNK, i * CHUNK + y.len());
                let runs = walk.runs(start..end);
                let mut runs = runs.map(|run| Span { len: run.out.len(), at: run.at[1] });
                dequantize(Isa::current(), scales, &x[start..end], y, &mut runs);
                Ok(())
            });
        }
        let (y, shape) = ((y, &layout.shape[..]), &layout.shape[..]);
        let (s, z) = ((&scale[..], &layout.scales[..]), (&zero[..], &layout.scales[..]));
        macro_rules! from {
            ($x:expr, $difference:expr) => {
                zip3(io.context(), y, ($x, shape), s, z, &triple(|&x, &s, &z| $difference(x, z) * s))
            };
        }
        match x.dtype() {
            DType::U16 => from!(x.slice::<u16>()?, |x: u16, z| (x as i32 - z) as f32),
            DType::I16 => from!(x.slice::<i16>()?, |x: i16, z| (x as i32 - z) as f32),
            DType::I32 => from!(x.slice::<i32>()?, |x: i32, z: i32| (x as i64 - z as i64) as f32),
            d if d.is_packed() && d.is_integer() => {
                from!(&x.unpacked()?[..], |x: i16, z| (x as i32 - z) as f32)
            }
            d if d.is_float() && d.bits() < 16 => from!(&x.to_f32s()?[..], |x: f32, _| x),
            d => Err(err!(Unsupported, "{d} is no type that DequantizeLinear reads")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{DType, Tensor};
    use half::f16;

    #[test]
    fn differences_are_exact_and_half_floats_round_once() {
        let run = |x: Tensor, scale: Tensor, zero: Tensor| {
            run(
                ("", "DequantizeLinear", 21),
                &[],
                &[Some(x.into()), Some(scale.into()), Some(zero.into())],
                1,
            )
        };
        let y = run(Tensor::scalar(i32::MAX), Tensor::scalar(1f32), Tensor::scalar(i32::MIN)).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [4294967296.0]);
        let y = run(Tensor::scalar(3u8), Tensor::scalar(f16::from_f32(0.1)), Tensor::scalar(0u8)).unwrap();
        let expected = f16::from_f32(3.0 * f16::from_f32(0.1).to_f32());
        assert_eq!(y[0].tensor().unwrap().slice::<f16>().unwrap(), [expected]);
        let zero = Tensor::zeros(DType::I4, &[]).unwrap();
        assert!(run(Tensor::scalar(3u8), Tensor::scalar(1f32), zero).is_err());
    }
}
