//! The product with quantized rows: whole blocks in integers, blocks added up in f32.

#![allow(clippy::needless_range_loop, reason = "loops of constant length, to be unrolled")]

use super::{AHEAD, Line, PANEL, Weights, pack::PackedZeros};
use crate::{Isa, MatrixMut, Simd, Task, dispatch};
use std::ops::Range;

/// Panels that all rows go through before the next ones: they stay in the first cache.
const GROUP: usize = 4;

impl Weights {
    /// Fills a block of the product with rows that [`quantize`](super::quantize) made: the rows that it has of
    /// `rows`, the columns that it has of the matrix. Its columns begin with a panel. With zero points that
    /// are no integers there is no such product: [`Weights::has_integers`] tells.
    pub fn multiply_quantized(&self, isa: Isa, rows: &[u8], out: MatrixMut<'_, f32>) {
        let format = &self.format;
        assert!(self.has_integers() && out.cols().start.is_multiple_of(PANEL) && out.cols().end <= format.n);
        assert!(rows.len() >= out.rows().end * format.row_bytes());
        dispatch(isa, Product { weights: self, rows, out });
    }

    /// Whether its zero points are integers.
    pub fn has_integers(&self) -> bool {
        !matches!(self.zeros, PackedZeros::Floats(_))
    }
}

struct Product<'a> {
    weights: &'a Weights,
    rows: &'a [u8],
    out: MatrixMut<'a, f32>,
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
        let (rows, cols) = (self.out.rows(), self.out.cols());
        for first in cols.clone().step_by(GROUP * PANEL) {
            let group = first..(first + GROUP * PANEL).min(cols.end);
            let mut row = rows.start;
            while row < rows.end {
                row += match rows.end - row {
                    8.. if S::REGISTERS >= 32 => self.rows::<S, BITS, 8>(s, row, &group),
                    4.. => self.rows::<S, BITS, 4>(s, row, &group),
                    2.. => self.rows::<S, BITS, 2>(s, row, &group),
                    _ => self.rows::<S, BITS, 1>(s, row, &group),
                };
            }
        }
    }

    /// `R` rows times some columns; says how many rows.
    #[inline(always)]
    fn rows<S: Simd, const BITS: usize, const R: usize>(
        &mut self,
        s: S,
        row: usize,
        cols: &Range<usize>,
    ) -> usize {
        // Where vectors are short, two of them share what is read of the rows.
        if S::LANES == 4 {
            self.cols::<S, BITS, R, 2>(s, row, cols)
        } else {
            self.cols::<S, BITS, R, 1>(s, row, cols)
        }
        R
    }

    /// `R` rows times some columns, `N` vectors of them at a time.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn cols<S: Simd, const BITS: usize, const R: usize, const N: usize>(
        &mut self,
        s: S,
        row: usize,
        cols: &Range<usize>,
    ) {
        let (first_row, first_col) = (self.out.rows().start, self.out.cols().start);
        for col in cols.clone().step_by(N * S::LANES) {
            let sums = self.tile::<S, BITS, R, N>(s, row, col / PANEL, col % PANEL);
            let width = (N * S::LANES).min(cols.end - col);
            for r in 0..R {
                let out = &mut self.out.row(row + r - first_row)[col - first_col..][..width];
                for v in 0..N {
                    if let Some(out) = out.get_mut(v * S::LANES..) {
                        s.store_some(sums[r][v], out);
                    }
                }
            }
        }
    }

    /// `R` rows times as many columns as `N` vectors have lanes, from column `lane` of the panel on.
    #[inline(always)]
    fn tile<S: Simd, const BITS: usize, const R: usize, const N: usize>(
        &self,
        s: S,
        row: usize,
        panel: usize,
        lane: usize,
    ) -> [[S::F; N]; R] {
        let format = &self.weights.format;
        let (blocks, padded, bytes) = (format.blocks(), format.padded_k(), format.row_bytes());
        let lines = self.weights.panel(panel).chunks_exact(format.block_lines());
        let rows: [&[u8]; R] = std::array::from_fn(|r| &self.rows[(row + r) * bytes..][..bytes]);
        // SAFETY: four bytes of a row, since everything that is read lies where `row_bytes` has room for it:
        // codes of `padded` bytes in all, then 4 bytes per block, twice.
        let four = |row: &[u8], at: usize| unsafe {
            debug_assert!(at + 4 <= row.len());
            row.as_ptr().add(at).cast::<i32>().read_unaligned()
        };
        let mut sums = [[s.splat(0.0); N]; R];
        for (block, lines) in lines.enumerate() {
            let offset = |r: usize| s.splat_i(four(rows[r], padded + 4 * (blocks + block)));
            let mut products: [[S::I; N]; R] = match &self.weights.zeros {
                PackedZeros::Codes(zeros) => {
                    let zeros = &zeros[(panel * blocks + block) * PANEL + lane..];
                    let mut products = [[s.splat_i(0); N]; R];
                    for v in 0..N {
                        let zeros = s.load_u8(&zeros[v * S::LANES..]);
                        for (r, products) in products.iter_mut().enumerate() {
                            products[v] = s.mul_i(zeros, offset(r));
                        }
                    }
                    products
                }
                _ => std::array::from_fn(|r| [offset(r); N]),
            };
            // More rows keep the machine busy enough.
            if R <= 2 {
                (0..lines.len()).for_each(|i| s.prefetch(lines.as_ptr().wrapping_add(AHEAD + i)));
            }
            let (lines, scales) = lines.split_at(lines.len() - 1);
            let codes = rows.map(|row| row.as_ptr().wrapping_add(block * format.block));
            // SAFETY: the codes of a row's block are as many as the lines of a block of the weights have; a
            // vector begins at every multiple of its lanes below the 16 of a line.
            unsafe {
                match <&[Line; 4]>::try_from(lines) {
                    _ if S::PAIRS && BITS < 8 => {
                        add_pairs::<S, BITS, R, N>(s, lines, lane, &codes, &mut products);
                    }
                    _ if S::DOT_BY_LANE && BITS < 8 => {
                        add_by_lane::<S, BITS, R, N>(s, lines, lane, &codes, &mut products);
                    }
                    // The most common block by far, without a loop. Not where there are many sums: compilers to
                    // WebAssembly would compute each from first to last before the next, and a dot product would
                    // wait for the one before.
                    Ok(lines) if BITS == 4 && S::LANES == 4 && R < 4 => {
                        for (i, line) in lines.iter().enumerate() {
                            add_line::<S, BITS, R, N, false>(s, line, lane, &codes, i, &mut products);
                        }
                    }
                    _ => {
                        for (i, line) in lines.iter().enumerate() {
                            add_line::<S, BITS, R, N, false>(s, line, lane, &codes, i, &mut products);
                        }
                    }
                }
            }
            // SAFETY: as above.
            let scales: [S::F; N] = std::array::from_fn(|v| unsafe {
                s.load_at(scales[0].0.as_ptr().cast::<f32>().add(lane + v * S::LANES))
            });
            for r in 0..R {
                let of_row = s.of_bits(s.splat_i(four(rows[r], padded + 4 * block)));
                for v in 0..N {
                    let scaled = s.mul(s.mul(s.to_f32(products[r][v]), scales[v]), of_row);
                    sums[r][v] = s.add(sums[r][v], scaled);
                }
            }
        }
        sums
    }
}

/// [`add_line`] of a whole block, by sums of 16 bits.
///
/// # Safety
/// `N` vectors must lie in each line from `lane` on, and each row must have codes for all lines.
#[inline(always)]
unsafe fn add_pairs<S: Simd, const BITS: usize, const R: usize, const N: usize>(
    s: S,
    lines: &[Line],
    lane: usize,
    codes: &[*const u8; R],
    products: &mut [[S::I; N]; R],
) {
    // Four lines are eight quads of 4 bits, or sixteen of 2: sums of at most 2 · 8 · 15 · 128.
    for (part, lines) in lines.chunks(4).enumerate() {
        let mut sums = [[s.splat_i(0); N]; R];
        for (i, line) in lines.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { add_line::<S, BITS, R, N, true>(s, line, lane, codes, 4 * part + i, &mut sums) };
        }
        for r in 0..R {
            for v in 0..N {
                products[r][v] = s.widen_pairs(products[r][v], sums[r][v]);
            }
        }
    }
}

/// Adds the products of line `i` of a block with the codes of `R` rows; where `PAIRS`, to sums of 16 bits.
///
/// # Safety
/// `N` vectors must lie in the line from `lane` on, and each row must have codes for the line.
#[inline(always)]
unsafe fn add_line<S: Simd, const BITS: usize, const R: usize, const N: usize, const PAIRS: bool>(
    s: S,
    line: &Line,
    lane: usize,
    codes: &[*const u8; R],
    i: usize,
    products: &mut [[S::I; N]; R],
) {
    // SAFETY: the caller's promise.
    let line: [S::I; N] = std::array::from_fn(|v| unsafe {
        s.load_i_at(line.0.as_ptr().cast::<i32>().add(lane + v * S::LANES))
    });
    for quad in 0..8 / BITS {
        let mut weights = line;
        for weights in &mut weights {
            *weights = nth_quad::<S, BITS>(s, *weights, quad);
        }
        for r in 0..R {
            // SAFETY: the caller's promise.
            let four = unsafe { codes[r].cast::<i32>().add(i * 8 / BITS + quad).read_unaligned() };
            let row = s.splat_i(four);
            for v in 0..N {
                // Codes of fewer than 8 bits are small.
                products[r][v] = match BITS {
                    8 => s.dot(products[r][v], weights[v], row),
                    _ if PAIRS => s.add_pairs(products[r][v], weights[v], row),
                    _ => s.dot_small(products[r][v], weights[v], row),
                };
            }
        }
    }
}

/// [`add_line`] of a whole block; sixteen codes of each row are loaded at once.
///
/// # Safety
/// `N` vectors must lie in each line from `lane` on, and each row must have codes for all lines.
#[inline(always)]
unsafe fn add_by_lane<S: Simd, const BITS: usize, const R: usize, const N: usize>(
    s: S,
    lines: &[Line],
    lane: usize,
    codes: &[*const u8; R],
    products: &mut [[S::I; N]; R],
) {
    // Blocks are multiples of 16.
    for (i, lines) in lines.chunks_exact(BITS / 2).enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let rows = codes.map(|codes| s.load_i_at(codes.cast::<i32>().add(4 * i)));
            add_quad::<S, BITS, R, N, 0>(s, lines, lane, &rows, products);
            add_quad::<S, BITS, R, N, 1>(s, lines, lane, &rows, products);
            add_quad::<S, BITS, R, N, 2>(s, lines, lane, &rows, products);
            add_quad::<S, BITS, R, N, 3>(s, lines, lane, &rows, products);
        }
    }
}

/// Adds the products of quad `LANE` of the lines with that lane of the rows.
///
/// # Safety
/// `N` vectors must lie in each line from `lane` on.
#[inline(always)]
unsafe fn add_quad<S: Simd, const BITS: usize, const R: usize, const N: usize, const LANE: i32>(
    s: S,
    lines: &[Line],
    lane: usize,
    rows: &[S::I; R],
    products: &mut [[S::I; N]; R],
) {
    let (line, quad) = (&lines[LANE as usize * BITS / 8], LANE as usize % (8 / BITS));
    let weights: [S::I; N] = std::array::from_fn(|v| {
        // SAFETY: the caller's promise.
        let line = unsafe { s.load_i_at(line.0.as_ptr().cast::<i32>().add(lane + v * S::LANES)) };
        nth_quad::<S, BITS>(s, line, quad)
    });
    for r in 0..R {
        for v in 0..N {
            products[r][v] = s.dot_small_lane::<LANE>(products[r][v], weights[v], rows[r]);
        }
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
