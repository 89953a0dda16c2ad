//! The product with rows of f32.
//!
//! A sum over the depth is four sums, one for each place in a quad, put together at the end as
//! `(s0 + s1) + (s2 + s3)`: always in this order.

use super::{PANEL, Weights, integer::nth_quad, pack::PackedZeros};
use crate::{Isa, Simd, Task, dispatch};
use std::ops::Range;

impl Weights {
    /// How many f32 [`Weights::multiply`] needs for a panel that it has widened.
    pub fn panel_floats(&self) -> usize {
        self.format.padded_k() * PANEL
    }

    /// Writes the columns of `panels` of the product with every row [rows, k], as
    /// [`multiply_quantized`](Weights::multiply_quantized) does.
    pub fn multiply(
        &self,
        isa: Isa,
        rows: &[f32],
        panels: Range<usize>,
        (out, stride): (&mut [f32], usize),
        panel: &mut [f32],
    ) {
        assert!(rows.len().is_multiple_of(self.format.k) && panels.end <= self.format.panels());
        assert_eq!(panel.len(), self.panel_floats());
        dispatch(isa, Product { weights: self, rows, panels, out, stride, wide: panel });
    }
}

struct Product<'a> {
    weights: &'a Weights,
    rows: &'a [f32],
    panels: Range<usize>,
    out: &'a mut [f32],
    stride: usize,
    /// A panel of weights, [depth, 16].
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
        let count = self.rows.len() / self.weights.format.k;
        for panel in self.panels.clone() {
            for lane in (0..self.weights.format.width(panel)).step_by(S::LANES) {
                if count == 1 {
                    let mut sums = [s.splat(0.0); 4];
                    let row = self.rows;
                    self.each_four::<S, BITS>(s, panel, lane, |k, weights| {
                        for (i, sum) in sums.iter_mut().enumerate().take(row.len() - k) {
                            *sum = s.mul_add(s.splat(row[k + i]), weights[i], *sum);
                        }
                    });
                    self.store(s, 0, (panel, lane), [sums]);
                    continue;
                }
                let mut wide = std::mem::take(&mut self.wide);
                self.each_four::<S, BITS>(s, panel, lane, |k, weights| {
                    for (to, weights) in wide[k * PANEL..].chunks_exact_mut(PANEL).zip(weights) {
                        s.store(weights, &mut to[lane..]);
                    }
                });
                std::mem::swap(&mut self.wide, &mut wide);
                let mut row = 0;
                while row < count {
                    row += match count - row {
                        6.. if S::REGISTERS >= 32 => self.tile::<S, 6>(s, row, panel, lane),
                        3.. => self.tile::<S, 3>(s, row, panel, lane),
                        _ => self.tile::<S, 1>(s, row, panel, lane),
                    };
                }
            }
        }
    }

    /// Calls `each(k, weights)` for every four weights of a panel's columns along the depth.
    #[inline(always)]
    fn each_four<S: Simd, const BITS: usize>(
        &self,
        s: S,
        panel: usize,
        lane: usize,
        mut each: impl FnMut(usize, [S::F; 4]),
    ) {
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

    /// `R` rows times the columns from `lane` on of the panel that was widened; says how many rows.
    #[inline(always)]
    fn tile<S: Simd, const R: usize>(&mut self, s: S, row: usize, panel: usize, lane: usize) -> usize {
        let k = self.weights.format.k;
        let rows: [&[f32]; R] = std::array::from_fn(|r| &self.rows[(row + r) * k..][..k]);
        let mut sums = [[s.splat(0.0); 4]; R];
        let (fours, rest) = self.wide[..k * PANEL].as_chunks::<{ 4 * PANEL }>();
        for (at, four) in fours.iter().enumerate() {
            for i in 0..4 {
                let weights = s.load(&four[i * PANEL + lane..]);
                for (sums, row) in sums.iter_mut().zip(&rows) {
                    sums[i] = s.mul_add(s.splat(row[at * 4 + i]), weights, sums[i]);
                }
            }
        }
        for (i, weights) in rest.chunks_exact(PANEL).enumerate() {
            let weights = s.load(&weights[lane..]);
            for (sums, row) in sums.iter_mut().zip(&rows) {
                sums[i] = s.mul_add(s.splat(row[fours.len() * 4 + i]), weights, sums[i]);
            }
        }
        self.store(s, row, (panel, lane), sums);
        R
    }

    #[inline(always)]
    fn store<S: Simd, const R: usize>(
        &mut self,
        s: S,
        row: usize,
        (panel, lane): (usize, usize),
        sums: [[S::F; 4]; R],
    ) {
        let column = (panel - self.panels.start) * PANEL + lane;
        let width = (self.weights.format.width(panel) - lane).min(S::LANES);
        for (r, [a, b, c, d]) in sums.into_iter().enumerate() {
            let sum = s.add(s.add(a, b), s.add(c, d));
            s.store_some(sum, &mut self.out[(row + r) * self.stride + column..][..width]);
        }
    }
}
