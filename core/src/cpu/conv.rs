//! Conv on the CPU, and what every convolution is: a matrix product of the weights with the image as its
//! windows see it. The image is unrolled block by block while the product packs it, never as a whole.

use super::in_f32::in_f32;
use super::packed_conv_f32::PackedConv;
use super::product::{COLS, Left, Matrix, Right, Sizes, multiply};
use super::turn::{channels_second, turn_result, turned};
use super::window::Windows;
use super::{Io, Kernel, Lowering, RunContext};
use crate::ops::conv::{Conv, ConvWindows};
use crate::{Float, Num, Result, View};
use std::borrow::Cow;
use std::ops::Range;

impl Kernel for Conv {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.get(1)?.iter().skip(1).product())
    }

    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        Ok(PackedConv::new(self, cx)?.map(|(dtype, conv)| in_f32(dtype, conv, self)))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let (bias, sum) = (io.optional(2)?, io.optional(3)?);
        let conv =
            Convolution::new(&self.windows, &channels_second(x.shape(), self.channels_last), w.shape())?;
        let (pixels, channels) = (conv.windows.pixels(), conv.channels());
        check_bias(bias.map(|b| b.len()), channels)?;
        check_sum(sum, y.shape())?;
        for_float!(x.dtype(), T => {
            let (w, bias) = (w.slice::<T>()?, bias.map(|b| b.slice::<T>()).transpose()?);
            // Images with the channels last are turned around first, and the result afterwards.
            let first = |data, cells, channels| match self.channels_last {
                true => turned(data, cells, channels).map(Cow::Owned),
                false => Ok(Cow::Borrowed(data)),
            };
            let x = first(x.slice::<T>()?, conv.windows.cells(), conv.ins * conv.groups)?;
            let sum = sum.map(|z| first(z.slice::<T>()?, pixels, channels)).transpose()?;
            let compute = |y: &mut [T]| {
                let x = (&x[..], |x: T| x.widen());
                conv.run(io.context(), x, (w, |w: T, _| w.widen()), y, |row, pixel, sums, out| {
                    let bias = bias.map(|b| b[row % channels].widen());
                    for (i, (y, &s)) in out.iter_mut().zip(sums).enumerate() {
                        let s = bias.map_or(s, |b| s.add(b));
                        let s = sum.as_ref().map_or(s, |z| s.add(z[row * pixels + pixel + i].widen()));
                        *y = T::narrow(self.activation.apply(s));
                    }
                })
            };
            let y = y.into_slice::<T>()?;
            match self.channels_last {
                true => turn_result(y, channels, pixels, compute),
                false => compute(y),
            }
        })
    }
}

/// Refuses a bias of another length than there are channels.
pub fn check_bias(len: Option<usize>, channels: usize) -> Result<()> {
    ensure!(
        len.is_none_or(|len| len == channels),
        InvalidInput,
        "a bias of {len:?} elements for {channels} channels"
    );
    Ok(())
}

/// Refuses a tensor to be added that has not the output's shape.
pub fn check_sum(sum: Option<View<'_>>, shape: &[usize]) -> Result<()> {
    let same = sum.is_none_or(|z| z.shape() == shape);
    ensure!(same, InvalidInput, "the sum {sum:?} has another shape than {shape:?}");
    Ok(())
}

/// A convolution of known sizes.
pub struct Convolution {
    /// Its windows.
    pub windows: Windows,
    batch: usize,
    groups: usize,
    /// Input channels of a group.
    ins: usize,
    /// Output channels of a group.
    outs: usize,
    /// Whether the weights go from input to output channels, not the other way.
    transposed: bool,
}

impl Convolution {
    /// Of an image and weights of those shapes.
    pub fn new(conv: &ConvWindows, x: &[usize], w: &[usize]) -> Result<Convolution> {
        let dims = |shape: &[usize]| shape.iter().map(|&d| d.into()).collect::<Vec<_>>();
        conv.output_dims(&dims(x), &dims(w))?;
        let axes = conv.window.axes(&x[2..], &w[2..])?;
        Ok(Convolution {
            windows: Windows::new(axes, false),
            batch: x[0],
            groups: conv.groups,
            ins: w[1],
            outs: w[0] / conv.groups,
            transposed: false,
        })
    }

    /// The transposed one, by `windows`, of an image of that batch size.
    pub fn transposed(windows: Windows, batch: usize, groups: usize, w: &[usize]) -> Convolution {
        Convolution { windows, batch, groups, ins: w[0] / groups, outs: w[1], transposed: true }
    }

    /// Of which image of the batch, and from which of its channels on, group `i` sees.
    pub fn seen(&self, i: usize) -> (usize, usize) {
        (i / self.groups, i % self.groups * self.ins)
    }

    /// Output channels.
    pub fn channels(&self) -> usize {
        self.groups * self.outs
    }

    /// Computes it. `widen` of `x` must make zero of what padding holds; that of `w` is told the output
    /// channel. `emit(row, pixel, sums, out)` makes outputs of sums; a row is an output channel, counted on
    /// through the batch.
    pub fn run<X: Copy + Sync, W: Copy + Sync, S: Num, Y: Send>(
        &self,
        cx: &RunContext<'_>,
        (x, widen_x): (&[X], impl Fn(X) -> S + Sync),
        (w, widen_w): (&[W], impl Fn(W, usize) -> S + Sync),
        y: &mut [Y],
        emit: impl Fn(usize, usize, &[S], &mut [Y]) + Sync,
    ) -> Result<()> {
        let cells = self.windows.cells();
        let image = |i: usize| Image {
            data: &x[i * self.ins * cells..],
            windows: &self.windows,
            identity: self.windows.is_identity(),
            widen: &widen_x,
        };
        self.run_on(cx, image, (w, widen_w), y, emit)
    }

    /// The same over another image: `image(i)` is that of group `i`, counted on through the batch.
    pub fn run_on<W: Copy + Sync, S: Num, R: Right<S>, Y: Send>(
        &self,
        cx: &RunContext<'_>,
        image: impl Fn(usize) -> R + Sync,
        (w, widen_w): (&[W], impl Fn(W, usize) -> S + Sync),
        y: &mut [Y],
        emit: impl Fn(usize, usize, &[S], &mut [Y]) + Sync,
    ) -> Result<()> {
        let taps = self.windows.taps();
        let sizes = Sizes {
            batch: self.batch * self.groups,
            rows: self.outs,
            depth: self.ins * taps,
            cols: self.windows.pixels(),
        };
        let weights = |i: usize| {
            let group = i % self.groups;
            let (outs, ins, transposed) = (self.outs, self.ins, self.transposed);
            let data = &w[group * ins * outs * taps..];
            let widen_w = &widen_w;
            let widen = move |w: W, row: usize| widen_w(w, group * outs + row);
            Weights { data, outs, ins, taps, transposed, widen }
        };
        multiply(cx, sizes, y, weights, image, emit)
    }
}

/// The weights of one group: rows are output channels, the depth is input channels × taps.
struct Weights<'a, T, F> {
    data: &'a [T],
    outs: usize,
    ins: usize,
    taps: usize,
    /// Input channels × output channels × taps; else output × input × taps.
    transposed: bool,
    widen: F,
}

impl<T: Copy + Sync, S, F: Fn(T, usize) -> S + Sync> Left<S> for Weights<'_, T, F> {
    fn fill_row(&self, row: usize, k: Range<usize>, to: &mut [S], step: usize) {
        let (in_step, out_step) = match self.transposed {
            true => (self.outs * self.taps, self.taps),
            false => (self.taps, self.ins * self.taps),
        };
        for (to, k) in to.iter_mut().step_by(step).zip(k) {
            let at = k / self.taps * in_step + row * out_step + k % self.taps;
            *to = (self.widen)(self.data[at], row);
        }
    }
}

/// The image of one group as its windows see it: columns are windows, the depth is channels × taps.
struct Image<'a, T, F> {
    data: &'a [T],
    windows: &'a Windows,
    identity: bool,
    widen: F,
}

impl<T: Copy + Sync, S: Num, F: Fn(T) -> S + Sync> Right<S> for Image<'_, T, F> {
    fn fill_cols<const N: usize>(&self, k: Range<usize>, cols: Range<usize>, panels: &mut [[S; N]]) {
        let (taps, cells) = (self.windows.taps(), self.windows.cells());
        if self.identity {
            let widen = |x: T, _| (self.widen)(x);
            return Matrix { data: self.data, row_step: cells, col_step: 1, widen }
                .fill_cols(k, cols, panels);
        }
        let mut offsets = [0; COLS];
        let offsets = &mut offsets[..cols.len()];
        // Tap by tap, so that where the cells lie is found once for all channels.
        for tap in 0..taps.min(k.len()) {
            let first = k.start + tap;
            self.windows.offsets(first % taps, cols.clone(), offsets);
            for k_here in (first..k.end).step_by(taps) {
                let channel = &self.data[k_here / taps * cells..][..cells];
                for (panel, offsets) in panels.chunks_mut(k.len()).zip(offsets.chunks(N)) {
                    for (to, &offset) in panel[k_here - k.start].iter_mut().zip(offsets) {
                        *to = channel.get(offset).map_or(S::zero(), |&x| (self.widen)(x));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    fn conv(attrs: &[(&str, Attr)], x: &[usize], w: &[usize]) -> crate::Result<(Vec<usize>, Vec<f32>)> {
        let tensor = |shape: &[usize]| {
            let len: usize = shape.iter().product();
            Tensor::new(shape, &(0..len).map(|i| i as f32).collect::<Vec<_>>()).unwrap()
        };
        let y = run(("", "Conv", 11), attrs, &[Some(tensor(x).into()), Some(tensor(w).into())], 1)?;
        let y = y[0].tensor()?;
        Ok((y.shape().to_vec(), y.slice()?.to_vec()))
    }

    #[test]
    fn padding_strides_dilations_and_groups() {
        let attrs = [
            ("pads", Attr::Ints(vec![1, 0])),
            ("strides", Attr::Ints(vec![2])),
            ("dilations", Attr::Ints(vec![2])),
            ("group", Attr::Int(2)),
        ];
        // Channels 0 1 2 3 4 and 5 6 7 8 9; kernels (0 1) and (2 3).
        let (shape, y) = conv(&attrs, &[1, 2, 5], &[2, 1, 2]).unwrap();
        assert_eq!((shape, y), (vec![1, 2, 2], vec![1.0, 3.0, 18.0, 36.0]));
    }

    #[test]
    fn images_of_no_axes_or_no_cells() {
        assert_eq!(conv(&[], &[1, 2], &[1, 2]).unwrap(), (vec![1, 1], vec![1.0]));
        assert_eq!(conv(&[], &[0, 1, 3], &[2, 1, 3]).unwrap(), (vec![0, 2, 1], vec![]));
        let pads = [("pads", Attr::Ints(vec![1, 1]))];
        assert_eq!(conv(&pads, &[1, 1, 0], &[1, 1, 2]).unwrap(), (vec![1, 1, 1], vec![0.0]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(conv(&[], &[1, 3, 5], &[2, 2, 2]).is_err());
        assert!(conv(&[], &[1, 1, 5], &[1, 1, 7]).is_err());
        assert!(conv(&[("group", Attr::Int(0))], &[1, 1, 5], &[1, 1, 2]).is_err());
        assert!(conv(&[("group", Attr::Int(2))], &[1, 2, 5], &[3, 1, 2]).is_err());
        assert!(conv(&[("strides", Attr::Ints(vec![0]))], &[1, 1, 5], &[1, 1, 2]).is_err());
        assert!(conv(&[("kernel_shape", Attr::Ints(vec![3]))], &[1, 1, 5], &[1, 1, 2]).is_err());
    }
}
