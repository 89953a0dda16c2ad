//! Windows over an image: which of its cells a window holds.

use crate::ops::window::Axis;
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
