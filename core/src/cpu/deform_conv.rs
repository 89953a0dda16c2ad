//! DeformConv on the CPU: the product of the weights with an image sampled linearly between its cells.
//! Outside the image, and at offsets that are no numbers, there are zeros.

use super::conv::{Convolution, check_bias};
use super::product::Right;
use super::window::Windows;
use super::{Io, Kernel};
use crate::ops::deform_conv::DeformConv;
use crate::{Float, Num, Result};
use std::ops::Range;

/// Every axis doubles the cells that a sample is made of.
const MOST_AXES: usize = 6;

impl Kernel for DeformConv {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, w, offsets, y) = (io.input(0)?, io.input(1)?, io.input(2)?, io.output(0)?);
        let (bias, mask) = (io.optional(3)?, io.optional(4)?);
        let conv = Convolution::new(&self.windows, x.shape(), w.shape())?;
        let rank = conv.windows.axes().len();
        ensure!(rank <= MOST_AXES, Unsupported, "more than {MOST_AXES} spatial axes");
        check_bias(bias.map(|b| b.len()), conv.channels())?;
        let (batch, channels) = (x.shape()[0], x.shape()[1]);
        ensure!(channels % self.offset_groups == 0, InvalidInput, "{channels} channels for offset groups");
        let samples = self.offset_groups * conv.windows.taps() * conv.windows.pixels();
        let fits = offsets.len() == batch * samples * rank && mask.is_none_or(|m| m.len() == batch * samples);
        ensure!(fits, InvalidInput, "offsets {offsets:?} or mask {mask:?} do not fit the image {x:?}");
        for_float!(x.dtype(), T => {
            let (x, offsets) = (x.slice::<T>()?, offsets.slice::<T>()?);
            let mask = mask.map(|m| m.slice::<T>()).transpose()?;
            let bias = bias.map(|b| b.slice::<T>()).transpose()?;
            let outs = conv.channels();
            let image = |i: usize| {
                let (n, first_channel) = conv.seen(i);
                Sampled {
                    image: &x[n * channels * conv.windows.cells()..],
                    first_channel,
                    channels_per_group: channels / self.offset_groups,
                    windows: &conv.windows,
                    offsets: &offsets[n * samples * rank..],
                    mask: mask.map(|m| &m[n * samples..]),
                }
            };
            let w = (w.slice::<T>()?, |w: T, _: usize| w.widen());
            conv.run_on(io.context(), image, w, y.into_slice::<T>()?, |row, _, sums, out| {
                let bias = bias.map(|b| b[row % outs].widen());
                for (y, &sum) in out.iter_mut().zip(sums) {
                    *y = T::narrow(bias.map_or(sum, |b| sum.add(b)));
                }
            })
        })
    }
}

/// One image of the batch, as the displaced windows of one group of channels see it.
struct Sampled<'a, T> {
    image: &'a [T],
    first_channel: usize,
    channels_per_group: usize,
    windows: &'a Windows,
    offsets: &'a [T],
    mask: Option<&'a [T]>,
}

/// A cell that a sample is made of, and how much of it.
type Part<S> = (usize, S);

impl<T: Float> Right<T::Wide> for Sampled<'_, T> {
    fn fill_cols<const N: usize>(&self, k: Range<usize>, cols: Range<usize>, panels: &mut [[T::Wide; N]]) {
        let (taps, cells) = (self.windows.taps(), self.windows.cells());
        let corners = 1 << self.windows.axes().len();
        for tap in 0..taps.min(k.len()) {
            let first = k.start + tap;
            let (mut parts, mut parts_of) = (Vec::new(), None);
            for at in (first..k.end).step_by(taps) {
                let channel = self.first_channel + at / taps;
                let group = channel / self.channels_per_group;
                if parts_of != Some(group) {
                    parts.clear();
                    cols.clone().for_each(|pixel| self.sample(group, first % taps, pixel, &mut parts));
                    parts_of = Some(group);
                }
                let plane = &self.image[channel * cells..][..cells];
                for (panel, parts) in panels.chunks_mut(k.len()).zip(parts.chunks(N * corners)) {
                    for (to, parts) in panel[at - k.start].iter_mut().zip(parts.chunks(corners)) {
                        let part = |&(cell, much): &Part<T::Wide>| {
                            plane.get(cell).map_or(T::Wide::zero(), |x| x.widen().mul(much))
                        };
                        *to = parts.iter().map(part).fold(T::Wide::zero(), T::Wide::add);
                    }
                }
            }
        }
    }
}

impl<T: Float> Sampled<'_, T> {
    /// The parts of what a tap of a window holds: two per axis, multiplied.
    fn sample(&self, group: usize, tap: usize, pixel: usize, parts: &mut Vec<Part<T::Wide>>) {
        let axes = self.windows.axes();
        let pixels = self.windows.pixels();
        let sample = group * self.windows.taps() + tap;
        let outputs = self.windows.coordinates(pixel, |a| a.output);
        let taps = self.windows.coordinates(tap, |a| a.kernel);
        let begin = parts.len();
        let mask = self.mask.map_or(T::Wide::one(), |m| m[sample * pixels + pixel].widen());
        parts.push((0, mask));
        for (i, axis) in axes.iter().enumerate() {
            let start = (outputs[i] * axis.stride + taps[i] * axis.dilation) as f64 - axis.before as f64;
            let offset = self.offsets[(sample * axes.len() + i) * pixels + pixel].widen();
            let at = T::Wide::from_f64(start).add(offset);
            let below = at.map(f32::floor, f64::floor);
            let above_part = at.sub(below);
            let cell = below.to_f64();
            let have = parts.len();
            for j in begin..have {
                let (outer, much) = parts[j];
                let place = |cell: f64| {
                    // NaN lies nowhere.
                    let inside = cell >= 0.0 && cell < axis.input as f64;
                    let place = inside.then(|| outer.checked_mul(axis.input)?.checked_add(cell as usize));
                    place.flatten().unwrap_or(usize::MAX)
                };
                parts[j] = (place(cell), much.mul(T::Wide::one().sub(above_part)));
                parts.push((place(cell + 1.0), much.mul(above_part)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;

    fn sample(offset: f32) -> f32 {
        let tensor = |x: &[f32]| Some(Tensor::new(&[1, 1, x.len()], x).unwrap().into());
        let w = tensor(&[1.0]);
        let offsets = tensor(&[0.0, offset, 0.0]);
        let y = run(("", "DeformConv", 19), &[], &[tensor(&[1.0, 2.0, 4.0]), w, offsets], 1).unwrap();
        y[0].tensor().unwrap().slice::<f32>().unwrap()[1]
    }

    #[test]
    fn samples_lie_between_cells_and_fade_out_at_the_edge() {
        assert_eq!([0.0, 0.5, 1.0, 1.5, 2.0, -1.25].map(sample), [2.0, 3.0, 4.0, 2.0, 0.0, 0.75]);
        assert_eq!([1e30, -1e30, f32::NAN, f32::INFINITY].map(|o| sample(o) == 0.0 || o.is_nan()), [true; 4]);
    }
}
