//! The product with quantized rows: whole blocks in integers, blocks added up in f32.

use super::{Line, PANEL, Quantized, Weights, pack::PackedZeros};
use crate::{Isa, Simd, Task, dispatch};
use std::ops::Range;

/// Panels that all rows go through before the next ones: they stay in the first cache.
const GROUP: usize = 4;

impl Weights {
    /// Writes the columns of `panels` of the product with every row: row `r` to `out[r * stride..]`, from its
    /// first element on. Every row of `out` must have room for these columns. With zero points that are no
    /// integers there is no such product: [`Weights::has_integers`] tells.
    pub fn multiply_quantized(
        &self,
        isa: Isa,
        rows: Quantized<'_>,
        panels: Range<usize>,
        out: &mut [f32],
        stride: usize,
    ) {
        let format = &self.format;
        let (padded, blocks) = (format.padded_k(), format.blocks());
        assert!(self.has_integers() && panels.end <= format.panels());
        let count = rows.codes.len() / padded;
        assert_eq!(rows.codes.len(), count * padded);
        assert_eq!((rows.scales.len(), rows.offsets.len()), (count * blocks, count * blocks));
        dispatch(isa, Product { weights: self, rows, count, panels, out, stride });
    }

    /// Whether its zero points are integers.
    pub fn has_integers(&self) -> bool {
        !matches!(self.zeros, PackedZeros::Floats(_))
    }
}

struct Product<'a> {
    weights: &'a Weights,
    rows: Quantized<'a>,
    count: usize,
    panels: Range<usize>,
    out: &'a mut [f32],
    stride: usize,
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
        for first in self.panels.clone().step_by(GROUP) {
            let group = first..(first + GROUP).min(self.panels.end);
            let mut row = 0;
            while row < self.count {
                row += match self.count - row {
                    8.. if S::REGISTERS >= 32 => self.rows::<S, BITS, 8>(s, row, &group),
                    4.. => self.rows::<S, BITS, 4>(s, row, &group),
                    2.. => self.rows::<S, BITS, 2>(s, row, &group),
                    _ => self.rows::<S, BITS, 1>(s, row, &group),
                };
            }
        }
    }

    /// `R` rows times a group of panels; says how many rows.
    #[inline(always)]
    fn rows<S: Simd, const BITS: usize, const R: usize>(
        &mut self,
        s: S,
        row: usize,
        panels: &Range<usize>,
    ) -> usize {
        for panel in panels.clone() {
            for lane in (0..self.weights.format.width(panel)).step_by(S::LANES) {
                let sums = self.tile::<S, BITS, R>(s, row, panel, lane);
                let column = (panel - self.panels.start) * PANEL + lane;
                let width = (self.weights.format.width(panel) - lane).min(S::LANES);
                for (r, sums) in sums.into_iter().enumerate() {
                    s.store_some(sums, &mut self.out[(row + r) * self.stride + column..][..width]);
                }
            }
        }
        R
    }

    /// `R` rows times as many columns as a vector has lanes, from column `lane` of the panel on.
    #[inline(always)]
    fn tile<S: Simd, const BITS: usize, const R: usize>(
        &self,
        s: S,
        row: usize,
        panel: usize,
        lane: usize,
    ) -> [S::F; R] {
        let format = &self.weights.format;
        let (blocks, padded) = (format.blocks(), format.padded_k());
        let lines = self.weights.panel(panel).chunks_exact(format.block_lines());
        let codes: [&[i8]; R] = std::array::from_fn(|r| &self.rows.codes[(row + r) * padded..][..padded]);
        let mut sums = [s.splat(0.0); R];
        for (block, lines) in lines.enumerate() {
            let at = |r: usize| (row + r) * blocks + block;
            let mut products: [S::I; R] = match &self.weights.zeros {
                PackedZeros::Codes(zeros) => {
                    let zeros = s.load_u8(&zeros[(panel * blocks + block) * PANEL + lane..]);
                    std::array::from_fn(|r| s.mul_i(zeros, s.splat_i(self.rows.offsets[at(r)])))
                }
                _ => std::array::from_fn(|r| s.splat_i(self.rows.offsets[at(r)])),
            };
            let (lines, scales) = lines.split_at(lines.len() - 1);
            let mut k = block * format.block;
            for line in lines {
                // SAFETY: a line has 16 lanes of four bytes, and a vector begins at every multiple of its
                // lanes below 16.
                let line = unsafe { s.load_i_at(line.0.as_ptr().cast::<i32>().add(lane)) };
                for quad in 0..8 / BITS {
                    let weights = nth_quad::<S, BITS>(s, line, quad);
                    for (products, codes) in products.iter_mut().zip(&codes) {
                        debug_assert!(k + 4 <= codes.len());
                        // SAFETY: the rows' length is the blocks' depth, and the lines of a block together
                        // have its depth.
                        let four = unsafe { codes.as_ptr().add(k).cast::<i32>().read_unaligned() };
                        *products = s.dot(*products, weights, s.splat_i(four));
                    }
                    k += 4;
                }
            }
            // SAFETY: as above.
            let scales = unsafe { s.load_at(scales[0].0.as_ptr().cast::<f32>().add(lane)) };
            for (r, (sum, products)) in sums.iter_mut().zip(products).enumerate() {
                let of_row = s.splat(self.rows.scales[at(r)]);
                *sum = s.add(*sum, s.mul(s.mul(s.to_f32(products), scales), of_row));
            }
        }
        sums
    }
}

/// The quad at place `quad` of the `8 / BITS` that lie on top of each other.
#[inline(always)]
pub(super) fn nth_quad<S: Simd, const BITS: usize>(s: S, line: S::I, quad: usize) -> S::I {
    let mask = s.splat_i(match BITS {
        2 => 0x0303_0303,
        4 => 0x0f0f_0f0f,
        _ => -1,
    });
    match (BITS, quad) {
        (8, _) => line,
        (_, 0) => s.and(line, mask),
        (2, 1) => s.and(s.shr::<2>(line), mask),
        (2, 3) => s.and(s.shr::<6>(line), mask),
        _ => s.and(s.shr::<4>(line), mask),
    }
}

/// The bytes of a panel, for tests of what is where.
#[cfg(test)]
pub(super) fn bytes(lines: &[Line]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.0).collect()
}
