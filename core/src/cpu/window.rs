//! Windows over an image: which of its cells a window holds.

use super::RunContext;
use super::pool::even;
use crate::ops::window::Axis;
use crate::{Result, Shape};
use std::ops::Range;

/// The offset of a cell that lies in the padding; no slice is as long.
pub const NOWHERE: usize = usize::MAX;

/// The windows of a convolution or a pool over images of any number of axes.
#[derive(Clone, Debug)]
pub struct Windows {
    axes: Vec<Axis>,
    /// Whether outputs are spread over the image, as the transposed convolution does.
    transposed: bool,
}

impl Windows {
    /// Windows with those axes.
    pub fn new(axes: Vec<Axis>, transposed: bool) -> Windows {
        Windows { axes, transposed }
    }

    /// The axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Cells of the input image.
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|a| a.input).product()
    }

    /// Cells of a window.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.kernel).product()
    }

    /// Cells of the output image.
    pub fn pixels(&self) -> usize {
        self.axes.iter().map(|a| a.output).product()
    }

    /// Whether there is one window, and it holds every cell once.
    pub fn is_whole(&self) -> bool {
        self.axes.iter().all(|a| a.output == 1 && a.kernel == a.input && a.before == 0 && a.dilation == 1)
    }

    /// Whether output and input are the same cells, one by one.
    pub fn is_identity(&self) -> bool {
        self.axes.iter().all(|a| a.kernel == 1 && a.stride == 1 && a.before == 0 && a.output == a.input)
    }

    /// For each of `pixels`, the offset of the cell under tap number `tap` of its window, or [`NOWHERE`].
    pub fn offsets(&self, tap: usize, pixels: Range<usize>, out: &mut [usize]) {
        let Some((last, outer)) = self.axes.split_last() else { return out.fill(0) };
        let (last_tap, outer_taps) = (tap % last.kernel, tap / last.kernel);
        let mut next = pixels.start;
        while next < pixels.end {
            let column = next % last.output;
            let len = (last.output - column).min(pixels.end - next);
            let row = self.row_offset(outer, outer_taps, next / last.output);
            let out = &mut out[next - pixels.start..][..len];
            match row {
                None => out.fill(NOWHERE),
                Some(row) => {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = self.cell(last, column + i, last_tap).map_or(NOWHERE, |x| row + x);
                    }
                }
            }
            next += len;
        }
    }

    /// Calls `each` with the offset of every cell that the window of `pixel` holds, in order.
    pub fn visit(&self, pixel: usize, mut each: impl FnMut(usize)) {
        let outputs = self.coordinates(pixel, |a| a.output);
        self.visit_axes(&self.axes, &outputs, 0, &mut each);
    }

    fn visit_axes(&self, axes: &[Axis], outputs: &[usize], offset: usize, each: &mut impl FnMut(usize)) {
        let ([axis, inner @ ..], [output, outputs @ ..]) = (axes, outputs) else { return each(offset) };
        let start = output * axis.stride;
        // The first and the last tap that lie in the image.
        let first = axis.before.saturating_sub(start).div_ceil(axis.dilation);
        let end = (axis.input + axis.before).saturating_sub(start).div_ceil(axis.dilation).min(axis.kernel);
        for tap in first..end {
            let cell = start + tap * axis.dilation - axis.before;
            self.visit_axes(inner, outputs, offset * axis.input + cell, each);
        }
    }

    /// How many cells the window of `pixel` has in the image and its padding.
    pub fn padded_taps(&self, pixel: usize) -> f64 {
        let outputs = self.coordinates(pixel, |a| a.output);
        let taps = |(a, output): (&Axis, usize)| {
            let room = (a.before + a.input + a.after).saturating_sub(output * a.stride);
            room.div_ceil(a.dilation).min(a.kernel) as f64
        };
        self.axes.iter().zip(outputs).map(taps).product()
    }

    /// The offset of a cell if the first axis were the one that moves fastest.
    pub fn column_major(&self, offset: usize) -> usize {
        let at = self.coordinates(offset, |a| a.input);
        self.axes.iter().zip(at).rev().fold(0, |offset, (a, at)| offset * a.input + at)
    }

    /// A number split into coordinates along axes of those sizes.
    pub fn coordinates(&self, mut number: usize, size: impl Fn(&Axis) -> usize) -> Shape {
        let mut at = Shape::from_elem(0, self.axes.len());
        for (at, axis) in at.iter_mut().zip(&self.axes).rev() {
            *at = number % size(axis);
            number /= size(axis);
        }
        at
    }

    /// Where the row of cells begins that a tap of all axes but the last lies in.
    fn row_offset(&self, outer: &[Axis], mut taps: usize, mut pixels: usize) -> Option<usize> {
        let (mut offset, mut step) = (0, self.axes[outer.len()].input);
        for axis in outer.iter().rev() {
            offset += step * self.cell(axis, pixels % axis.output, taps % axis.kernel)?;
            step *= axis.input;
            pixels /= axis.output;
            taps /= axis.kernel;
        }
        Some(offset)
    }

    fn cell(&self, axis: &Axis, output: usize, tap: usize) -> Option<usize> {
        let cell = if self.transposed {
            let ahead = (output + axis.before).checked_sub(tap * axis.dilation)?;
            (ahead % axis.stride == 0).then_some(ahead / axis.stride)?
        } else {
            (output * axis.stride + tap * axis.dilation).checked_sub(axis.before)?
        };
        (cell < axis.input).then_some(cell)
    }
}

/// Windows that one thread takes at a time.
const SHARE: usize = 1024;
/// Cells of windows that a thread lists at once.
const LIST: usize = 1 << 16;

/// Images to be pooled: planes of cells, each cell of `inner` channels.
pub struct Images {
    /// The windows over each plane.
    pub windows: Windows,
    /// Channels that lie side by side; 1 where every channel is a plane of its own.
    pub inner: usize,
}

impl Images {
    /// What some windows make of their cells, all channels at once: `work` gets the image, where each window's
    /// cell begins in it, tap after tap ([`NOWHERE`] in the padding), and where the results go.
    pub fn cells<T: Copy + Send + Sync>(
        &self,
        cx: &RunContext<'_>,
        x: &[T],
        y: &mut [T],
        work: impl Fn(&[T], &[usize], &mut [T]) + Sync,
    ) -> Result<()> {
        let (cells, pixels, inner) = (self.windows.cells(), self.windows.pixels(), self.inner);
        let (threads, taps) = (cx.pool.threads(), self.windows.taps());
        let share = even(pixels, pixels.div_ceil(SHARE).max(4 * threads), threads);
        let share = share.min(LIST / taps.max(1)).max(1);
        for (i, y) in y.chunks_mut((pixels * inner).max(1)).enumerate() {
            let x = &x[i * cells * inner..][..cells * inner];
            cx.pool.chunks(y, share * inner, |i, y| {
                cx.check()?;
                let first = i * share;
                let windows = y.len() / inner;
                let mut all = vec![NOWHERE; windows * taps];
                for (tap, cells) in all.chunks_mut(windows.max(1)).enumerate() {
                    self.windows.offsets(tap, first..first + windows, cells);
                    cells.iter_mut().filter(|cell| **cell != NOWHERE).for_each(|cell| *cell *= inner);
                }
                work(x, &all, y);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A fold over every window: from `first`, by `fold` with every cell and its offset in the plane, in
    /// order, to what `finish` makes of it, told the number of the window in its plane.
    pub fn pool<X: Copy + Sync, A: Copy + Sync, Y: Send>(
        &self,
        cx: &RunContext<'_>,
        x: &[X],
        y: &mut [Y],
        first: A,
        fold: impl Fn(A, X, usize) -> A + Sync,
        finish: impl Fn(A, usize) -> Y + Sync,
    ) -> Result<()> {
        let (cells, pixels, inner) = (self.windows.cells(), self.windows.pixels(), self.inner);
        cx.pool.chunks(y, SHARE * inner, |i, y| {
            cx.check()?;
            let mut sums = vec![first; inner];
            for (window, y) in (i * SHARE..).zip(y.chunks_mut(inner)) {
                let (plane, pixel) = (window / pixels, window % pixels);
                let plane = &x[plane * cells * inner..];
                sums.fill(first);
                self.windows.visit(pixel, |at| {
                    for (sum, &x) in sums.iter_mut().zip(&plane[at * inner..]) {
                        *sum = fold(*sum, x, at);
                    }
                });
                for (y, &sum) in y.iter_mut().zip(&sums) {
                    *y = finish(sum, pixel);
                }
            }
            Ok(())
        })
    }
}
