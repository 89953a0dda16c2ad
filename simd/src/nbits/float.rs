//! The product with rows of f32.
//!
//! A sum over the depth is four sums, one for each place in a quad, put together at the end as
//! `(s0 + s1) + (s2 + s3)`: always in this order.

use super::{AHEAD, PANEL, Weights, integer::nth_quad, pack::PackedZeros};
use crate::{Isa, MatrixMut, Simd, Task, dispatch};

impl Weights {
    /// How many f32 [`Weights::multiply`] needs for a panel that it has widened.
    pub fn panel_floats(&self) -> usize {
        self.format.padded_k() * PANEL
    }

    /// Fills a block of the product with rows [rows, k], as
    /// [`multiply_quantized`](Weights::multiply_quantized) does; `panel` is its to use.
    pub fn multiply(&self, isa: Isa, rows: &[f32], out: MatrixMut<'_, f32>, panel: &mut [f32]) {
        assert!(out.cols().start.is_multiple_of(PANEL) && out.cols().end <= self.format.n);
        assert!(rows.len() >= out.rows().end * self.format.k && panel.len() >= self.panel_floats());
        dispatch(isa, Product { weights: self, rows, out, wide: panel });
    }
}

struct Product<'a> {
    weights: &'a Weights,
    rows: &'a [f32],
    out: MatrixMut<'a, f32>,
    /// A vector of columns of the weights, widened: every 16 floats are one depth.
    wide: &'a mut [f32],
}

impl Task for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match self.weights.format.bits {
            2 => self.all::<S, 2>(s),
            4 => self.all::<S, 4>(s),
            _ => self.all::<S, 8>(s),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn all<S: Simd, const BITS: usize>(&mut self, s: S) {
        let rows = self.out.rows();
        for col in self.out.cols().step_by(S::LANES) {
            if rows.len() == 1 {
                self.alone::<S, BITS>(s, col);
                continue;
            }
            let mut wide = std::mem::take(&mut self.wide);
            self.each_four::<S, BITS>(s, col, |k, weights| {
                for (to, weights) in wide[k * PANEL..].chunks_exact_mut(PANEL).zip(weights) {
                    s.store(weights, to);
                }
            });
            std::mem::swap(&mut self.wide, &mut wide);
            let mut row = rows.start;
            while row < rows.end {
                row += match rows.end - row {
                    6.. if S::REGISTERS >= 32 => self.tile::<S, 6>(s, row, col),
                    3.. => self.tile::<S, 3>(s, row, col),
                    _ => self.tile::<S, 1>(s, row, col),
                };
            }
        }
    }

    /// One row times the columns from `col` on.
    #[inline(always)]
    fn alone<S: Simd, const BITS: usize>(&mut self, s: S, col: usize) {
        let (k, row) = (self.weights.format.k, self.out.rows().start);
        let x = &self.rows[row * k..][..k];
        let mut sums = [s.splat(0.0); 4];
        self.each_four::<S, BITS>(s, col, |k, weights| {
            for ((sum, weights), &x) in sums.iter_mut().zip(weights).zip(&x[k..]) {
                *sum = s.mul_add(s.splat(x), weights, *sum);
            }
        });
        self.store(s, row, col, [sums]);
    }

    /// Calls `each(k, weights)` for every four weights of a panel's columns along the depth.
    #[inline(always)]
    fn each_four<S: Simd, const BITS: usize>(
        &self,
        s: S,
        col: usize,
        mut each: impl FnMut(usize, [S::F; 4]),
    ) {
        let (panel, lane) = (col / PANEL, col % PANEL);
        let format = &self.weights.format;
        let lines = self.weights.panel(panel).chunks_exact(format.block_lines());
        let byte = s.splat_i(0xff);
        let mut k = 0;
        for (block, lines) in lines.enumerate() {
            let at = (panel * format.blocks() + block) * PANEL + lane;
            let zero = match &self.weights.zeros {
                PackedZeros::Middle => s.splat(f32::from(format.middle())),
                PackedZeros::Codes(zeros) => s.to_f32(s.load_u8(&zeros[at..])),
                PackedZeros::Floats(zeros) => s.load(&zeros[at..]),
            };
            (0..lines.len()).for_each(|i| s.prefetch(lines.as_ptr().wrapping_add(AHEAD + i)));
            let (lines, scales) = lines.split_at(lines.len() - 1);
            // SAFETY: a line has 16 lanes of four bytes, and a vector begins at every multiple of its lanes
            // below 16.
            let scale = unsafe { s.load_at(scales[0].0.as_ptr().cast::<f32>().add(lane)) };
            for line in lines {
                // SAFETY: as above.
                let line = unsafe { s.load_i_at(line.0.as_ptr().cast::<i32>().add(lane)) };
                for quad in 0..8 / BITS {
                    if k >= format.k {
                        return;
                    }
                    let codes = nth_quad::<S, BITS>(s, line, quad);
                    let number = |code| s.mul(s.sub(s.to_f32(s.and(code, byte)), zero), scale);
                    let weights = [
                        number(codes),
                        number(s.shr::<8>(codes)),
                        number(s.shr::<16>(codes)),
                        number(s.shr::<24>(codes)),
                    ];
                    each(k, weights);
                    k += 4;
                }
            }
        }
    }

    /// `R` rows times the columns from `col` on, which were widened; says how many rows.
    #[inline(always)]
    fn tile<S: Simd, const R: usize>(&mut self, s: S, row: usize, col: usize) -> usize {
        let k = self.weights.format.k;
        let rows: [&[f32]; R] = std::array::from_fn(|r| &self.rows[(row + r) * k..][..k]);
        let mut sums = [[s.splat(0.0); 4]; R];
        let (fours, rest) = self.wide[..k * PANEL].as_chunks::<{ 4 * PANEL }>();
        for (at, four) in fours.iter().enumerate() {
            for i in 0..4 {
                let weights = s.load(&four[i * PANEL..]);
                for (sums, row) in sums.iter_mut().zip(&rows) {
                    sums[i] = s.mul_add(s.splat(row[at * 4 + i]), weights, sums[i]);
                }
            }
        }
        for (i, weights) in rest.chunks_exact(PANEL).enumerate() {
            let weights = s.load(weights);
            for (sums, row) in sums.iter_mut().zip(&rows) {
                sums[i] = s.mul_add(s.splat(row[fours.len() * 4 + i]), weights, sums[i]);
            }
        }
        self.store(s, row, col, sums);
        R
    }

    #[inline(always)]
    fn store<S: Simd, const R: usize>(&mut self, s: S, row: usize, col: usize, sums: [[S::F; 4]; R]) {
        let (rows, cols) = (self.out.rows(), self.out.cols());
        for (r, [a, b, c, d]) in sums.into_iter().enumerate() {
            let sum = s.add(s.add(a, b), s.add(c, d));
            let out = &mut self.out.row(row + r - rows.start)[col - cols.start..];
            s.store_some(sum, &mut out[..S::LANES.min(cols.end - col)]);
        }
    }
}
