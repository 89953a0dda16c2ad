//! Between the image and the products: tiles of cells go in, tiles of sums come out.

use super::lines::{cells, sums};
use super::{Job, Planes};
use crate::{Simd, Task};
use std::ops::Range;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// Writes what the products want of some tiles: a plane for each cell of a tile, a row for each tile.
pub struct Enter<'a, const N: usize> {
    pub job: &'a Job<'a>,
    /// Which tiles, row by row of the whole image.
    pub tiles: Range<usize>,
    pub channels: usize,
    pub planes: Planes<'a>,
}

impl<const N: usize> Task for Enter<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Enter { job, channels, .. } = self;
        let outside = vec![0.0; channels];
        for (row, tile) in self.tiles.clone().enumerate() {
            let (y, x) = job.tile::<N>(tile);
            let mut from = [[outside.as_ptr(); N]; N];
            for (i, from) in from.iter_mut().enumerate() {
                for (j, from) in from.iter_mut().enumerate() {
                    if let Some(cell) = job.cell(y + i, x + j) {
                        *from = job.image[cell * channels..][..channels].as_ptr();
                    }
                }
            }
            let whole = channels - channels % S::LANES;
            for channel in (0..whole).step_by(S::LANES) {
                self.planes.check::<N>(row, channel, S::LANES);
                // SAFETY: the cells and, as was checked, the planes have the vector.
                unsafe { enter::<S, N, true>(s, &from, (row, channel, S::LANES), &mut self.planes) }
            }
            if whole < channels {
                self.planes.check::<N>(row, whole, channels - whole);
                // SAFETY: the cells and, as was checked, the planes have that many channels.
                unsafe { enter::<S, N, false>(s, &from, (row, whole, channels - whole), &mut self.planes) }
            }
        }
    }
}

/// Some channels of one tile, a vector of them where they are `WHOLE`.
///
/// # Safety
/// Every cell and every plane must have them.
#[inline(always)]
unsafe fn enter<S: Simd, const N: usize, const WHOLE: bool>(
    s: S,
    from: &[[*const f32; N]; N],
    (row, channel, len): (usize, usize, usize),
    planes: &mut Planes<'_>,
) {
    let mut half = [[s.splat(0.0); N]; N];
    for j in 0..N {
        let mut column = [s.splat(0.0); N];
        for (to, from) in column.iter_mut().zip(from) {
            // SAFETY: the caller's promise.
            *to = unsafe { load::<S, WHOLE>(s, from[j].add(channel), len) };
        }
        let column = cells::<S, N>(s, column);
        for (half, x) in half.iter_mut().zip(column) {
            half[j] = x;
        }
    }
    let mut to = planes.data[row * planes.stride + channel..].as_mut_ptr();
    for line in half {
        for x in cells::<S, N>(s, line) {
            // SAFETY: the caller's promise.
            unsafe {
                store::<S, WHOLE>(s, x, to, len);
            }
            to = to.wrapping_add(planes.size);
        }
    }
}

/// Writes the outputs of some tiles, of what the products have put into planes, and says whether all their
/// sums were finite.
pub struct Leave<'a, const N: usize> {
    pub job: &'a Job<'a>,
    /// Which tiles, row by row of the whole image.
    pub tiles: Range<usize>,
    pub channels: usize,
    pub planes: Planes<'a>,
    /// The output from that row of pixels on.
    pub first: usize,
    pub out: &'a mut [f32],
}

impl<const N: usize> Task for Leave<'_, N> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) -> bool {
        let channels = self.channels;
        // 0 as long as all sums are finite, else NaN.
        let mut seen = s.splat(0.0);
        for (row, tile) in self.tiles.clone().enumerate() {
            let at = self.job.tile::<N>(tile);
            let whole = channels - channels % S::LANES;
            for channel in (0..whole).step_by(S::LANES) {
                seen = self.leave::<S, true>(s, seen, at, (row, channel, S::LANES));
            }
            if whole < channels {
                seen = self.leave::<S, false>(s, seen, at, (row, whole, channels - whole));
            }
        }
        s.sum(seen) == 0.0
    }
}

impl<const N: usize> Leave<'_, N> {
    /// Some channels of one tile, a vector of them where they are `WHOLE`.
    #[inline(always)]
    fn leave<S: Simd, const WHOLE: bool>(
        &mut self,
        s: S,
        mut seen: S::F,
        (y, x): (usize, usize),
        (row, channel, len): (usize, usize, usize),
    ) -> S::F {
        let Leave { job, channels, ref planes, first, ref mut out, .. } = *self;
        planes.check::<N>(row, channel, len);
        let from = planes.data[row * planes.stride + channel..].as_ptr();
        let mut half = [[s.splat(0.0); N]; N];
        for j in 0..N {
            let mut column = [s.splat(0.0); N];
            for (i, to) in column.iter_mut().enumerate() {
                // SAFETY: as was checked, every plane has that many channels.
                *to = unsafe { load::<S, WHOLE>(s, from.add((i * N + j) * planes.size), len) };
            }
            let column = sums::<S, N>(s, column);
            for (half, x) in half.iter_mut().zip(column) {
                half[j] = x;
            }
        }
        let (rows, cols) = (job.rows.output.min(y + N - 2) - y, job.cols.output.min(x + N - 2) - x);
        for (i, half) in half.iter().enumerate().take(N - 2) {
            let line = sums::<S, N>(s, *half);
            for (j, &x_sum) in line.iter().enumerate().take(N - 2) {
                seen = s.mul_add(x_sum, s.splat(0.0), seen);
                if i < rows && j < cols {
                    let pixel = (y + i) * job.cols.output + x + j;
                    let to = &mut out[(pixel - first * job.cols.output) * channels + channel..][..len];
                    let result = job.finish.apply(s, x_sum, (pixel, channel), len);
                    // SAFETY: the slice is that long.
                    unsafe { store::<S, WHOLE>(s, result, to.as_mut_ptr(), len) };
                }
            }
        }
        seen
    }
}

/// # Safety
/// There must be so many elements, or a vector of them where they are `WHOLE`.
#[inline(always)]
unsafe fn load<S: Simd, const WHOLE: bool>(s: S, from: *const f32, len: usize) -> S::F {
    // SAFETY: the caller's promise.
    unsafe { if WHOLE { s.load_at(from) } else { s.load_some(from_raw_parts(from, len)) } }
}

/// # Safety
/// There must be room for so many elements, or a vector of them where they are `WHOLE`.
#[inline(always)]
unsafe fn store<S: Simd, const WHOLE: bool>(s: S, x: S::F, to: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { if WHOLE { s.store_at(x, to) } else { s.store_some(x, from_raw_parts_mut(to, len)) } }
}
