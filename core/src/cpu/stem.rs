//! The first convolution of a model: an image of few channels, in which a tap alone is too short to be worth
//! going to. With its padding written out, all taps of a window's row follow one another.

use super::seen::View;
use crate::Result;
use crate::ops::conv::ConvWindows;
use crate::ops::window::Axis;
use edgewise_simd::{Lhs, OUTSIDE};
use std::borrow::Cow;

/// Channels up to which it pays.
const CHANNELS: usize = 8;

/// What windows see of an image with its padding left and right written out.
pub struct Stem<'a, T> {
    image: Vec<T>,
    offsets: Cow<'a, [u32]>,
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

/// Where the rows of taps of every window begin in the padded image.
pub fn offsets(axes: &[Axis], channels: usize) -> Result<Vec<u32>> {
    let [rows, cols] = axes else { bail!(Internal, "a stem of {} axes", axes.len()) };
    let Some((line, _)) = sizes([rows, cols], channels) else { bail!(Internal, "a stem that does not fit") };
    let pixels = rows.output * cols.output;
    let mut offsets = Vec::new();
    offsets
        .try_reserve_exact(pixels.saturating_mul(rows.kernel))
        .map_err(|_| err!(OutOfMemory, "no memory for the windows of {pixels} pixels"))?;
    for pixel in 0..pixels {
        let (row, col) = (pixel / cols.output, pixel % cols.output);
        for tap in 0..rows.kernel {
            let cell = (row * rows.stride + tap * rows.dilation).checked_sub(rows.before);
            let cell = cell.filter(|cell| *cell < rows.input);
            offsets.push(cell.map_or(OUTSIDE, |y| (y * line + col * cols.stride * channels) as u32));
        }
    }
    Ok(offsets)
}

impl<'a, T: Copy> Stem<'a, T> {
    /// Of one image that is seen like that and has so many channels, which are last, with `pad` around it;
    /// `None` if it is too large for 32-bit offsets.
    pub fn new(image: &[T], view: &'a View, channels: usize, pad: T) -> Result<Option<Stem<'a, T>>> {
        let [rows, cols] = view.conv.windows.axes() else { return Ok(None) };
        let Some((line, size)) = sizes([rows, cols], channels) else { return Ok(None) };
        let mut padded = Vec::new();
        padded
            .try_reserve_exact(size)
            .map_err(|_| err!(OutOfMemory, "no memory for a padded image of {size} elements"))?;
        let (left, dense) = (cols.before * channels, cols.input * channels);
        for row in 0..rows.input {
            padded.resize(row * line + left, pad);
            padded.extend_from_slice(&image[row * dense..][..dense]);
        }
        padded.resize(size, pad);
        let offsets = view.stem_offsets()?;
        Ok(Some(Stem { image: padded, offsets, taps: rows.kernel, width: cols.kernel * channels, pad }))
    }

    /// As the left factor of a product.
    pub fn left(&self) -> Lhs<'_, T> {
        let Stem { image, offsets, taps, width, pad } = self;
        Lhs::Taps { image, offsets, taps: *taps, width: *width, pad: *pad }
    }
}
