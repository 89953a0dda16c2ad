//! ConvInteger and QLinearConv on the CPU. Images with the channels last are turned around first.

use super::bytes::{Bytes, PerLine, Rounding, scales, zero_points};
use super::conv::{Convolution, check_bias};
use super::packed_conv_i8::PackedConv;
use super::turn::turn;
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::qlinear_conv::QLinearConv;
use crate::quant::multiplier;
use crate::{Buffer, Result, Shape};

impl Kernel for QLinearConv {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(PackedConv::new(self, cx)?.map(|kernel| Box::new(kernel) as Box<dyn Kernel>))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(
            outputs,
            inputs.get(if inputs.len() > 4 { 3 } else { 1 })?.iter().skip(1).product(),
        )
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        if self.raw { self.sums(io) } else { self.requantized(io) }
    }
}

impl QLinearConv {
    fn sums(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let conv = Convolution::new(&self.windows, x.shape(), w.shape())?;
        let (x_zero, w_zero) = (zero_points(io, 2, 1, 1)?, zero_points(io, 3, conv.channels(), 1)?);
        let (x, w, y) = ((Bytes::new(x)?, x_zero.at(0)), (Bytes::new(w)?, &w_zero), y.into_slice::<i32>()?);
        convolve(io.context(), &conv, x, w, y, |_, sums, out| out.copy_from_slice(sums))
    }

    fn requantized(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w, y) = (io.input(0)?, io.input(3)?, io.output(0)?);
        let mut shape = Shape::from_slice(x.shape());
        if self.channels_last {
            shape[1..].rotate_right(1);
        }
        let conv = Convolution::new(&self.windows, &shape, w.shape())?;
        let channels = conv.channels();
        let (x_scale, y_scale) = (io.input(1)?.scalar_f32()?, io.input(6)?.scalar_f32()?);
        let (x_zero, y_zero) = (zero_points(io, 2, 1, 1)?.at(0), zero_points(io, 7, 1, 1)?.at(0));
        let (w_scale, w_zero) = (scales(io, 4, channels, 1)?, zero_points(io, 5, channels, 1)?);
        let bias = io.optional(8)?.map(|b| b.slice::<i32>()).transpose()?;
        check_bias(bias.map(<[i32]>::len), channels)?;
        let rounding = Rounding::to(y.dtype())?;
        let emit = |channel: usize, sums: &[i32], out: &mut [u8]| {
            let bias = bias.map_or(0, |b| b[channel]);
            let factor = multiplier(x_scale, w_scale.at(channel), y_scale);
            for (y, sum) in out.iter_mut().zip(sums) {
                *y = rounding.round(sum.wrapping_add(bias) as f32 * factor, y_zero);
            }
        };
        let (x, w, y) = (Bytes::new(x)?, (Bytes::new(w)?, &w_zero), y.into_units::<u8>()?);
        let cx = io.context();
        if !self.channels_last {
            return convolve(cx, &conv, (x, x_zero), w, y, emit);
        }
        let (cells, pixels) = (conv.windows.cells(), conv.windows.pixels());
        let mut image = Buffer::zeroed(x.data.len())?;
        turn(x.data, image.as_mut(), cells, shape[1]);
        let mut result = Buffer::zeroed(y.len())?;
        let x = Bytes { data: image.as_ref(), ..x };
        convolve(cx, &conv, (x, x_zero), w, result.as_mut(), emit)?;
        turn(result.as_ref(), y, channels, pixels);
        Ok(())
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
    use crate::cpu::testing::run;
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
}
