//! QLinearConv, ConvInteger and ConvIntegerToFloat with constant parameters on edgewise-simd's kernels.
//!
//! The kernels want the channels last. An image that has them first is turned around, and so is the result.

use super::bytes::{Bytes, Rounding, zero_points};
use super::packed_i8::{blocks, spread};
use super::pool::even;
use super::qlinear_conv::Scaling;
use super::seen::{Seen, View};
use super::stem::{self, Stem};
use super::turn::{channels_second, turn_result, turned};
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::qlinear_conv::{Gives, QLinearConv};
use crate::quant::multiplier;
use crate::{Result, Shape};
use edgewise_simd::depthwise_i8::{Depthwise, DepthwiseI8, Finish, depthwise_i8};
use edgewise_simd::gemm_i8::{Epilogue, Job, PackedI8, Sums};
use edgewise_simd::{Isa, Lhs, MatrixMut, Source};

/// A convolution of which all but the image is known.
pub struct PackedConv {
    plain: QLinearConv,
    /// Output channels, input channels of a group, kernel.
    weights: Shape,
    /// `None`: it comes with the image.
    x_zero: Option<i32>,
    packed: Packed,
    /// How sums become bytes, and their zero point; `None`: the sums are the result.
    rounding: Option<(Rounding, i32)>,
    seen: Seen,
}

enum Packed {
    /// The rows of a window one after the other: for the first convolution of a model.
    Stem(PackedI8, Columns),
    Groups(Vec<(PackedI8, Columns)>),
    /// A window for each channel.
    Depthwise(DepthwiseI8, Columns),
}

/// What output channels have of their own.
pub struct Columns {
    /// What is added to their sums.
    pub bias: Option<Vec<i32>>,
    /// What their sums are multiplied with.
    pub factor: Vec<f32>,
}

impl PackedConv {
    /// `None` if some parameter is no constant, or not what the plain operator takes; that one says why.
    pub fn new(plain: &QLinearConv, cx: &Lowering<'_>) -> Result<Option<PackedConv>> {
        let [w_at, x_zero_at, w_zero_at] = plain.gives.places();
        let Some(w) = cx.constant(w_at) else { return Ok(None) };
        let Some(w_zeros) = cx.zero_points(w_zero_at)? else { return Ok(None) };
        let (Ok(bytes), [channels, ins, ..]) = (Bytes::new(w), w.shape()) else { return Ok(None) };
        let scaling = match plain.gives {
            Gives::Bytes => Requantizing::of(cx, *channels)?,
            _ => Some(Requantizing::none()),
        };
        let Some(scaling) = scaling else { return Ok(None) };
        if channels % plain.windows.groups != 0 || w_zeros.len() != 1 && w_zeros.len() != *channels {
            return Ok(None);
        }
        let x_zero = match cx.zero_points(x_zero_at)?.as_deref() {
            None => None,
            Some([zero]) => Some(*zero),
            Some(_) => return Ok(None),
        };
        let kernel = &w.shape()[2..];
        let taps: usize = kernel.iter().product();
        let groups = plain.windows.groups;
        let no_memory = |_| err!(OutOfMemory, "no memory to pack the weights");
        let packed = if *channels == groups && *ins == 1 && groups > 1 && taps > 1 {
            let weights = DepthwiseI8::new(bytes.data, bytes.signed, [taps, *channels], &w_zeros);
            let weights = weights.map_err(no_memory)?;
            let columns = scaling.columns(0, weights.padded_channels(), *channels);
            Packed::Depthwise(weights, columns)
        } else if stem::suits(&plain.windows, kernel, *ins) {
            let data = turned(bytes.data, *ins, taps)?;
            let (width, depth) = (kernel[1] * ins, taps * ins);
            let source = Source { data: &data[..], tap_step: width, depth_step: 1, col_step: depth };
            let rhs = PackedI8::new(source, bytes.signed, [kernel[0], width, *channels], &w_zeros)
                .map_err(no_memory)?;
            let columns = scaling.columns(0, rhs.padded_cols(), *channels);
            Packed::Stem(rhs, columns)
        } else {
            let outs = channels / groups;
            let pack = |group: usize| {
                let first = group * outs;
                let data = &bytes.data[first * ins * taps..];
                let source = Source { data, tap_step: 1, depth_step: taps, col_step: ins * taps };
                let zeros = if w_zeros.len() == 1 { &w_zeros[..] } else { &w_zeros[first..first + outs] };
                let rhs =
                    PackedI8::new(source, bytes.signed, [taps, *ins, outs], zeros).map_err(no_memory)?;
                let columns = scaling.columns(first, rhs.padded_cols(), outs);
                Ok((rhs, columns))
            };
            Packed::Groups((0..groups).map(pack).collect::<Result<_>>()?)
        };
        Ok(Some(PackedConv {
            plain: plain.clone(),
            weights: w.shape().into(),
            x_zero,
            packed,
            rounding: scaling.rounding,
            seen: Seen::default(),
        }))
    }
}

/// How sums become bytes.
pub struct Requantizing<'a> {
    bias: Option<&'a [i32]>,
    factor: Box<dyn Fn(usize) -> f32>,
    /// And their zero point; `None`: they stay sums.
    pub rounding: Option<(Rounding, i32)>,
}

impl<'a> Requantizing<'a> {
    /// Sums stay what they are.
    fn none() -> Requantizing<'a> {
        Requantizing { bias: None, factor: Box::new(|_| 0.0), rounding: None }
    }

    /// By the scales, zero point and bias of a node that has QLinearConv's inputs, if all are constant.
    pub fn of(cx: &'a Lowering<'_>, channels: usize) -> Result<Option<Requantizing<'a>>> {
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
        Ok(Some(Requantizing {
            bias,
            factor: Box::new(factor),
            rounding: Some((rounding, *zero_point as i32)),
        }))
    }

    /// Of `outs` channels from `first` on, for that many columns.
    pub fn columns(&self, first: usize, padded: usize, outs: usize) -> Columns {
        let there = |i: usize| (i < outs).then_some(first + i);
        Columns {
            bias: self.bias.map(|b| (0..padded).map(|i| there(i).map_or(0, |i| b[i])).collect()),
            factor: (0..padded).map(|i| there(i).map_or(0.0, &self.factor)).collect(),
        }
    }
}

impl Kernel for PackedConv {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn packed(&self) -> &[usize] {
        match (&self.packed, self.plain.gives) {
            // For images that are too small for it.
            (Packed::Stem(..), _) => &[],
            (_, Gives::Bytes) => &[3],
            (_, Gives::Sums | Gives::Floats(_)) => &[1],
        }
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let shape = channels_second(x.shape(), self.plain.channels_last);
        let view = self.seen.view(&self.plain.windows, &shape, &self.weights)?;
        if matches!(self.packed, Packed::Stem(..)) && !stem::fits(view.conv.windows.axes(), self.ins()) {
            return self.plain.run(io);
        }
        let zero = match self.x_zero {
            Some(zero) => zero,
            None => zero_points(io, self.plain.gives.places()[1], 1, 1)?.at(0),
        };
        let (x, cx, y) = ((Bytes::new(x)?, zero), io.context(), io.output(0)?);
        if let Gives::Floats(activation) = self.plain.gives {
            let scaling = Scaling::of(io, self.weights[0], activation)?;
            // A float takes the place of the sum that it is made of.
            let y = y.into_slice::<f32>()?;
            self.convolve(cx, &view, x, |_| Sums, bytemuck::cast_slice_mut(y))?;
            return scaling.in_place(cx, y, self.plain.channels_last, view.conv.windows.pixels());
        }
        match self.rounding {
            None => self.convolve(cx, &view, x, |_| Sums, y.into_slice::<i32>()?),
            Some((rounding, zero)) => {
                let y = y.into_units::<u8>()?;
                self.convolve(cx, &view, x, |columns| rounding.epilogue(&columns.factor, zero), y)
            }
        }
    }
}

impl PackedConv {
    fn convolve<'a, E>(
        &'a self,
        cx: &RunContext<'_>,
        view: &View,
        (x, zero): (Bytes<'_>, i32),
        epilogue: impl Fn(&'a Columns) -> E + Sync,
        y: &mut [<E as Epilogue>::Out],
    ) -> Result<()>
    where
        E: Epilogue + Finish<Out = <E as Epilogue>::Out>,
        <E as Epilogue>::Out: Send + bytemuck::Pod,
    {
        let convolution = Convolve { conv: self, view, x, zero, epilogue: &epilogue };
        if self.plain.channels_last {
            return convolution.run(cx, y);
        }
        let windows = &view.conv.windows;
        let image = turned(x.data, self.ins(), windows.cells())?;
        let x = Bytes { data: &image, ..x };
        turn_result(y, windows.pixels(), self.weights[0], |y| Convolve { x, ..convolution }.run(cx, y))
    }

    /// Input channels.
    fn ins(&self) -> usize {
        self.weights[1] * self.plain.windows.groups
    }
}

/// A convolution of given images, with the channels last on both sides.
struct Convolve<'a, 'b, F> {
    conv: &'a PackedConv,
    view: &'b View,
    x: Bytes<'b>,
    zero: i32,
    /// What becomes of the sums of those columns.
    epilogue: &'b F,
}

impl<'a, F> Convolve<'a, '_, F> {
    fn run<E>(&self, cx: &RunContext<'_>, y: &mut [<E as Epilogue>::Out]) -> Result<()>
    where
        F: Fn(&'a Columns) -> E + Sync,
        E: Epilogue + Finish<Out = <E as Epilogue>::Out>,
        <E as Epilogue>::Out: Send,
    {
        let (view, channels, threads) = (self.view, self.conv.weights[0], cx.pool.threads());
        let windows = &view.conv.windows;
        let (size, pixels) = (windows.cells() * self.conv.ins(), windows.pixels());
        if let Packed::Groups(groups) = &self.conv.packed
            && let [(rhs, columns)] = &groups[..]
            && pixels < 12 * threads
            && pixels <= view.most()
        {
            // Few pixels, many channels: threads share the columns of one product.
            let offsets = view.offsets(0..pixels)?;
            for (i, y) in y.chunks_mut((pixels * channels).max(1)).enumerate() {
                let job = self.job(&self.x.data[i * size..][..size], &offsets, 0, (rhs, columns));
                spread(cx, &job, &(self.epilogue)(columns), MatrixMut::dense(y, channels))?;
            }
            return Ok(());
        }
        let step = if threads > 1 { 12 * even(pixels.div_ceil(12), 4 * threads, threads) } else { pixels };
        let step = step.min(view.most());
        if !matches!(self.conv.packed, Packed::Stem(..)) {
            // Made here, not by every thread.
            view.offsets(0..0)?;
        }
        for (i, y) in y.chunks_mut((pixels * channels).max(1)).enumerate() {
            let image = &self.x.data[i * size..][..size];
            if let Packed::Stem(rhs, columns) = &self.conv.packed {
                self.stem(cx, image, (rhs, columns), y)?;
            } else {
                cx.pool.chunks(y, step * channels, |i, y| self.pixels(cx, image, i * step, y))?;
            }
        }
        Ok(())
    }

    /// All pixels of an image of few channels.
    fn stem<E>(
        &self,
        cx: &RunContext<'_>,
        image: &[u8],
        (rhs, columns): (&'a PackedI8, &'a Columns),
        y: &mut [<E as Epilogue>::Out],
    ) -> Result<()>
    where
        F: Fn(&'a Columns) -> E,
        E: Epilogue,
        <E as Epilogue>::Out: Send,
    {
        let zero = self.zero;
        let Some(stem) = Stem::new(image, self.view, self.conv.ins(), zero as u8)? else {
            bail!(Internal, "an image that fits does not");
        };
        let bias = columns.bias.as_deref();
        let job = Job { lhs: stem.left(), signed: self.x.signed, zero, rhs, bias };
        spread(cx, &job, &(self.epilogue)(columns), MatrixMut::dense(y, rhs.cols()))
    }

    /// All channels of the pixels from `first` on, as many as `y` has.
    fn pixels<E>(
        &self,
        cx: &RunContext<'_>,
        image: &[u8],
        first: usize,
        y: &mut [<E as Epilogue>::Out],
    ) -> Result<()>
    where
        F: Fn(&'a Columns) -> E,
        E: Epilogue + Finish<Out = <E as Epilogue>::Out>,
        <E as Epilogue>::Out: Send,
    {
        let (channels, signed) = (self.conv.weights[0], self.x.signed);
        let rows = y.len() / channels;
        let offsets = self.view.offsets(first..first + rows)?;
        match &self.conv.packed {
            Packed::Depthwise(weights, columns) => {
                cx.check()?;
                let (bias, offsets) = (columns.bias.as_deref(), &offsets[..]);
                let job = Depthwise { image, offsets, signed, zero: self.zero, weights, bias };
                depthwise_i8(Isa::current(), &job, &(self.epilogue)(columns), MatrixMut::dense(y, channels));
            }
            Packed::Stem(..) => bail!(Internal, "a stem is computed as a whole"),
            Packed::Groups(groups) => {
                let (mut channel, mut col) = (0, 0);
                for (rhs, columns) in groups {
                    let image = &image[channel.min(image.len())..];
                    let job = self.job(image, &offsets, first, (rhs, columns));
                    let out = MatrixMut::with_stride(&mut y[col..], rows, rhs.cols(), channels);
                    blocks(cx, &job, &(self.epilogue)(columns), out)?;
                    (channel, col) = (channel + rhs.width(), col + rhs.cols());
                }
            }
        }
        Ok(())
    }

    /// The product that makes the pixels from `first` on, whose windows lie at `offsets`.
    fn job<'j>(
        &self,
        image: &'j [u8],
        offsets: &'j [u32],
        first: usize,
        (rhs, columns): (&'j PackedI8, &'j Columns),
    ) -> Job<'j> {
        let stride = self.conv.ins();
        let lhs = if self.view.identity {
            Lhs::Rows { data: &image[first * stride..], stride }
        } else {
            Lhs::Taps { image, offsets, taps: rhs.taps(), width: rhs.width(), pad: self.zero as u8 }
        };
        Job { lhs, signed: self.x.signed, zero: self.zero, rhs, bias: columns.bias.as_deref() }
    }
}
