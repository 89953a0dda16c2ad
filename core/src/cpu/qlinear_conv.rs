//! ConvInteger, QLinearConv and ConvIntegerToFloat on the CPU. Images with the channels last are turned around first.

use super::bytes::{Bytes, PerLine, Rounding, scales, zero_points};
use super::conv::{Convolution, check_bias};
use super::packed_conv_i8::PackedConv;
use super::turn::{channels_second, turn_result, turned};
use super::{Io, Kernel, Lowering, RunContext};
use crate::Result;
use crate::ops::fused_activation::FusedActivation;
use crate::ops::qlinear_conv::{Gives, QLinearConv};
use crate::quant::multiplier;
use bytemuck::Pod;
use edgewise_simd::Isa;
use edgewise_simd::scale_sums::{Scale, scale_sums};

impl Kernel for QLinearConv {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(PackedConv::new(self, cx)?.map(|kernel| Box::new(kernel) as Box<dyn Kernel>))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        let weights = inputs.get(self.gives.places()[0])?;
        super::products_per_output(outputs, weights.iter().skip(1).product())
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let [w_at, x_zero_at, w_zero_at] = self.gives.places();
        let (x, w) = (io.input(0)?, io.input(w_at)?);
        let conv =
            Convolution::new(&self.windows, &channels_second(x.shape(), self.channels_last), w.shape())?;
        let channels = conv.channels();
        let (x_zero, w_zero) = (zero_points(io, x_zero_at, 1, 1)?, zero_points(io, w_zero_at, channels, 1)?);
        let call = Call {
            cx: io.context(),
            conv: &conv,
            channels_last: self.channels_last.then_some(w.shape()[1] * self.windows.groups),
            x: (Bytes::new(x)?, x_zero.at(0)),
            w: (Bytes::new(w)?, &w_zero),
        };
        match self.gives {
            Gives::Sums => {
                call.convolve(io.output(0)?.into_slice::<i32>()?, |_, sums, out| out.copy_from_slice(sums))
            }
            Gives::Floats(activation) => {
                let scaling = Scaling::of(io, channels, activation)?;
                call.convolve(io.output(0)?.into_slice::<f32>()?, |channel, sums, out| {
                    out.iter_mut().zip(sums).for_each(|(y, &sum)| *y = scaling.real(channel, sum));
                })
            }
            Gives::Bytes => call.quantized(io),
        }
    }
}

/// How sums become floats: by the product of both scales, then the bias is added, each rounded by itself.
pub struct Scaling {
    factor: Vec<f32>,
    bias: Option<Vec<f32>>,
    activation: FusedActivation,
}

impl Scaling {
    /// That of a ConvIntegerToFloat that runs.
    pub fn of(io: &Io<'_>, channels: usize, activation: FusedActivation) -> Result<Scaling> {
        let (x, w) = (io.input(2)?.scalar_f32()?, scales(io, 3, channels, 1)?);
        let bias = io.optional(6)?.map(|b| b.to_f32s()).transpose()?;
        check_bias(bias.as_ref().map(Vec::len), channels)?;
        Ok(Scaling { factor: (0..channels).map(|channel| x * w.at(channel)).collect(), bias, activation })
    }

    fn real(&self, channel: usize, sum: i32) -> f32 {
        let x = sum as f32 * self.factor[channel];
        self.activation.apply(self.bias.as_ref().map_or(x, |bias| x + bias[channel]))
    }

    /// Sums that lie where their floats are to be: all channels side by side, or else `pixels` of a channel.
    pub fn in_place(
        &self,
        cx: &RunContext<'_>,
        y: &mut [f32],
        channels_last: bool,
        pixels: usize,
    ) -> Result<()> {
        let channels = self.factor.len().max(1);
        let scale = |y: &mut [f32], factor: &[f32], bias: Option<&[f32]>| {
            cx.check()?;
            let relu = self.activation == FusedActivation::Relu;
            scale_sums(Isa::current(), Scale { factor, bias, relu }, y);
            if !relu && self.activation != FusedActivation::None {
                y.iter_mut().for_each(|y| *y = self.activation.apply(*y));
            }
            Ok(())
        };
        if channels_last {
            let rows = (SHARE / channels).max(1);
            return cx.pool.chunks(y, rows * channels, |_, y| scale(y, &self.factor, self.bias.as_deref()));
        }
        cx.pool.chunks(y, pixels.max(1), |plane, y| {
            let channel = plane % channels;
            let bias = self.bias.as_ref().map(|bias| [bias[channel]; LINE]);
            scale(y, &[self.factor[channel]; LINE], bias.as_ref().map(|bias| &bias[..]))
        })
    }
}

/// Elements that a thread scales at a time.
const SHARE: usize = 1 << 14;
/// Elements of one channel that are scaled as if they were of so many.
const LINE: usize = 64;

/// A convolution that is about to be computed plainly.
pub struct Call<'a> {
    /// Of the run.
    pub cx: &'a RunContext<'a>,
    /// Its sizes.
    pub conv: &'a Convolution,
    /// How many channels the image has, if they are last.
    pub channels_last: Option<usize>,
    /// The image and its zero point.
    pub x: (Bytes<'a>, i32),
    /// The weights and theirs.
    pub w: (Bytes<'a>, &'a PerLine<i32>),
}

impl Call<'_> {
    /// To bytes, by scales, zero points and bias where QLinearConv has them.
    pub fn quantized(&self, io: &mut Io<'_>) -> Result<()> {
        let channels = self.conv.channels();
        let (x_scale, y_scale) = (io.input(1)?.scalar_f32()?, io.input(6)?.scalar_f32()?);
        let (w_scale, y_zero) = (scales(io, 4, channels, 1)?, zero_points(io, 7, 1, 1)?.at(0));
        let bias = io.optional(8)?.map(|b| b.slice::<i32>()).transpose()?;
        check_bias(bias.map(<[i32]>::len), channels)?;
        let y = io.output(0)?;
        let rounding = Rounding::to(y.dtype())?;
        self.convolve(y.into_units::<u8>()?, |channel, sums, out| {
            let bias = bias.map_or(0, |b| b[channel]);
            let factor = multiplier(x_scale, w_scale.at(channel), y_scale);
            for (y, sum) in out.iter_mut().zip(sums) {
                *y = rounding.round(sum.wrapping_add(bias) as f32 * factor, y_zero);
            }
        })
    }

    /// `emit` is told the output channel of the sums.
    fn convolve<Y: Send + Pod>(
        &self,
        y: &mut [Y],
        emit: impl Fn(usize, &[i32], &mut [Y]) + Sync,
    ) -> Result<()> {
        let Some(ins) = self.channels_last else {
            return convolve(self.cx, self.conv, self.x, self.w, y, emit);
        };
        let (cells, pixels) = (self.conv.windows.cells(), self.conv.windows.pixels());
        let (x, x_zero) = self.x;
        let image = turned(x.data, cells, ins)?;
        let x = Bytes { data: &image, ..x };
        turn_result(y, self.conv.channels(), pixels, |y| {
            convolve(self.cx, self.conv, (x, x_zero), self.w, y, emit)
        })
    }
}

/// `emit` is told the output channel of the sums.
fn convolve<Y: Send>(
    cx: &RunContext<'_>,
    conv: &Convolution,
    (x, x_zero): (Bytes<'_>, i32),
    (w, w_zero): (Bytes<'_>, &PerLine<i32>),
    y: &mut [Y],
    emit: impl Fn(usize, &[i32], &mut [Y]) + Sync,
) -> Result<()> {
    let channels = conv.channels();
    conv.run(
        cx,
        (x.data, |byte| x.wide(byte) - x_zero),
        (w.data, |byte, channel| w.wide(byte) - w_zero.at(channel)),
        y,
        |row, _, sums, out| emit(row % channels, sums, out),
    )
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::{lowered_as_plain, run};
    use crate::ops::Attr;
    use crate::{Tensor, Value};

    fn value<T: crate::Element>(shape: &[usize], x: &[T]) -> Option<Value> {
        Some(Tensor::new(shape, x).unwrap().into())
    }

    #[test]
    fn padding_is_the_zero_point() {
        let pads = [("pads", Attr::Ints(vec![1, 1]))];
        let inputs = [value(&[1, 1, 1], &[5u8]), value(&[1, 1, 3], &[1i8, 1, 1]), value(&[], &[3u8])];
        let y = run(("", "ConvInteger", 10), &pads, &inputs, 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i32>().unwrap(), [2]);
    }

    #[test]
    fn channels_may_be_last_and_have_scales_of_their_own() {
        let conv = |last: i64, x: &[usize]| {
            let inputs = [
                value(x, &[1u8, 2, 3, 4]),
                value(&[1], &[1f32]),
                value(&[1], &[0u8]),
                value(&[2, 2, 1], &[1i8, 0, 0, 1]),
                value(&[2], &[1f32, 10.0]),
                value(&[2], &[0i8, 0]),
                value(&[1], &[1f32]),
                value(&[1], &[0u8]),
                value(&[2], &[100i32, i32::MAX]),
            ];
            let attrs = [("channels_last", Attr::Int(last))];
            let y = run(("com.microsoft", "QLinearConv", 1), &attrs, &inputs, 1).unwrap();
            let y = y[0].tensor().unwrap();
            (y.shape().to_vec(), y.slice::<u8>().unwrap().to_vec())
        };
        assert_eq!(conv(0, &[1, 2, 2]), (vec![1, 2, 2], vec![101, 102, 0, 0]));
        assert_eq!(conv(1, &[1, 2, 2]), (vec![1, 2, 2], vec![101, 0, 103, 0]));
    }

    #[test]
    fn floats_are_scaled_sums_however_the_weights_are_known() {
        let bytes = |shape: &[usize], dtype, seed: u32| {
            let byte = |i: u32| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 21) as u8;
            let bytes: Vec<u8> = (0..shape.iter().product::<usize>() as u32).map(byte).collect();
            Some(Value::from(Tensor::from_bytes(dtype, shape, &bytes).unwrap()))
        };
        for (x, w, group) in [
            ([2, 9, 8, 3], [20, 3, 3, 3], 1),
            ([1, 5, 6, 8], [12, 4, 1, 1], 2),
            ([1, 7, 6, 18], [18, 1, 3, 3], 18),
            ([0, 7, 6, 3], [4, 3, 3, 3], 1),
        ] {
            for (last, activation) in [(1, "Relu"), (0, "")] {
                let mut shape = x;
                if last == 0 {
                    shape = [x[0], x[3], x[1], x[2]];
                }
                let scales: Vec<f32> = (0..w[0]).map(|i| 0.01 + 0.003 * i as f32).collect();
                let inputs = [
                    bytes(&shape, crate::DType::U8, 3),
                    bytes(&w, crate::DType::I8, 5),
                    value(&[], &[0.37f32]),
                    value(&[w[0]], &scales),
                    value(&[], &[130u8]),
                    value(&[1], &[-3i8]),
                    value(&[w[0]], &scales.iter().map(|s| 3.0 - 40.0 * s).collect::<Vec<_>>()),
                ];
                let attrs = [
                    ("channels_last", Attr::Int(last)),
                    ("group", Attr::Int(group)),
                    ("pads", Attr::Ints(vec![1, 0, 0, 1])),
                    ("activation", Attr::Str(activation.into())),
                ];
                let attrs = &attrs[..if activation.is_empty() { 3 } else { 4 }];
                let op = ("edgewise", "ConvIntegerToFloat", 1);
                lowered_as_plain(op, attrs, &inputs, &[1, 5]).unwrap();
                lowered_as_plain(op, attrs, &inputs, &[1, 2, 3, 4, 5, 6]).unwrap();
            }
        }
    }

    #[test]
    fn a_bias_or_scales_for_other_channels_are_refused() {
        for (scales, bias) in [(3, 2), (2, 3), (0, 2)] {
            let inputs = [
                value(&[1, 1, 2], &[5u8, 6]),
                value(&[2, 1, 1], &[1i8, 2]),
                value(&[], &[0.5f32]),
                value(&[scales], &vec![1f32; scales]),
                None,
                None,
                value(&[bias], &vec![1f32; bias]),
            ];
            assert!(lowered_as_plain(("edgewise", "ConvIntegerToFloat", 1), &[], &inputs, &[1]).is_err());
        }
    }
}
