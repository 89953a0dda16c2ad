//! The first convolution of a model: an image of few channels, in which a tap alone is too short to be worth
//! going to. With its padding written out, all taps of a window's row follow one another.

use crate::Result;
use crate::ops::conv::ConvWindows;
use crate::ops::window::Axis;
use edgewise_simd::{Lhs, OUTSIDE};

/// Channels up to which it pays.
const CHANNELS: usize = 8;

/// What windows see of an image with its padding left and right written out.
pub struct Stem<T> {
    image: Vec<T>,
    offsets: Vec<u32>,
    taps: usize,
    width: usize,
    pad: T,
}

/// Whether it pays for a kernel of that shape, as far as that can be said before images come.
pub fn suits(windows: &ConvWindows, kernel: &[usize], channels: usize) -> bool {
    matches!(kernel, [_, cols] if *cols > 1)
        && windows.window.steps(1).1 == 1
        && windows.groups == 1
        && channels <= CHANNELS
}

/// Whether offsets of 32 bits reach everything.
pub fn fits(axes: &[Axis], channels: usize) -> bool {
    matches!(axes, [rows, cols] if sizes([rows, cols], channels).is_some())
}

/// Elements of a line of the padded image, and of all of it.
fn sizes([rows, cols]: [&Axis; 2], channels: usize) -> Option<(usize, usize)> {
    let reach = (cols.output.max(1) - 1) * cols.stride + cols.kernel;
    let line = reach.max(cols.before + cols.input).checked_mul(channels)?;
    let size = line.checked_mul(rows.input).filter(|n| *n < OUTSIDE as usize)?;
    Some((line, size))
}

impl<T: Copy> Stem<T> {
    /// Of one image of so many channels, which are last, with `pad` around it; `None` if it is too large for
    /// 32-bit offsets.
    pub fn new(image: &[T], [rows, cols]: [&Axis; 2], channels: usize, pad: T) -> Result<Option<Stem<T>>> {
        let Some((line, size)) = sizes([rows, cols], channels) else { return Ok(None) };
        let pixels = rows.output * cols.output;
        let no_memory = |_| err!(OutOfMemory, "no memory for the windows of {pixels} pixels");
        let (mut padded, mut offsets) = (Vec::new(), Vec::new());
        padded.try_reserve_exact(size).map_err(no_memory)?;
        offsets.try_reserve_exact(pixels.saturating_mul(rows.kernel)).map_err(no_memory)?;
        padded.resize(size, pad);
        let dense = cols.input * channels;
        if dense > 0 {
            for (to, from) in padded.chunks_mut(line).zip(image.chunks(dense)) {
                to[cols.before * channels..][..dense].copy_from_slice(from);
            }
        }
        for pixel in 0..pixels {
            let (row, col) = (pixel / cols.output, pixel % cols.output);
            for tap in 0..rows.kernel {
                let cell = (row * rows.stride + tap * rows.dilation).checked_sub(rows.before);
                let cell = cell.filter(|cell| *cell < rows.input);
                offsets.push(cell.map_or(OUTSIDE, |y| (y * line + col * cols.stride * channels) as u32));
            }
        }
        Ok(Some(Stem { image: padded, offsets, taps: rows.kernel, width: cols.kernel * channels, pad }))
    }

    /// As the left factor of a product.
    pub fn left(&self) -> Lhs<'_, T> {
        let Stem { image, offsets, taps, width, pad } = self;
        Lhs::Taps { image, offsets, taps: *taps, width: *width, pad: *pad }
    }
}
