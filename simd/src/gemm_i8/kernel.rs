//! The loops: stretches of rows × groups of panels × tiles.

use super::packed::{Line, PANEL};
use super::rows::{Block, ROWS, Rows};
use super::{Epilogue, Job};
use crate::{Isa, Simd, Task, dispatch};

/// Computes the job. Row `i` of its rows goes to `out[i * stride..]`, from the first column of its panels on.
///
/// Panics where the slices are too short for the job.
pub fn gemm_i8<E: Epilogue>(isa: Isa, job: &Job<'_>, epilogue: &E, out: &mut [E::Out], stride: usize) {
    let cols = job.cols();
    if job.rows.is_empty() || cols == 0 {
        return;
    }
    let padded = job.rhs.padded_cols();
    assert!(job.panels.end <= job.rhs.panels() && epilogue.cols() >= padded);
    assert!(job.bias.is_none_or(|bias| bias.len() >= padded));
    assert!(stride >= cols && out.len() >= (job.rows.len() - 1) * stride + cols);
    dispatch(isa, Gemm { job, epilogue, out, stride });
}

struct Gemm<'a, 'b, E: Epilogue> {
    job: &'a Job<'b>,
    epilogue: &'a E,
    out: &'a mut [E::Out],
    stride: usize,
}

impl<E: Epilogue> Task for Gemm<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gemm { job, epilogue, out, stride } = self;
        let (flip, zero) = if job.signed { (0x80, job.zero.wrapping_add(128)) } else { (0, job.zero) };
        let mut rows = Rows::new(job.lhs, [job.rhs.taps(), job.rhs.width()], flip);
        let step = rows.stretch();
        let mut sums = Vec::new();
        for first in job.rows.clone().step_by(step) {
            let stretch = first..(first + step).min(job.rows.end);
            let count = stretch.len();
            sums.clear();
            if !job.rhs.zeros().is_empty() {
                let zeros = zero.wrapping_mul((job.rhs.taps() * job.rhs.width()) as i32);
                sums.extend(stretch.clone().map(|row| rows.sum(row).wrapping_sub(zeros)));
            }
            let at = (first - job.rows.start) * stride;
            let table = rows.point_to(stretch);
            let part = Part { job, zero, table, count, sums: &sums, epilogue, stride };
            // SAFETY: `gemm_i8` has looked at all lengths, and the rows are there.
            unsafe { part.run(s, &mut out[at..]) };
        }
    }
}

/// A stretch of rows.
struct Part<'a, 'b, E: Epilogue> {
    job: &'a Job<'b>,
    /// The zero point of the bytes that the table points to.
    zero: i32,
    table: &'a [Block],
    count: usize,
    /// Σ (a - a_zero) of each row, where some column has a zero point.
    sums: &'a [i32],
    epilogue: &'a E,
    stride: usize,
}

/// Vectors of a tile: `P` panels of `S::LANES`.
const MOST: usize = 16;

impl<E: Epilogue> Part<'_, '_, E> {
    /// # Safety
    /// The lengths must be as `gemm_i8` asserts.
    #[inline(always)]
    unsafe fn run<S: Simd>(&self, s: S, out: &mut [E::Out]) {
        let mut panel = self.job.panels.start;
        while panel < self.job.panels.end {
            let left = self.job.panels.end - panel;
            // SAFETY: as for this function.
            unsafe {
                panel += match S::LANES {
                    // Sums of a tile: as many as registers can hold beside a step of the panels.
                    16 if left >= 4 => self.group::<S, 4>(s, panel, out),
                    16 if left >= 2 => self.group::<S, 2>(s, panel, out),
                    16 => self.group::<S, 1>(s, panel, out),
                    8 => self.group::<S, 2>(s, panel, out),
                    4 => self.group::<S, 4>(s, panel, out),
                    _ => self.group::<S, MOST>(s, panel, out),
                };
            }
        }
    }

    /// All rows × the panels that `N` vectors span; how many these are.
    #[inline(always)]
    unsafe fn group<S: Simd, const N: usize>(&self, s: S, panel: usize, out: &mut [E::Out]) -> usize {
        let taps = self.job.rhs.taps();
        for (i, first) in (0..self.count).step_by(ROWS).enumerate() {
            let table = &self.table[i * taps..][..taps];
            let rows = (self.count - first).min(ROWS);
            let mut at = 0;
            while at < rows {
                let tile = Tile { part: self, table, first, at, panel };
                // SAFETY: as for this function.
                unsafe {
                    at += match (S::LANES * S::REGISTERS, rows - at) {
                        (1, _) | (_, 1) => tile.run::<S, 1, N>(s, out),
                        (64, _) | (_, 2) => tile.run::<S, 2, N>(s, out),
                        (_, 3 | 4) => tile.run::<S, 4, N>(s, out),
                        _ => tile.run::<S, 6, N>(s, out),
                    };
                }
            }
        }
        N * S::LANES / PANEL
    }
}

/// Some rows of a block × some panels.
struct Tile<'a, 'b, 'c, E: Epilogue> {
    part: &'a Part<'b, 'c, E>,
    /// The block, tap by tap.
    table: &'a [Block],
    /// The block's first row in the stretch, and the tile's first row in the block.
    first: usize,
    at: usize,
    panel: usize,
}

impl<E: Epilogue> Tile<'_, '_, '_, E> {
    /// `R` rows, of which the last ones may be repeated ones; how many that were.
    ///
    /// # Safety
    /// The panels that `N` vectors span must be there, and so must `R` rows in the block.
    #[inline(always)]
    unsafe fn run<S: Simd, const R: usize, const N: usize>(&self, s: S, out: &mut [E::Out]) -> usize {
        // SAFETY: the caller's promise; a panel begins at every `depth` lines.
        unsafe {
            let mut sums = [[s.splat_i(0); N]; R];
            self.begin(s, &mut sums);
            let depth = self.part.job.rhs.depth();
            let lines = self.part.job.rhs.lines().as_ptr().add(self.panel * depth);
            add_products(s, &mut sums, self.table, self.at, self.part.job.rhs.quads(), lines, depth);
            self.finish(s, &mut sums, out)
        }
    }

    /// `bias - a_zero * Σ b`.
    #[inline(always)]
    unsafe fn begin<S: Simd, const R: usize, const N: usize>(&self, s: S, sums: &mut [[S::I; N]; R]) {
        let job = self.part.job;
        let zero = s.splat_i(self.part.zero);
        for v in 0..N {
            let col = self.panel * PANEL + v * S::LANES;
            // SAFETY: `gemm_i8` has looked at the lengths.
            let start = unsafe {
                let bias = match job.bias {
                    Some(bias) => s.load_i_at(bias.as_ptr().add(col)),
                    None => s.splat_i(0),
                };
                s.sub_i(bias, s.mul_i(zero, s.load_i_at(job.rhs.sums().as_ptr().add(col))))
            };
            for row in &mut *sums {
                row[v] = start;
            }
        }
    }

    /// Hands the sums to the epilogue; how many rows that were.
    #[inline(always)]
    unsafe fn finish<S: Simd, const R: usize, const N: usize>(
        &self,
        s: S,
        sums: &mut [[S::I; N]; R],
        out: &mut [E::Out],
    ) -> usize {
        let Part { job, epilogue, stride, count, .. } = self.part;
        let row = self.first + self.at;
        let rows = R.min(ROWS - self.at).min(count - row);
        let from = self.panel * PANEL;
        let room = (job.rhs.cols() - from).min(N * S::LANES);
        let col = from - job.panels.start * PANEL;
        for (r, sums) in sums.iter_mut().enumerate() {
            if r >= rows {
                break;
            }
            let to = &mut out[(row + r) * stride + col..][..room];
            for (v, sum) in sums.iter_mut().enumerate() {
                if v * S::LANES >= room {
                    break;
                }
                let col = from + v * S::LANES;
                // SAFETY: the column lies in a panel, and there are as many zero points as columns.
                unsafe {
                    if !self.part.sums.is_empty() {
                        let zeros = s.load_i_at(job.rhs.zeros().as_ptr().add(col));
                        *sum = s.sub_i(*sum, s.mul_i(zeros, s.splat_i(self.part.sums[row + r])));
                    }
                    let end = room.min((v + 1) * S::LANES);
                    epilogue.finish(s, *sum, col, &mut to[v * S::LANES..end]);
                }
            }
        }
        rows
    }
}

/// The innermost loop: a dot product for every row of the tile and every vector of the panels' lines.
///
/// # Safety
/// `R` rows from `at` on must be readable for so many quads at each tap, and as many lines from `lines` on,
/// tap after tap, in each panel that `N` vectors span; a panel begins every `depth` lines.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "loops of constant length, to be unrolled")]
unsafe fn add_products<S: Simd, const R: usize, const N: usize>(
    s: S,
    sums: &mut [[S::I; N]; R],
    table: &[Block],
    at: usize,
    quads: usize,
    lines: *const Line,
    depth: usize,
) {
    let per_panel = PANEL / S::LANES;
    let mut acc = *sums;
    let mut line = lines;
    for block in table {
        let mut rows = [std::ptr::null(); R];
        rows.copy_from_slice(&block[at..at + R]);
        for quad in 0..quads {
            // SAFETY: the caller's promise.
            unsafe {
                let mut b = [s.splat_i(0); N];
                for v in 0..N {
                    let line: *const i32 = line.add(v / per_panel * depth).cast();
                    b[v] = s.load_i_at(line.add(v % per_panel * S::LANES));
                }
                for r in 0..R {
                    let a = s.splat_i(rows[r].cast::<i32>().add(quad).read_unaligned());
                    for v in 0..N {
                        acc[r][v] = s.dot(acc[r][v], a, b[v]);
                    }
                }
                line = line.add(1);
            }
        }
    }
    *sums = acc;
}
