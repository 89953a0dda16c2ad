//! Images and their windows on the host: what `common/window.wgsl` reads.

use super::shared::word;
use edgewise_core::Result;
use edgewise_core::ops::window::Axis;

/// Axes of an image that shaders walk.
pub const MOST_AXES: usize = 3;

/// Windows over images whose channels lie first or last.
pub struct Windows<'a> {
    pub axes: &'a [Axis],
    pub images: usize,
    /// Groups of channels, and the channels of each before and after.
    pub groups: usize,
    pub ins: usize,
    pub outs: usize,
    pub channels_last: bool,
}

impl Windows<'_> {
    /// Outputs of one channel of one image.
    pub fn pixels(&self) -> usize {
        self.axes.iter().map(|axis| axis.output).product()
    }

    /// Cells of a window.
    pub fn taps(&self) -> usize {
        self.axes.iter().map(|axis| axis.kernel).product()
    }

    /// The words of it.
    pub fn parameters(&self) -> Result<Vec<u32>> {
        ensure!(self.axes.len() <= MOST_AXES, Unsupported, "images of {} axes", self.axes.len());
        let cells: usize = self.axes.iter().map(|axis| axis.input).product();
        let (pixels, ins, outs) = (self.pixels(), self.ins * self.groups, self.outs * self.groups);
        let (x_channel, x_cell) = if self.channels_last { (1, ins) } else { (cells, 1) };
        let (y_channel, y_pixel) = if self.channels_last { (1, outs) } else { (pixels, 1) };
        let head = [
            self.axes.len(),
            self.taps(),
            pixels,
            self.outs,
            self.ins,
            self.groups,
            ins * cells,
            x_channel,
            outs * pixels,
            y_channel,
            y_pixel,
            self.images,
        ];
        let mut sizes = [0usize; 4 * MOST_AXES];
        let mut places = [0usize; 4 * MOST_AXES];
        let mut step = x_cell;
        let rows = sizes.chunks_mut(4).zip(places.chunks_mut(4)).take(self.axes.len());
        for (axis, (size, place)) in self.axes.iter().zip(rows).rev() {
            size.copy_from_slice(&[axis.input, axis.kernel, axis.stride, axis.dilation]);
            place.copy_from_slice(&[axis.before, axis.output, step, axis.after]);
            step *= axis.input;
        }
        head.iter().chain(&sizes).chain(&places).map(|&size| word(size)).collect()
    }
}
