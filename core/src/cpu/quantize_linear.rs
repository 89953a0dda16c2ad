//! QuantizeLinear on the CPU: IEEE division, round half to even, add the zero point, saturate.

use super::broadcast::{Broadcast, CHUNK, pair, triple, zip, zip3};
use super::{Io, Kernel, RunContext};
use crate::ops::granularity::Layout;
use crate::ops::quantize_linear::QuantizeLinear;
use crate::quant::{Quantized, round_to};
use crate::{DType, E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, Float, Result, View, minifloat};
use edgewise_simd::Isa;
use edgewise_simd::quantize::{Scales, Span, quantize};
use half::{bf16, f16};
use std::borrow::Cow;

impl Kernel for QuantizeLinear {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, scale, zero) = (io.input(0)?, io.input(1)?, io.optional(2)?);
        let layout = self.granularity.layout(x.shape(), scale.shape())?;
        let mut steps = Steps {
            x: real(x)?,
            scale: layout.spread(real(scale)?.into_owned()),
            zero: layout.spread(zeros(zero, scale.len())?),
            layout: &layout,
            cx: io.context(),
        };
        match self.precision.unwrap_or(scale.dtype()) {
            DType::F16 => steps.divide_in::<f16>()?,
            DType::BF16 => steps.divide_in::<bf16>()?,
            _ => {}
        }
        let (y, saturate) = (io.output(0)?, self.saturate);
        match y.dtype() {
            DType::U8 => steps.bytes(y.into_units()?, false),
            DType::I8 => steps.bytes(y.into_units()?, true),
            DType::U16 => steps.integers::<u16>(y.into_slice()?),
            DType::I16 => steps.integers::<i16>(y.into_slice()?),
            DType::F8E4M3FN => steps.write(y.into_slice()?, |x, _| E4M3Fn::from_f32(x, saturate)),
            DType::F8E4M3FNUZ => steps.write(y.into_slice()?, |x, _| E4M3FnUz::from_f32(x, saturate)),
            DType::F8E5M2 => steps.write(y.into_slice()?, |x, _| E5M2::from_f32(x, saturate)),
            DType::F8E5M2FNUZ => steps.write(y.into_slice()?, |x, _| E5M2FnUz::from_f32(x, saturate)),
            dtype => {
                let mut codes = vec![0i16; y.len()];
                match dtype.integer_range() {
                    Some((low, high)) if dtype.is_packed() => {
                        steps.write(&mut codes, |x, z| round_to(x, z, low as i32, high as i32) as i16)?;
                    }
                    _ if dtype == DType::F4E2M1 => {
                        steps.write(&mut codes, |x, z| minifloat::f4e2m1_from_f32(x + z as f32).into())?;
                    }
                    _ => bail!(Unsupported, "{dtype} is no type that QuantizeLinear writes"),
                }
                y.pack(&codes)
            }
        }
    }
}

/// How elements and their scales move. Only the scales may stand still: where elements seem to, there is but
/// one.
pub fn spans(layout: &Layout) -> Result<Broadcast<2>> {
    Broadcast::new(&layout.shape, [&layout.shape, &layout.scales])
}

/// Elements as f32; borrowed where they are that.
pub fn real(x: View<'_>) -> Result<Cow<'_, [f32]>> {
    match x.dtype() {
        DType::F32 => x.slice().map(Cow::Borrowed),
        _ => x.to_f32s().map(Cow::Owned),
    }
}

/// Zero points as integers: zeros where they are left out. Those of float types must be zero.
pub fn zeros(zero: Option<View<'_>>, count: usize) -> Result<Vec<i32>> {
    let Some(zero) = zero else { return Ok(vec![0; count]) };
    ensure!(zero.len() == count, InvalidModel, "{} zero points for {count} scales", zero.len());
    if zero.dtype().is_float() {
        ensure!(zero.to_f32s()?.iter().all(|&z| z == 0.0), InvalidModel, "a float's zero point must be zero");
        return Ok(vec![0; count]);
    }
    Ok(zero.to_i64s()?.into_iter().map(|z| z as i32).collect())
}

/// What is to be divided, by what, and what is added.
struct Steps<'a> {
    x: Cow<'a, [f32]>,
    scale: Vec<f32>,
    zero: Vec<i32>,
    layout: &'a Layout,
    cx: &'a RunContext<'a>,
}

impl Steps<'_> {
    /// Divides in a small type at once, so that what is left to divide by is 1.
    fn divide_in<P: Float<Wide = f32>>(&mut self) -> Result<()> {
        let (shape, scales) = (&self.layout.shape, &self.layout.scales);
        let mut quotients = vec![0f32; self.x.len()];
        let quotient = pair(|&x, &s| P::narrow(x).div(P::narrow(s)).widen());
        zip(self.cx, (&mut quotients, shape), (&self.x, shape), (&self.scale, scales), &quotient)?;
        self.x = Cow::Owned(quotients);
        self.scale.fill(1.0);
        Ok(())
    }

    fn write<Y: Send>(&self, y: &mut [Y], f: impl Fn(f32, i32) -> Y + Sync) -> Result<()> {
        let (shape, scales) = (&self.layout.shape, &self.layout.scales);
        let (s, z) = ((&self.scale[..], &scales[..]), (&self.zero[..], &scales[..]));
        zip3(self.cx, (y, shape), (&self.x, shape), s, z, &triple(|&x, &s, &z| f(x / s, z)))
    }

    /// To bytes of either sign, in vectors.
    fn bytes(&self, y: &mut [u8], signed: bool) -> Result<()> {
        let (shape, walk) = (&self.layout.shape[..], spans(self.layout)?);
        ensure!(y.len() == self.x.len(), Internal, "{shape:?} does not fill {} bytes", y.len());
        let scales = Scales { scale: &self.scale, zero: &self.zero, along: walk.step(1) == 1, signed };
        self.cx.pool.chunks(y, CHUNK, |i, y| {
            self.cx.check()?;
            let (start, end) = (i * CHUNK, i * CHUNK + y.len());
            let runs = walk.runs(start..end);
            let mut runs = runs.map(|run| Span { len: run.out.len(), at: run.at[1] });
            quantize(Isa::current(), scales, &self.x[start..end], y, &mut runs);
            Ok(())
        })
    }

    fn integers<Y: Quantized>(&self, y: &mut [Y]) -> Result<()> {
        self.write(y, |x, z| Y::rounded(x, Y::of_wide(z)))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Result, Tensor};
    use half::f16;

    fn quantize(attrs: &[(&str, Attr)], x: Tensor, scale: Tensor, zero: Option<Tensor>) -> Result<Tensor> {
        let inputs = [Some(x.into()), Some(scale.into()), zero.map(Into::into)];
        Ok(run(("", "QuantizeLinear", 25), attrs, &inputs, 1)?[0].tensor()?.clone())
    }

    fn f32s(shape: &[usize], x: &[f32]) -> Tensor {
        Tensor::new(shape, x).unwrap()
    }

    #[test]
    fn halves_go_to_even_and_limits_saturate() {
        let x = f32s(&[6], &[0.5, 1.5, -1e30, 1e30, f32::NAN, f32::INFINITY]);
        let y = quantize(&[], x.clone(), f32s(&[], &[1.0]), Some(Tensor::scalar(-1i8))).unwrap();
        assert_eq!(y.slice::<i8>().unwrap(), [-1, 1, -128, 127, -1, 127]);
        let y =
            quantize(&[("output_dtype", Attr::Int(DType::I2 as i64))], x, f32s(&[1], &[1.0]), None).unwrap();
        assert_eq!(y.view().unpacked().unwrap(), [0, 1, -2, 1, 0, 1]);
    }

    #[test]
    fn scales_lie_along_an_axis_or_in_blocks_the_last_of_which_may_be_short() {
        let x = || f32s(&[2, 3], &[2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
        let y = quantize(&[("axis", Attr::Int(0))], x(), f32s(&[2], &[1.0, 2.0]), None).unwrap();
        assert_eq!(y.slice::<u8>().unwrap(), [2, 4, 6, 4, 5, 6]);
        let blocked = [("axis", Attr::Int(-1)), ("block_size", Attr::Int(2))];
        let y = quantize(&blocked, x(), f32s(&[2, 2], &[1.0, 2.0, 1.0, 4.0]), None).unwrap();
        assert_eq!(y.slice::<u8>().unwrap(), [2, 4, 3, 8, 10, 3]);
        let blocked = [("axis", Attr::Int(0)), ("block_size", Attr::Int(2))];
        let y = quantize(&blocked, x(), f32s(&[1, 3], &[1.0, 2.0, 4.0]), None).unwrap();
        assert_eq!(y.slice::<u8>().unwrap(), [2, 2, 2, 8, 5, 3]);
        for scales in [&[3, 1][..], &[2], &[2, 3, 1]] {
            let count = scales.iter().product();
            assert!(quantize(&blocked, x(), f32s(scales, &vec![1.0; count]), None).is_err());
        }
    }

    #[test]
    fn half_floats_divide_in_their_type_unless_told_otherwise() {
        // 0.3 / 0.2 is 1.5 in f16 and a little less in f32.
        let h = |x: f32| Tensor::scalar(f16::from_f32(x));
        let exact = quantize(&[("precision", Attr::Int(1))], h(0.3), h(0.2), None).unwrap();
        let rounded = quantize(&[], h(0.3), h(0.2), None).unwrap();
        let quotient = f16::from_f32(0.3).to_f32() / f16::from_f32(0.2).to_f32();
        assert_eq!(exact.slice::<u8>().unwrap(), [quotient.round_ties_even() as u8]);
        assert_eq!(
            rounded.slice::<u8>().unwrap(),
            [f16::from_f32(quotient).to_f32().round_ties_even() as u8]
        );
    }
}
