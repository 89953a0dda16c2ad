//! QLinearConv and ConvInteger with constant parameters on edgewise-simd's kernels.
//!
//! The kernels want the channels last. An image that has them first is turned around, and so is the result.

use super::bytes::{Bytes, Rounding};
use super::packed_i8::{blocks, by_column, spread};
use super::seen::{Seen, View};
use super::turn::turn;
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::qlinear_conv::QLinearConv;
use crate::quant::multiplier;
use crate::{Buffer, Result, Shape};
use edgewise_simd::gemm_i8::{Epilogue, Job, PackedI8, Source, Sums};
use edgewise_simd::{Lhs, MatrixMut};

/// A convolution of which all but the image is known.
pub struct PackedConv {
    plain: QLinearConv,
    /// Output channels, input channels of a group, kernel.
    weights: Shape,
    x_zero: i32,
    groups: Vec<Group>,
    /// How sums become bytes, and their zero point; `None`: the sums are the result.
    rounding: Option<(Rounding, i32)>,
    seen: Seen,
}

/// What makes the output channels of one group.
struct Group {
    rhs: PackedI8,
    bias: Option<Vec<i32>>,
    factor: Vec<f32>,
}

impl PackedConv {
    /// `None` if some parameter is no constant, or not what the plain operator takes; that one says why.
    pub fn new(plain: &QLinearConv, cx: &Lowering<'_>) -> Result<Option<PackedConv>> {
        let (w_at, x_zero_at, w_zero_at) = if plain.raw { (1, 2, 3) } else { (3, 2, 5) };
        let Some(w) = cx.constant(w_at) else { return Ok(None) };
        let (Some(x_zero), Some(w_zeros)) = (cx.zero_points(x_zero_at)?, cx.zero_points(w_zero_at)?) else {
            return Ok(None);
        };
        let (Ok(bytes), [channels, ins, ..]) = (Bytes::new(w), w.shape()) else { return Ok(None) };
        let outs = channels / plain.windows.groups;
        let ([x_zero], true) = (&x_zero[..], channels % plain.windows.groups == 0) else { return Ok(None) };
        let Some(scaling) = Scaling::of(plain, cx, *channels)? else { return Ok(None) };
        if w_zeros.len() != 1 && w_zeros.len() != *channels {
            return Ok(None);
        }
        let taps: usize = w.shape()[2..].iter().product();
        let groups = (0..plain.windows.groups).map(|group| {
            let first = group * outs;
            let data = &bytes.data[first * ins * taps..];
            let source =
                Source { data, signed: bytes.signed, tap_step: 1, depth_step: taps, col_step: ins * taps };
            let zeros = if w_zeros.len() == 1 { &w_zeros[..] } else { &w_zeros[first..first + outs] };
            Ok(Group {
                rhs: PackedI8::new(source, [taps, *ins, outs], zeros)
                    .map_err(|_| err!(OutOfMemory, "no memory to pack the weights"))?,
                bias: scaling.bias.map(|bias| by_column(outs, |col| bias[first + col])),
                factor: by_column(outs, |col| (scaling.factor)(first + col)),
            })
        });
        Ok(Some(PackedConv {
            plain: plain.clone(),
            weights: w.shape().into(),
            x_zero: *x_zero,
            groups: groups.collect::<Result<_>>()?,
            rounding: scaling.rounding,
            seen: Seen::default(),
        }))
    }
}

/// What becomes of the sums.
struct Scaling<'a, F> {
    bias: Option<&'a [i32]>,
    factor: F,
    rounding: Option<(Rounding, i32)>,
}

impl<'a> Scaling<'a, Box<dyn Fn(usize) -> f32>> {
    /// That of a node, if it is all constant.
    fn of(plain: &QLinearConv, cx: &'a Lowering<'_>, channels: usize) -> Result<Option<Self>> {
        if plain.raw {
            return Ok(Some(Scaling { bias: None, factor: Box::new(|_| 0.0), rounding: None }));
        }
        let (Some(x), Some(w), Some(y), Some(zero)) =
            (cx.constant(1), cx.constant(4), cx.constant(6), cx.constant(7))
        else {
            return Ok(None);
        };
        let bias = match cx.has(8) {
            true => match cx.constant(8).map(|b| b.slice::<i32>()).transpose()? {
                Some(bias) if bias.len() == channels => Some(bias),
                _ => return Ok(None),
            },
            false => None,
        };
        let zeros = zero.to_i64s()?;
        let ([zero_point], 1, 1, Ok(rounding)) = (&zeros[..], x.len(), y.len(), Rounding::to(zero.dtype()))
        else {
            return Ok(None);
        };
        let (x, w, y) = (x.scalar_f32()?, w.to_f32s()?, y.scalar_f32()?);
        if w.len() != 1 && w.len() != channels {
            return Ok(None);
        }
        let factor = move |channel: usize| multiplier(x, w[if w.len() == 1 { 0 } else { channel }], y);
        Ok(Some(Scaling { bias, factor: Box::new(factor), rounding: Some((rounding, *zero_point as i32)) }))
    }
}

impl Kernel for PackedConv {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let mut shape = Shape::from_slice(x.shape());
        if self.plain.channels_last && shape.len() > 1 {
            shape[1..].rotate_right(1);
        }
        let Some(view) = self.seen.view(&self.plain.windows, &shape, &self.weights)? else {
            return self.plain.run(io);
        };
        let (x, cx, y) = (Bytes::new(x)?, io.context(), io.output(0)?);
        match self.rounding {
            None => self.convolve(cx, &view, x, |_| Sums, y.into_slice::<i32>()?),
            Some((rounding, zero)) => {
                let y = y.into_units::<u8>()?;
                self.convolve(cx, &view, x, |group| rounding.epilogue(&group.factor, zero), y)
            }
        }
    }
}

impl PackedConv {
    fn convolve<'a, E: Epilogue>(
        &'a self,
        cx: &RunContext<'_>,
        view: &View,
        x: Bytes<'_>,
        epilogue: impl Fn(&'a Group) -> E + Sync,
        y: &mut [E::Out],
    ) -> Result<()>
    where
        E::Out: Send + bytemuck::Pod,
    {
        if self.plain.channels_last {
            return self.convolve_last(cx, view, x, epilogue, y);
        }
        let windows = &view.conv.windows;
        let mut image = Buffer::zeroed(x.data.len())?;
        turn(x.data, image.as_mut(), self.weights[1] * self.groups.len(), windows.cells());
        let x = Bytes { data: image.as_ref(), ..x };
        let mut result = Buffer::zeroed(size_of_val(y))?;
        let out = bytemuck::cast_slice_mut(result.as_mut());
        self.convolve_last(cx, view, x, epilogue, out)?;
        turn(out, y, windows.pixels(), self.weights[0]);
        Ok(())
    }

    /// With the channels last on both sides.
    fn convolve_last<'a, E: Epilogue>(
        &'a self,
        cx: &RunContext<'_>,
        view: &View,
        x: Bytes<'_>,
        epilogue: impl Fn(&'a Group) -> E + Sync,
        y: &mut [E::Out],
    ) -> Result<()>
    where
        E::Out: Send,
    {
        let windows = &view.conv.windows;
        let (ins, channels) = (self.weights[1] * self.groups.len(), self.weights[0]);
        let (size, pixels) = (windows.cells() * ins, windows.pixels());
        let threads = cx.pool.threads();
        // Few pixels, many channels: threads share the columns of one product.
        let wide = self.groups.len() == 1 && pixels < 12 * threads && pixels <= view.most();
        let step = if threads > 1 { pixels.div_ceil(4 * threads).next_multiple_of(12) } else { pixels };
        let step = step.min(view.most());
        for (i, y) in y.chunks_mut((pixels * channels).max(1)).enumerate() {
            let image = &x.data[i * size..][..size];
            let part = |first: usize, y: &mut [E::Out]| {
                let rows = y.len() / channels;
                let offsets = view.offsets(first..first + rows)?;
                let mut col = 0;
                for (i, group) in self.groups.iter().enumerate() {
                    let image = &image[(i * self.weights[1]).min(size)..];
                    let lhs = if view.identity {
                        Lhs::Rows { data: &image[first * ins..], stride: ins }
                    } else {
                        let (taps, width, pad) = (windows.taps(), self.weights[1], self.x_zero as u8);
                        Lhs::Taps { image, offsets: &offsets, taps, width, pad }
                    };
                    let bias = group.bias.as_deref();
                    let job = Job { lhs, signed: x.signed, zero: self.x_zero, rhs: &group.rhs, bias };
                    let outs = group.rhs.cols();
                    let out = MatrixMut::with_stride(&mut y[col..], rows, outs, channels);
                    let run = if wide { spread } else { blocks };
                    run(cx, &job, &epilogue(group), out)?;
                    col += outs;
                }
                Ok(())
            };
            if wide {
                part(0, y)?;
            } else {
                cx.pool.chunks(y, step * channels, |i, y| part(i * step, y))?;
            }
        }
        Ok(())
    }
}
