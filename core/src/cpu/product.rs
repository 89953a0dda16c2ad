//! The product of two matrices: one loop nest, for every type.
//!
//! A kernel hands over its factors as things that fill blocks: a matrix with strides (so that a transpose
//! costs nothing), an image seen through the windows of a convolution, bytes less their zero points. What
//! comes out goes through the kernel's own last step (bias, activation, requantization) row by row.
//!
//! Sums of f32 are those of `edgewise_simd`; for every other type the loops are here.
//!
//! Every sum is added up over the depth from first to last in `S`, whatever the number of rows, columns or
//! threads: the same row times the same column gives the same bits wherever it stands.

use super::RunContext;
use crate::{Num, Result};
use edgewise_simd::gemm_f32::{Finish, PANEL, PackedF32, gemm_f32};
use edgewise_simd::{Isa, Lhs, MatrixMut};
use std::ops::Range;

/// Rows and columns of a tile of sums, which the compiler keeps in vector registers. For sums of f32,
/// [`edgewise_simd`] has better ones.
const MR: usize = 4;
/// See [`MR`].
const NR: usize = 8;

/// What is packed at a time: a block of the right factor stays in the second cache, one of its panels and
/// a block of the left factor in the first.
const DEPTH: usize = 256;
/// The most columns that a right factor is asked for at once.
pub const COLS: usize = 128;
const ROWS: usize = 256;

/// Products that are too little work to be worth a second thread.
const SMALL: usize = 1 << 16;

/// The sizes of `batch` products of `rows`×`depth` by `depth`×`cols`.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sizes {
    pub batch: usize,
    pub rows: usize,
    pub depth: usize,
    pub cols: usize,
}

/// A left factor.
pub trait Left<S>: Sync {
    /// Writes a stretch of a row of it, one element every `step` elements of `to`.
    fn fill_row(&self, row: usize, k: Range<usize>, to: &mut [S], step: usize);
}

/// A right factor.
pub trait Right<S>: Sync {
    /// Writes `cols` of it as panels of `N` columns, each `k.len()` long; what lies past the last column may
    /// be anything.
    fn fill_cols<const N: usize>(&self, k: Range<usize>, cols: Range<usize>, panels: &mut [[S; N]]);
}

/// A matrix somewhere in a slice.
pub struct Matrix<'a, T, F> {
    /// Its elements, from the first on.
    pub data: &'a [T],
    /// Elements from one row to the next.
    pub row_step: usize,
    /// Elements from one column to the next.
    pub col_step: usize,
    /// What an element is in the type of the sums, given its row (of a left factor) or column (of a right
    /// factor).
    pub widen: F,
}

impl<T: Copy + Sync, S, F: Fn(T, usize) -> S + Sync> Left<S> for Matrix<'_, T, F> {
    fn fill_row(&self, row: usize, k: Range<usize>, to: &mut [S], step: usize) {
        let from = &self.data[row * self.row_step + k.start * self.col_step..];
        if self.col_step == 1 && step == 1 {
            to[..k.len()].iter_mut().zip(from).for_each(|(to, &x)| *to = (self.widen)(x, row));
        } else {
            let from = from.iter().step_by(self.col_step.max(1)).take(k.len());
            to.iter_mut().step_by(step).zip(from).for_each(|(to, &x)| *to = (self.widen)(x, row));
        }
    }
}

impl<T: Copy + Sync, S, F: Fn(T, usize) -> S + Sync> Right<S> for Matrix<'_, T, F> {
    fn fill_cols<const N: usize>(&self, k: Range<usize>, cols: Range<usize>, panels: &mut [[S; N]]) {
        let firsts = cols.clone().step_by(N);
        for (panel, first) in panels.chunks_mut(k.len().max(1)).zip(firsts) {
            let width = N.min(cols.end - first);
            for (to, k) in panel.iter_mut().zip(k.clone()) {
                let from = &self.data[k * self.row_step + first * self.col_step..];
                if self.col_step == 1 {
                    for (i, (to, &x)) in to[..width].iter_mut().zip(from).enumerate() {
                        *to = (self.widen)(x, first + i);
                    }
                } else {
                    for (i, to) in to[..width].iter_mut().enumerate() {
                        *to = (self.widen)(from[i * self.col_step], first + i);
                    }
                }
            }
        }
    }
}

/// `batch` products of `left(i)` and `right(i)`, one after the other in `out`.
///
/// `emit(row, col, sums, out)` is told of every stretch of sums, once: the row counts on through the batch,
/// and the output of the stretch, as long as the sums, is its to write.
pub fn multiply<S: Num, Y: Send, L: Left<S>, R: Right<S>>(
    cx: &RunContext<'_>,
    sizes: Sizes,
    out: &mut [Y],
    left: impl Fn(usize) -> L + Sync,
    right: impl Fn(usize) -> R + Sync,
    emit: impl Fn(usize, usize, &[S], &mut [Y]) + Sync,
) -> Result<()> {
    let Sizes { batch, rows, depth, cols } = sizes;
    ensure!(
        batch.checked_mul(rows).and_then(|n| n.checked_mul(cols)) == Some(out.len()),
        Internal,
        "the products of {sizes:?} do not fill {} elements",
        out.len()
    );
    if out.is_empty() {
        return Ok(());
    }
    let work = out.len().saturating_mul(depth);
    let pieces = if work < SMALL { 1 } else { 2 * cx.pool.threads() };
    let share = (batch * rows).div_ceil(pieces);
    cx.pool.chunks(out, share * cols, |i, mut out| {
        let mut packed = Packed::default();
        let mut next = i * share;
        while !out.is_empty() {
            let (at, first) = (next / rows, next % rows);
            let take = (rows - first).min(out.len() / cols).min(ROWS);
            let (now, later) = out.split_at_mut(take * cols);
            let mut emit = |row: usize, col: usize, sums: &[S]| {
                let start = row * cols + col;
                emit(next + row, col, sums, &mut now[start..start + sums.len()]);
            };
            let block = (first..first + take, depth, cols);
            let (left, right) = (left(at), right(at));
            let fill_row: FillRow<'_, S> = &|row, k, to, step| left.fill_row(row, k, to, step);
            if S::DTYPE == crate::DType::F32 {
                packed.multiply_f32(cx, block, fill_row, &fills_cols(&right), &mut emit)?;
            } else {
                packed.multiply(cx, block, fill_row, &fills_cols(&right), &mut emit)?;
            }
            next += take;
            out = later;
        }
        Ok(())
    })
}

/// The factors as the loops see them, which are compiled once for a type of sums: [`Left::fill_row`] and
/// [`Right::fill_cols`].
type FillRow<'f, S> = &'f dyn Fn(usize, Range<usize>, &mut [S], usize);
/// See [`FillRow`].
type FillCols<'f, S, const N: usize> = &'f dyn Fn(Range<usize>, Range<usize>, &mut [[S; N]]);

fn fills_cols<S, const N: usize>(
    right: &impl Right<S>,
) -> impl Fn(Range<usize>, Range<usize>, &mut [[S; N]]) {
    |k, cols, panels| right.fill_cols(k, cols, panels)
}

/// A tile of sums.
type Tile<S> = [[S; NR]; MR];

/// Packed blocks of both factors and the sums that they make.
struct Packed<S> {
    left: Vec<[S; MR]>,
    panels: Vec<[S; NR]>,
    sums: Vec<Tile<S>>,
    f32s: PackedF32,
    rows: Vec<S>,
    lines: Vec<f32>,
}

impl<S> Default for Packed<S> {
    fn default() -> Packed<S> {
        Packed {
            left: Vec::new(),
            panels: Vec::new(),
            sums: Vec::new(),
            f32s: PackedF32::default(),
            rows: Vec::new(),
            lines: Vec::new(),
        }
    }
}

impl<S: Num> Packed<S> {
    /// At most [`ROWS`] rows of one product, handed to `emit(row, col, sums)`, rows counted from 0.
    fn multiply(
        &mut self,
        cx: &RunContext<'_>,
        (rows, depth, cols): (Range<usize>, usize, usize),
        fill_row: FillRow<'_, S>,
        fill_cols: FillCols<'_, S, NR>,
        emit: &mut dyn FnMut(usize, usize, &[S]),
    ) -> Result<()> {
        for col in (0..cols).step_by(COLS) {
            cx.check()?;
            let cols = col..(col + COLS).min(cols);
            let across = cols.len().div_ceil(NR);
            self.sums.clear();
            self.sums.resize(rows.len().div_ceil(MR) * across, [[S::zero(); NR]; MR]);
            for k in (0..depth).step_by(DEPTH) {
                let k = k..(k + DEPTH).min(depth);
                self.panels.resize(across * k.len(), [S::zero(); NR]);
                self.left.resize(k.len(), [S::zero(); MR]);
                fill_cols(k.clone(), cols.clone(), &mut self.panels);
                for (tiles, first) in self.sums.chunks_mut(across).zip(rows.clone().step_by(MR)) {
                    for (r, row) in (first..(first + MR).min(rows.end)).enumerate() {
                        fill_row(row, k.clone(), &mut self.left.as_flattened_mut()[r..], MR);
                    }
                    for (tile, panel) in tiles.iter_mut().zip(self.panels.chunks(k.len())) {
                        add_products(tile, &self.left, panel);
                    }
                }
            }
            let mut line = [S::zero(); COLS];
            for row in 0..rows.len() {
                let tiles = &self.sums[row / MR * across..][..across];
                for (to, tile) in line.chunks_mut(NR).zip(tiles) {
                    to.copy_from_slice(&tile[row % MR]);
                }
                emit(row, cols.start, &line[..cols.len()]);
            }
        }
        Ok(())
    }
}

/// Elements of a right factor's block of f32, which stays in the second cache.
const BLOCK: usize = 1 << 18;

impl<S: Num> Packed<S> {
    /// [`Packed::multiply`] for an `S` that is f32.
    fn multiply_f32(
        &mut self,
        cx: &RunContext<'_>,
        (rows, depth, cols): (Range<usize>, usize, usize),
        fill_row: FillRow<'_, S>,
        fill_cols: FillCols<'_, S, PANEL>,
        emit: &mut dyn FnMut(usize, usize, &[S]),
    ) -> Result<()> {
        self.rows.resize(rows.len() * depth, S::zero());
        for (to, row) in self.rows.chunks_mut(depth.max(1)).zip(rows.clone()) {
            fill_row(row, 0..depth, to, 1);
        }
        let across = (BLOCK / depth.max(1)).clamp(PANEL, COLS) / PANEL * PANEL;
        for col in (0..cols).step_by(across) {
            cx.check()?;
            let cols = col..(col + across).min(cols);
            let panels = self.f32s.blank(depth, cols.len()).map_err(|_| no_memory(depth, cols.len()))?;
            fill_cols(0..depth, cols.clone(), bytemuck::cast_slice_mut(panels));
            self.lines.resize(rows.len() * cols.len(), 0.0);
            let data = bytemuck::cast_slice(&self.rows);
            let out = MatrixMut::dense(&mut self.lines, cols.len());
            let left = Lhs::Rows { data, stride: depth };
            gemm_f32(Isa::current(), left, &self.f32s, &Finish::default(), out);
            for (row, line) in self.lines.chunks(cols.len()).enumerate() {
                emit(row, cols.start, bytemuck::cast_slice(line));
            }
        }
        Ok(())
    }
}

fn no_memory(depth: usize, cols: usize) -> crate::Error {
    err!(OutOfMemory, "no memory for a packed factor of {depth}×{cols}")
}

/// The innermost loop: the tile stays in registers, and the compiler makes vectors of its rows.
fn add_products<S: Num>(tile: &mut Tile<S>, left: &[[S; MR]], panel: &[[S; NR]]) {
    let mut sums = *tile;
    for (l, r) in left.iter().zip(panel) {
        for (sums, &l) in sums.iter_mut().zip(l) {
            for (sum, &r) in sums.iter_mut().zip(r) {
                *sum = sum.add(l.mul(r));
            }
        }
    }
    *tile = sums;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Pool;
    use std::sync::atomic::AtomicBool;

    fn product<T: Num>(threads: usize, sizes: Sizes, a: &[T], b: &[T]) -> Vec<T> {
        let (pool, cancel) = (Pool::new(threads), AtomicBool::new(false));
        let cx = RunContext::new(&pool, &cancel);
        let mut out = vec![T::HIGHEST; sizes.batch * sizes.rows * sizes.cols];
        let matrix = |data, row_step| Matrix { data, row_step, col_step: 1, widen: |x: T, _| x };
        multiply(
            &cx,
            sizes,
            &mut out,
            |i| matrix(&a[i * sizes.rows * sizes.depth..], sizes.depth),
            |i| matrix(&b[i * sizes.depth * sizes.cols..], sizes.cols),
            |_, _, sums, out| out.copy_from_slice(sums),
        )
        .unwrap();
        out
    }

    fn plain(sizes: Sizes, a: &[f64], b: &[f64]) -> Vec<f64> {
        let Sizes { rows, depth, cols, .. } = sizes;
        let at = |i: usize| {
            let (batch, row, col) = (i / cols / rows, i / cols % rows, i % cols);
            let a = &a[(batch * rows + row) * depth..][..depth];
            let b = b[batch * depth * cols..].iter().skip(col).step_by(cols);
            a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
        };
        (0..sizes.batch * rows * cols).map(at).collect()
    }

    #[test]
    fn sums_are_those_of_the_plain_loop_for_any_size_and_any_threads() {
        for (batch, rows, depth, cols) in
            [(1, 1, 1, 1), (3, 5, 7, 9), (2, 4, 300, 8), (1, 261, 3, 131), (2, 1, 5, 3), (1, 2, 0, 3)]
        {
            let sizes = Sizes { batch, rows, depth, cols };
            let numbers = |n: usize, by: usize| {
                (0..n).map(|i| ((i * by % 1009) as f64 - 504.0) / 32.0).collect::<Vec<_>>()
            };
            let small = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
            let (a, b) = (numbers(batch * rows * depth, 7919), numbers(batch * depth * cols, 104729));
            let expected = plain(sizes, &a, &b);
            // f32 has the bits for these sums, too: the numbers are multiples of 1/32 below 16.
            for threads in [1, 3] {
                assert_eq!(product(threads, sizes, &a, &b), expected, "{sizes:?} on {threads}");
                let f32s = product(threads, sizes, &small(&a), &small(&b));
                assert_eq!(f32s, small(&expected), "{sizes:?} of f32 on {threads}");
            }
        }
    }

    #[test]
    fn empty_products_do_nothing() {
        assert!(product::<f32>(1, Sizes { batch: 0, rows: 2, depth: 2, cols: 2 }, &[], &[]).is_empty());
        assert!(product(1, Sizes { batch: 1, rows: 2, depth: 2, cols: 0 }, &[0.0; 4], &[]).is_empty());
    }
}
