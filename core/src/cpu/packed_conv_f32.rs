//! Conv on images of f32 with their channels last and constant weights, on edgewise-simd's kernels. The weights
//! may be of 16 bits, too.

use super::conv::{Convolution, check_bias, check_sum};
use super::packed_product::{Last, multiply_packed};
use super::panels::{self, Layout, Panels, Weights};
use super::pool::even;
use super::seen::{Seen, View, kept};
use super::stem::{self, Stem};
use super::turn::channels_second;
use super::{Io, Kernel, Lowering, RunContext, winograd};
use crate::ops::conv::{Conv, ConvWindows};
use crate::ops::window::Axis;
use crate::{DType, Result, Shape};
use edgewise_simd::depthwise_f32::{self, Depthwise, depthwise_f32};
use edgewise_simd::gemm_f32::Addend;
use edgewise_simd::winograd_f32::{Job, Winograd};
use edgewise_simd::{Isa, Lhs, MatrixMut, OUTSIDE};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

/// A convolution of which the weights are known.
pub struct PackedConv {
    plain: Conv,
    /// Output channels, input channels of a group, kernel.
    weights: Shape,
    packed: Packed,
    seen: Seen,
}

enum Packed {
    /// Every channel sees itself alone: for each tap, a weight for each channel.
    Channels(Vec<f32>),
    /// A matrix for each group.
    Groups(Vec<Panels>),
    /// Transformed; and the plain matrix, as soon as an image has needed it.
    Tiles(Winograd, OnceLock<[Panels; 1]>),
}

/// Whether weights of that type and shape have a fast kernel.
pub fn suits(windows: &ConvWindows, dtype: DType, weights: &[usize]) -> bool {
    let [channels, ins, kernel @ ..] = weights else { return false };
    if !panels::suits(dtype) {
        return false;
    }
    let outs = channels / windows.groups;
    let by_channel = is_depthwise(windows, weights) && (1..=2).contains(&kernel.len());
    by_channel || outs * windows.groups == *channels && (windows.groups == 1 || outs >= 4 && *ins > 1)
}

fn is_depthwise(windows: &ConvWindows, weights: &[usize]) -> bool {
    weights[0] == windows.groups && weights[1] == 1 && windows.groups > 1
}

impl PackedConv {
    /// With the type that the model has the weights in. `None` if they are no constant, or the channels not last.
    pub fn new(plain: &Conv, cx: &Lowering<'_>) -> Result<Option<(DType, PackedConv)>> {
        let suits = |w: &crate::View<'_>| plain.channels_last && suits(&plain.windows, w.dtype(), w.shape());
        let Some(w) = cx.constant(1).filter(suits) else { return Ok(None) };
        let weights = Weights::of(w)?;
        let packed = if is_depthwise(&plain.windows, w.shape()) {
            let (channels, taps) = (w.shape()[0], w.shape()[2..].iter().product::<usize>());
            let data = weights.in_f32()?;
            Packed::Channels((0..data.len()).map(|i| data[i % channels * taps + i / channels]).collect())
        } else if let Some(tiles) = winograd::tiles(&plain.windows, w.shape()) {
            let size = [w.shape()[0], w.shape()[1]];
            let weights = Winograd::new(Isa::current(), &weights.in_f32()?, size, tiles)
                .map_err(|_| err!(OutOfMemory, "no memory for transformed weights of {size:?}"))?;
            Packed::Tiles(weights, OnceLock::new())
        } else {
            let groups = plain.windows.groups;
            let group = |group: usize| pack_group(&weights, w.shape(), groups, group);
            Packed::Groups((0..groups).map(group).collect::<Result<_>>()?)
        };
        let (plain, weights, seen) = (plain.clone(), w.shape().into(), Seen::default());
        Ok(Some((w.dtype(), PackedConv { plain, weights, packed, seen })))
    }
}

/// The matrix of one of so many groups.
fn pack_group(weights: &Weights<'_>, shape: &[usize], groups: usize, group: usize) -> Result<Panels> {
    let (outs, ins, taps) = (shape[0] / groups, shape[1], shape[2..].iter().product());
    let size = ins * taps;
    let layout = Layout { start: group * outs * size, tap_step: 1, depth_step: taps, col_step: size };
    Panels::new(weights, layout, [taps, ins, outs])
}

impl Kernel for PackedConv {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn packed(&self) -> &[usize] {
        match &self.packed {
            // For images with which tiles give no numbers.
            Packed::Tiles(..) => &[],
            Packed::Channels(_) | Packed::Groups(_) => &[1],
        }
    }

    fn scratch_bytes(&self, _: &[&[usize]], outputs: &[&[usize]]) -> Result<usize> {
        match (&self.packed, outputs) {
            (Packed::Tiles(weights, _), [[_, rows, cols, _], ..]) => {
                Ok(winograd::scratch(weights, [*rows, *cols]) * size_of::<f32>())
            }
            _ => Ok(0),
        }
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, scratch) = (io.input(0)?, io.scratch());
        let shape = channels_second(x.shape(), true);
        let view = match &self.packed {
            Packed::Groups(_) => Some(self.seen.view(&self.plain.windows, &shape, &self.weights)?),
            // They need no view, except for some images.
            Packed::Tiles(..) if x.len() >= OUTSIDE as usize => return self.plain.run(io),
            _ => None,
        };
        let (bias, sum, y) = (io.optional(2)?, io.optional(3)?, io.output(0)?);
        check_bias(bias.map(|b| b.len()), self.weights[0])?;
        check_sum(sum, y.shape())?;
        let image = Images {
            cx: io.context(),
            x: x.slice()?,
            shape: &shape,
            last: Last::new(bias.map(|b| b.slice()).transpose()?, self.plain.activation),
            sum: sum.map(|z| z.slice()).transpose()?,
        };
        match (&self.packed, view) {
            (Packed::Groups(groups), Some(view)) => self.by_groups(&view, groups, &image, y.into_slice()?),
            (Packed::Channels(weights), _) => self.by_channels(weights, &image, y.into_slice()?),
            (Packed::Tiles(weights, plain), _) => {
                let pack = || Ok([pack_group(&Weights::of(io.input(1)?)?, &self.weights, 1, 0)?]);
                let plain = || kept(plain, pack);
                self.by_tiles(weights, &plain, &image, scratch, y.into_slice()?)
            }
            _ => Err(err!(Internal, "a convolution by groups without a view")),
        }
    }
}

/// The images of one call.
struct Images<'a> {
    cx: &'a RunContext<'a>,
    x: &'a [f32],
    /// With the channels second.
    shape: &'a [usize],
    last: Last<'a>,
    /// A tensor to be added, of the output's shape.
    sum: Option<&'a [f32]>,
}

impl<'a> Images<'a> {
    /// The last step for what begins at that row and channel of the output.
    fn last(&self, row: usize, channels: usize, here: Range<usize>) -> Last<'a> {
        let mut last = self.last;
        last.finish.bias = last.finish.bias.map(|b| &b[here.clone()]);
        let from = row * channels + here.start;
        last.finish.addend =
            self.sum.map(|z| Addend { data: z.get(from..).unwrap_or(&[]), stride: channels, beta: 1.0 });
        last
    }
}

impl PackedConv {
    /// Products of what windows see with the weights of each group.
    fn by_groups(&self, view: &View, groups: &[Panels], call: &Images<'_>, y: &mut [f32]) -> Result<()> {
        let (windows, channels, ins) = (&view.conv.windows, self.weights[0], self.weights[1]);
        let (width, outs, taps) = (call.shape[1], channels / groups.len(), windows.taps());
        // Where windows are cells, all images are one.
        let joined = if view.identity { call.shape[0] } else { 1 };
        let (cells, pixels) = (windows.cells() * joined, windows.pixels() * joined);
        let step = pixels.min(view.most());
        for (i, y) in y.chunks_mut((pixels * channels).max(1)).enumerate() {
            let image = &call.x[i * cells * width..][..cells * width];
            if let [weights] = groups
                && stem::suits(&self.plain.windows, &self.weights[2..], width)
                && let Some(stem) = Stem::new(image, view, width, 0.0)?
            {
                let last = call.last(i * pixels, channels, 0..channels);
                multiply_packed(call.cx, stem.left(), weights, &last, MatrixMut::dense(y, channels))?;
                continue;
            }
            for (n, y) in y.chunks_mut((step * channels).max(1)).enumerate() {
                let (first, rows) = (n * step, y.len() / channels);
                let offsets = match view.identity {
                    true => Cow::Borrowed(&[][..]),
                    false => view.offsets(first..first + rows)?,
                };
                for (group, weights) in groups.iter().enumerate() {
                    let of_group = &image[(group * ins).min(image.len())..];
                    let left = match view.identity {
                        true => Lhs::Rows { data: &of_group[first * width..], stride: width },
                        false => Lhs::Taps { image: of_group, offsets: &offsets, taps, width: ins, pad: 0.0 },
                    };
                    let here = group * outs..(group + 1) * outs;
                    let last = call.last(i * pixels + first, channels, here.clone());
                    let out = MatrixMut::with_stride(&mut y[here.start..], rows, outs, channels);
                    multiply_packed(call.cx, left, weights, &last, out)?;
                }
            }
        }
        Ok(())
    }

    /// Winograd's tiles, and `plain` weights for images with which they give no numbers.
    fn by_tiles<'a>(
        &self,
        weights: &Winograd,
        plain: &dyn Fn() -> Result<&'a [Panels; 1]>,
        call: &Images<'_>,
        scratch: &mut [u8],
        y: &mut [f32],
    ) -> Result<()> {
        let conv = Convolution::new(&self.plain.windows, call.shape, &self.weights)?;
        let [rows, cols] = conv.windows.axes() else { bail!(Internal, "tiles of other than two axes") };
        let scratch = bytemuck::try_cast_slice_mut(scratch)
            .map_err(|_| err!(Internal, "scratch memory does not lie as floats do"))?;
        let (size, pixels) = (conv.windows.cells() * call.shape[1], conv.windows.pixels());
        for (i, y) in y.chunks_mut((pixels * self.weights[0]).max(1)).enumerate() {
            let image = &call.x[i * size..][..size];
            let last = call.last(i * pixels, self.weights[0], 0..self.weights[0]);
            let job = Job { image, rows: kernel_axis(rows), cols: kernel_axis(cols), finish: last.finish };
            if !winograd::convolve(call.cx, weights, &job, &last, scratch, y)? {
                let shape = [&[1], &call.shape[1..]].concat();
                let view = self.seen.view(&self.plain.windows, &shape, &self.weights)?;
                let sum = call.sum.and_then(|z| z.get(i * y.len()..));
                let alone = Images { x: image, shape: &shape, sum, ..*call };
                self.by_groups(&view, plain()?, &alone, y)?;
            }
        }
        Ok(())
    }

    /// Every channel by itself.
    fn by_channels(&self, weights: &[f32], call: &Images<'_>, y: &mut [f32]) -> Result<()> {
        let conv = Convolution::new(&self.plain.windows, call.shape, &self.weights)?;
        let channels = self.weights[0];
        let [rows, cols] = match conv.windows.axes() {
            [cols] => [ONE, kernel_axis(cols)],
            [rows, cols] => [kernel_axis(rows), kernel_axis(cols)],
            other => bail!(Internal, "a depthwise convolution along {} axes", other.len()),
        };
        let (size, line) = (rows.input * cols.input * channels, cols.output * channels);
        let threads = call.cx.pool.threads();
        let pieces = if threads == 1 { 1 } else { 4 * threads };
        let rows_each = even(rows.output, pieces, threads);
        let rows_each = rows_each.min((PIECE / line.max(1)).max(1)).max(1);
        for (i, y) in y.chunks_mut((rows.output * line).max(1)).enumerate() {
            let image = &call.x[i * size..][..size];
            let last = call.last(i * rows.output * cols.output, channels, 0..channels);
            let job = Depthwise { image, channels, rows, cols, weights, finish: last.finish };
            call.cx.pool.chunks(y, rows_each * line, |n, y| {
                call.cx.check()?;
                let first = n * rows_each;
                depthwise_f32(Isa::current(), &job, first..first + y.len() / line, y);
                last.finish_row(y);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Outputs that a thread computes at once.
const PIECE: usize = 1 << 20;

/// An axis with one cell.
const ONE: depthwise_f32::Axis =
    depthwise_f32::Axis { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, output: 1 };

fn kernel_axis(axis: &Axis) -> depthwise_f32::Axis {
    let Axis { input, kernel, stride, dilation, before, output, .. } = *axis;
    depthwise_f32::Axis { input, kernel, stride, dilation, before, output }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{op_lowered_as_plain, run, run_op};
    use crate::ops::conv::Conv;
    use crate::ops::fused_activation::FusedActivation;
    use crate::ops::window::{AutoPad, Window};
    use crate::ops::{Attr, Op};
    use crate::{Tensor, Value};
    use std::sync::Arc;

    fn tensor(shape: &[usize], by: usize) -> Tensor {
        let len = shape.iter().product::<usize>();
        Tensor::new(shape, &(0..len).map(|i| (i * by % 31) as f32 - 15.0).collect::<Vec<_>>()).unwrap()
    }

    fn last(x: &Tensor) -> Tensor {
        let rank = x.shape().len() as i64;
        let perm = [0].into_iter().chain(2..rank).chain([1]).collect();
        let perm = [("perm", Attr::Ints(perm))];
        run(("", "Transpose", 13), &perm, &[Some(x.clone().into())], 1).unwrap()[0].tensor().unwrap().clone()
    }

    /// Image, weights, groups, stride, dilation, padding.
    type Case<'a> = (&'a [usize], &'a [usize], usize, i64, i64, i64);

    #[test]
    fn channels_last_and_packed_are_the_same_convolution() {
        let cases: [Case<'_>; 13] = [
            (&[2, 2, 9, 11], &[9, 2, 5, 7], 1, 2, 1, 3),
            (&[1, 3, 9, 8], &[20, 3, 3, 3], 1, 2, 1, 1),
            (&[2, 16, 5, 6], &[8, 16, 1, 1], 1, 1, 1, 0),
            (&[2, 6, 5, 7], &[10, 6, 1, 1], 1, 2, 1, 0),
            (&[2, 40, 7, 7], &[33, 40, 3, 4], 1, 1, 1, 1),
            (&[1, 8, 6, 6], &[16, 4, 3, 3], 2, 1, 2, 2),
            (&[2, 20, 9, 10], &[20, 1, 3, 3], 20, 1, 1, 1),
            (&[1, 33, 9, 10], &[33, 1, 5, 5], 33, 2, 1, 2),
            (&[1, 6, 9, 4], &[6, 1, 2, 4], 6, 1, 1, 0),
            (&[3, 5, 12], &[7, 5, 4], 1, 3, 1, 2),
            (&[2, 24, 12], &[24, 1, 3], 24, 1, 1, 1),
            (&[1, 4, 3, 4, 5], &[9, 4, 2, 2, 2], 1, 1, 1, 1),
            (&[0, 4, 3, 4], &[9, 4, 2, 2], 1, 1, 1, 1),
        ];
        for (x, w, groups, stride, dilation, pad) in cases {
            let axes = x.len() - 2;
            let window = Window {
                kernel: vec![],
                strides: vec![stride; axes],
                dilations: vec![dilation; axes],
                pads: vec![pad; 2 * axes],
                auto_pad: AutoPad::Explicit,
                ceil: false,
            };
            let windows = ConvWindows { window, groups };
            for activation in [FusedActivation::Relu, FusedActivation::Elu { alpha: 0.5 }] {
                let conv = Conv { windows: windows.clone(), activation, channels_last: false };
                let inputs = [tensor(x, 7), tensor(w, 5), tensor(&w[..1], 3)];
                let some = |t: &Tensor| Some(Value::from(t.clone()));
                let plain = run_op(&Op::Conv(Arc::new(conv.clone())), &inputs.each_ref().map(some)).unwrap();
                let shape = plain.tensor().unwrap().shape().to_vec();
                let sum = tensor(&shape, 11);
                let inputs: Vec<Option<Value>> = inputs.iter().chain([&sum]).map(some).collect();
                let expected =
                    last(run_op(&Op::Conv(Arc::new(conv.clone())), &inputs).unwrap().tensor().unwrap());
                let mut turned = inputs.clone();
                turned[0] = Some(last(&tensor(x, 7)).into());
                turned[3] = Some(last(&sum).into());
                let op = Op::Conv(Arc::new(Conv { channels_last: true, ..conv }));
                // Whole numbers: sums are exact, and so is everything but the Elu.
                let fast = op_lowered_as_plain(&op, &turned, &[1]).unwrap();
                assert_eq!(fast.tensor().unwrap().view().bytes(), expected.view().bytes(), "{x:?} {w:?}");
            }
        }
    }
}
