//! Convolutions in which every channel sees itself alone, over images of f32 with their channels last.
//!
//! A sum goes over the taps from first to last; those in the padding count as zeros above and below the
//! image, and are left out beside it.

use crate::elementwise::unary_in_place;
use crate::gemm_f32::{Finish, later};
use crate::{Isa, Simd, Task, dispatch_plain};
use std::ops::Range;

/// The windows along one axis.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Cells of the image.
    pub input: usize,
    /// Cells of the kernel.
    pub kernel: usize,
    /// Steps from one output to the next.
    pub stride: usize,
    /// Steps from one cell of the kernel to the next.
    pub dilation: usize,
    /// Padding before the image.
    pub before: usize,
    /// Cells of the output.
    pub output: usize,
}

impl Axis {
    /// The cell under a tap of an output's window, if it lies in the image.
    #[inline(always)]
    fn cell(&self, output: usize, tap: usize) -> Option<usize> {
        let cell = (output * self.stride + tap * self.dilation).checked_sub(self.before)?;
        (cell < self.input).then_some(cell)
    }

    /// The outputs whose windows lie within the image.
    fn inner(&self) -> Range<usize> {
        let span = self.kernel.saturating_sub(1) * self.dilation;
        let start = self.before.div_ceil(self.stride);
        let end = (self.input + self.before).saturating_sub(span).div_ceil(self.stride).min(self.output);
        start.min(end)..end
    }
}

/// A depthwise convolution of one image.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise<'a> {
    /// The image: rows × columns × channels.
    pub image: &'a [f32],
    /// Its channels.
    pub channels: usize,
    /// Windows from top to bottom.
    pub rows: Axis,
    /// Windows from left to right.
    pub cols: Axis,
    /// For every tap, row by row, a weight for each channel.
    pub weights: &'a [f32],
    /// What becomes of sums; its rows are pixels, its columns channels.
    pub finish: Finish<'a>,
}

/// Computes some rows of the output.
///
/// # Panics
/// If the image, the weights, an addend or the output is smaller than that needs.
pub fn depthwise_f32(isa: Isa, job: &Depthwise<'_>, rows: Range<usize>, out: &mut [f32]) {
    let Depthwise { channels, rows: y, cols: x, .. } = *job;
    assert!(job.image.len() >= y.input * x.input * channels, "the image is too small");
    assert!(job.weights.len() >= y.kernel * x.kernel * channels, "there are too few weights");
    assert_eq!(out.len(), rows.len() * x.output * channels, "the output is of another size");
    dispatch_plain(isa, Rows { isa, job, rows, out });
}

struct Rows<'a> {
    isa: Isa,
    job: &'a Depthwise<'a>,
    rows: Range<usize>,
    out: &'a mut [f32],
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Rows { isa, job, rows, out } = self;
        let Depthwise { channels, rows: y, cols: x, .. } = *job;
        let (row_len, outside) = (x.input * channels, vec![0.0; x.input * channels]);
        let mut above = Vec::with_capacity(y.kernel);
        for (row, out) in rows.zip(out.chunks_exact_mut((x.output * channels).max(1))) {
            above.clear();
            for tap in 0..y.kernel {
                above.push(match y.cell(row, tap) {
                    Some(cell) => &job.image[cell * row_len..][..row_len],
                    None => &outside[..],
                });
            }
            let line = Line { job, above: &above, row, inner: x.inner() };
            let done = match (y.kernel, x.kernel) {
                (3, 3) => line.strips::<S, 3, 3>(s, out),
                (5, 5) => line.strips::<S, 5, 5>(s, out),
                _ => 0,
            };
            line.other_strips(s, done, out);
            if let Some(function) = later(job.finish.function) {
                unary_in_place(isa, function, out);
            }
        }
    }
}

/// A row of the output, in strips of as many channels as a vector has.
struct Line<'a> {
    job: &'a Depthwise<'a>,
    /// The rows of the image that the window sees.
    above: &'a [&'a [f32]],
    row: usize,
    /// Outputs whose windows see no padding beside the image.
    inner: Range<usize>,
}

impl Line<'_> {
    /// With a kernel of a size that is known, as many whole vectors as there are; says how many channels these are.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn strips<S: Simd, const KH: usize, const KW: usize>(&self, s: S, out: &mut [f32]) -> usize {
        let whole = self.job.channels / S::LANES * S::LANES;
        for channel in (0..whole).step_by(S::LANES) {
            self.strip::<S, KH, KW>(s, channel, out);
        }
        whole
    }

    /// One strip, its weights in registers.
    #[inline(always)]
    fn strip<S: Simd, const KH: usize, const KW: usize>(&self, s: S, channel: usize, out: &mut [f32]) {
        let Depthwise { channels, cols: x, weights, finish, .. } = *self.job;
        let mut kernel = [[s.splat(0.0); KW]; KH];
        for (i, row) in kernel.iter_mut().enumerate() {
            for (j, weight) in row.iter_mut().enumerate() {
                *weight = s.load(&weights[(i * KW + j) * channels + channel..]);
            }
        }
        let mut above = [std::ptr::null::<f32>(); KH];
        for (to, row) in above.iter_mut().zip(&self.above[..KH]) {
            assert!(row.len() == x.input * channels && channel + S::LANES <= channels);
            *to = row.as_ptr();
        }
        for (col, out) in out.chunks_exact_mut(channels).enumerate() {
            let mut sum = s.splat(0.0);
            if self.inner.contains(&col) {
                let first = (col * x.stride - x.before) * channels + channel;
                for (row, kernel) in above.iter().zip(&kernel) {
                    for (j, &weight) in kernel.iter().enumerate() {
                        // SAFETY: the window lies within the row, and the vector within the channels.
                        let cell = unsafe { s.load_at(row.add(first + j * x.dilation * channels)) };
                        sum = s.mul_add(cell, weight, sum);
                    }
                }
            } else {
                for (row, kernel) in self.above.iter().zip(&kernel) {
                    for (j, &weight) in kernel.iter().enumerate() {
                        if let Some(cell) = x.cell(col, j) {
                            sum = s.mul_add(s.load(&row[cell * channels + channel..]), weight, sum);
                        }
                    }
                }
            }
            let at = (self.row * x.output + col, channel);
            s.store(finish.apply(s, sum, at, S::LANES), &mut out[channel..]);
        }
    }

    /// With any kernel, the strips from a channel on, the last of as many channels as are left.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn other_strips<S: Simd>(&self, s: S, from: usize, out: &mut [f32]) {
        for channel in (from..self.job.channels).step_by(S::LANES) {
            self.other_strip(s, channel..self.job.channels.min(channel + S::LANES), out);
        }
    }

    #[inline(always)]
    fn other_strip<S: Simd>(&self, s: S, here: Range<usize>, out: &mut [f32]) {
        let Depthwise { channels, cols: x, weights, finish, .. } = *self.job;
        for (col, out) in out.chunks_exact_mut(channels).enumerate() {
            let mut sum = s.splat(0.0);
            for (i, row) in self.above.iter().enumerate() {
                for j in 0..x.kernel {
                    if let Some(cell) = x.cell(col, j) {
                        let cell = s.load_some(&row[cell * channels..][here.clone()]);
                        let weights = &weights[(i * x.kernel + j) * channels..];
                        sum = s.mul_add(cell, s.load_some(&weights[here.clone()]), sum);
                    }
                }
            }
            let at = (self.row * x.output + col, here.start);
            s.store_some(finish.apply(s, sum, at, here.len()), &mut out[here.clone()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementwise::Unary;
    use crate::gemm_f32::Addend;

    /// Whole numbers, so that sums are exact in any order.
    fn whole(n: usize, by: usize) -> Vec<f32> {
        (0..n).map(|i| (i * by % 17) as f32 - 8.0).collect()
    }

    fn axis(input: usize, kernel: usize, stride: usize, dilation: usize, pads: usize) -> Axis {
        let span = (kernel - 1) * dilation + 1;
        let output = (input + 2 * pads - span) / stride + 1;
        Axis { input, kernel, stride, dilation, before: pads, output }
    }

    #[test]
    fn sums_are_exact_whatever_the_window() {
        for (kernel, stride, dilation, pads) in [
            (3, 1, 1, 1),
            (3, 2, 1, 1),
            (5, 1, 1, 2),
            (5, 2, 1, 0),
            (3, 1, 2, 2),
            (4, 3, 1, 3),
            (1, 1, 1, 0),
            (3, 1, 1, 5),
        ] {
            for channels in [1, 5, 16, 35, 64] {
                let (rows, cols) =
                    (axis(9, kernel, stride, dilation, pads), axis(11, kernel, stride, dilation, pads));
                let image = whole(9 * 11 * channels, 7);
                let weights = whole(kernel * kernel * channels, 5);
                let (bias, more) = (whole(channels, 3), whole(rows.output * cols.output * channels, 11));
                let finish = Finish {
                    bias: Some(&bias),
                    addend: Some(Addend { data: &more, stride: channels, beta: 1.0 }),
                    function: Some(Unary::LeakyRelu { alpha: 0.5 }),
                    ..Finish::default()
                };
                let job = Depthwise { image: &image, channels, rows, cols, weights: &weights, finish };
                let expected = |i: usize| {
                    let (pixel, c) = (i / channels, i % channels);
                    let mut sum = bias[c] + more[i];
                    for tap in 0..kernel * kernel {
                        let (y, x) = (tap / kernel, tap % kernel);
                        let cell = (rows.cell(pixel / cols.output, y), cols.cell(pixel % cols.output, x));
                        if let (Some(y), Some(x)) = cell {
                            sum += image[(y * 11 + x) * channels + c] * weights[tap * channels + c];
                        }
                    }
                    if sum < 0.0 { 0.5 * sum } else { sum }
                };
                for isa in Isa::supported() {
                    let line = cols.output * channels;
                    let mut out = vec![f32::NAN; rows.output * line];
                    let (top, rest) = out.split_at_mut(line);
                    depthwise_f32(isa, &job, 0..1, top);
                    depthwise_f32(isa, &job, 1..rows.output, rest);
                    for (i, &got) in out.iter().enumerate() {
                        assert_eq!(
                            got,
                            expected(i),
                            "{isa:?} {kernel}×{kernel} of {channels} channels at {i}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_convolved_to_nothing() {
        let none = Axis { output: 0, ..axis(3, 3, 1, 1, 0) };
        let job = Depthwise {
            image: &[0.0; 9],
            channels: 1,
            rows: axis(3, 3, 1, 1, 0),
            cols: none,
            weights: &[1.0; 9],
            finish: Finish::default(),
        };
        depthwise_f32(Isa::best(), &job, 0..1, &mut []);
    }
}
