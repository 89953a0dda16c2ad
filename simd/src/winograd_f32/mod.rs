//! Convolutions by kernels of 3 × 3 cells, one step at a time, with fewer multiplications: Winograd's way.
//!
//! An image is cut into tiles of `N` × `N` cells that overlap, each of which makes `N - 2` × `N - 2` pixels.
//! Both the tile and the kernel are transformed; then the sums over channels are products of matrices, one
//! for each of the `N` × `N` cells; and what they give is transformed back. For `N` = 4 that takes 16
//! products for 4 pixels, where 36 are usual, and for `N` = 6 it takes 36 for 16 pixels in place of 144.
//!
//! Sums are rounded in other places than usual, and a number in a tile shows in the rounding of all its
//! pixels. An infinity or NaN shows in all of them even where a window does not see it, which is wrong: so
//! whoever calls is told, and computes such an image in the usual way.

mod lines;
#[cfg(test)]
mod tests;
mod tiles;
mod weights;

pub use weights::{Tiles, Winograd};

use crate::depthwise_f32::Axis;
use crate::elementwise::unary_in_place;
use crate::gemm_f32::{Finish, gemm_f32, later};
use crate::{Isa, Lhs, MatrixMut, dispatch_plain};
use std::ops::Range;
use tiles::{Enter, Leave};

/// A convolution of one image, with its channels last.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The image: rows × columns × channels.
    pub image: &'a [f32],
    /// Windows from top to bottom.
    pub rows: Axis,
    /// Windows from left to right.
    pub cols: Axis,
    /// What becomes of sums; its rows are pixels, its columns channels.
    pub finish: Finish<'a>,
}

impl Job<'_> {
    /// Row and column of the first pixel of a tile.
    #[inline(always)]
    fn tile<const N: usize>(&self, tile: usize) -> (usize, usize) {
        let across = self.cols.output.div_ceil(N - 2);
        (tile / across * (N - 2), tile % across * (N - 2))
    }

    /// The cell that far behind the first one of the padded image, if it is not padding.
    #[inline(always)]
    fn cell(&self, row: usize, col: usize) -> Option<usize> {
        let row = row.checked_sub(self.rows.before).filter(|row| *row < self.rows.input)?;
        let col = col.checked_sub(self.cols.before).filter(|col| *col < self.cols.input)?;
        Some(row * self.cols.input + col)
    }
}

/// One matrix for each cell of a tile, one after the other.
struct Planes<'a> {
    data: &'a mut [f32],
    /// Elements from one to the next.
    size: usize,
    /// Elements from one row to the next.
    stride: usize,
}

impl Planes<'_> {
    /// Panics unless every plane has those elements of a row.
    #[inline(always)]
    fn check<const N: usize>(&self, row: usize, first: usize, len: usize) {
        let end = (N * N - 1) * self.size + row * self.stride + first + len;
        assert!(first + len <= self.stride && end <= self.data.len(), "the planes are too small");
    }
}

/// Elements of a plane of so many rows and columns: an odd number of cache lines, so that those of one
/// place in all planes do not evict one another.
fn plane(rows: usize, cols: usize) -> usize {
    (rows * cols).div_ceil(16) / 2 * 32 + 16
}

impl Winograd {
    /// Rows of pixels, and pixels of a row, that a tile makes.
    pub fn step(&self) -> usize {
        self.tiles().cells() - 2
    }

    /// Floats of scratch memory that so many tiles at a time take.
    pub fn scratch(&self, tiles: usize) -> usize {
        let cells = self.tiles().cells();
        cells * cells * (plane(tiles, self.ins()) + plane(tiles, self.outs()))
    }

    /// Computes some rows of the output, the first of them one that tiles begin with; so many tiles at a time
    /// as `scratch` has room for. False: some sums were not finite, and what was written is worth nothing.
    ///
    /// # Panics
    /// If the image, an addend or the output is smaller than that needs, or there is no room for a tile.
    pub fn convolve(
        &self,
        isa: Isa,
        job: &Job<'_>,
        rows: Range<usize>,
        (most, scratch): (usize, &mut [f32]),
        out: &mut [f32],
    ) -> bool {
        assert!(job.image.len() >= job.rows.input * job.cols.input * self.ins(), "the image is too small");
        assert_eq!(out.len(), rows.len() * job.cols.output * self.outs(), "the output is of another size");
        assert!(rows.start.is_multiple_of(self.step()) && most > 0 && scratch.len() >= self.scratch(most));
        let finite = match self.tiles() {
            Tiles::Four => self.convolve_by::<4>(isa, job, rows, (most, scratch), out),
            Tiles::Six => self.convolve_by::<6>(isa, job, rows, (most, scratch), out),
        };
        if let Some(function) = later(job.finish.function).filter(|_| finite) {
            unary_in_place(isa, function, out);
        }
        finite
    }

    fn convolve_by<const N: usize>(
        &self,
        isa: Isa,
        job: &Job<'_>,
        rows: Range<usize>,
        (most, scratch): (usize, &mut [f32]),
        out: &mut [f32],
    ) -> bool {
        let (ins, outs, across) = (self.ins(), self.outs(), job.cols.output.div_ceil(N - 2));
        let tiles = rows.start / (N - 2) * across..rows.end.div_ceil(N - 2) * across;
        let mut finite = true;
        for start in tiles.clone().step_by(most) {
            let tiles = start..tiles.end.min(start + most);
            let sizes = [plane(tiles.len(), ins), plane(tiles.len(), outs)];
            let (left, products) = scratch.split_at_mut(N * N * sizes[0]);
            let planes = Planes { data: left, size: sizes[0], stride: ins };
            dispatch_plain(isa, Enter::<N> { job, tiles: tiles.clone(), channels: ins, planes });
            let planes = left.chunks_exact(sizes[0]).zip(products.chunks_exact_mut(sizes[1]));
            for ((left, to), weights) in planes.zip(self.matrices()) {
                let left = Lhs::Rows { data: left, stride: ins };
                let to = MatrixMut::with_stride(to, tiles.len(), outs, outs);
                gemm_f32(isa, left, weights, &Finish::default(), to);
            }
            let planes = Planes { data: products, size: sizes[1], stride: outs };
            let leave = Leave::<N> { job, tiles, channels: outs, planes, first: rows.start, out: &mut *out };
            finite &= dispatch_plain(isa, leave);
        }
        finite
    }
}
