//! The loops: stretches of rows × groups of panels × tiles.

#[cfg(target_arch = "x86_64")]
use super::amx;
use super::aside::Aside;
use super::packed::{Line, PANEL};
use super::rows::{Block, ROWS, Rows};
use super::{Epilogue, Job, Reading};
use crate::{Isa, MatrixMut, Simd, Task, dispatch};

/// Computes the block `out` of the product: its rows by its columns, which begin at a panel.
///
/// Panics where what the job holds is too short for the block.
pub fn gemm_i8<E: Epilogue>(isa: Isa, job: &Job<'_>, epilogue: &E, out: MatrixMut<'_, E::Out>) {
    epilogue.multiply(isa, job, out);
}

/// The same; each [`Epilogue::multiply`] compiles its own.
pub fn multiply<E: Epilogue>(isa: Isa, job: &Job<'_>, epilogue: &E, out: MatrixMut<'_, E::Out>) {
    let (rows, cols) = (out.rows(), out.cols());
    if rows.is_empty() || cols.is_empty() {
        return;
    }
    let padded = job.rhs.padded_cols();
    assert!(cols.start % PANEL == 0 && cols.end <= job.rhs.cols(), "no such columns: {cols:?}");
    assert!(epilogue.cols() >= padded && job.bias.is_none_or(|bias| bias.len() >= padded));
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Amx
        && job.rhs.excess().is_none()
        && isa.is_supported()
        && amx::pays(rows.len(), cols.len(), 4 * job.rhs.depth())
    {
        return dispatch(isa, amx::Gemm { job, epilogue, out });
    }
    dispatch(isa, Gemm { job, epilogue, out });
}

struct Gemm<'a, 'b, E: Epilogue> {
    job: &'a Job<'b>,
    epilogue: &'a E,
    out: MatrixMut<'a, E::Out>,
}

impl<E: Epilogue> Task for Gemm<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gemm { job, epilogue, mut out } = self;
        let reading = Reading::new::<S>(job.signed, job.zero);
        let zero = reading.zero;
        let mut rows = Rows::new(job.lhs, [job.rhs.taps(), job.rhs.width()], reading);
        let step = rows.stretch();
        let (mut sums, mut aside) = (Vec::new(), Aside::default());
        let (all, cols) = (out.rows(), out.cols());
        for first in all.clone().step_by(step) {
            let stretch = first..(first + step).min(all.end);
            sums.clear();
            if !job.rhs.zeros().is_empty() {
                let zeros = zero.wrapping_mul((job.rhs.taps() * job.rhs.width()) as i32);
                sums.extend(stretch.clone().map(|row| rows.sum(row).wrapping_sub(zeros)));
            }
            let table = rows.point_to(stretch.clone());
            // SAFETY: pointers lead to whole quads.
            unsafe { aside.turn::<S>(job.rhs, table, stretch.len()) };
            let out = out.reborrow().block(stretch, cols.clone());
            let mut part = Part { job, zero, table, sums: &sums, aside: &mut aside, epilogue, out };
            // SAFETY: `gemm_i8` has looked at all lengths, and the rows are there.
            unsafe {
                match job.rhs.excess() {
                    Some(_) if S::PAIRS => part.run::<S, true>(s),
                    _ => part.run::<S, false>(s),
                }
            }
        }
    }
}

/// A stretch of rows.
struct Part<'a, 'b, E: Epilogue> {
    job: &'a Job<'b>,
    /// The zero point of the bytes that the table points to.
    zero: i32,
    table: &'a [Block],
    /// Σ (a - a_zero) of each row, where some column has a zero point.
    sums: &'a [i32],
    /// What the panels leave out.
    aside: &'a mut Aside,
    epilogue: &'a E,
    out: MatrixMut<'a, E::Out>,
}

/// Vectors of a tile where a vector is a single lane: a panel.
const LANES: usize = PANEL;

impl<E: Epilogue> Part<'_, '_, E> {
    /// # Safety
    /// The lengths must be as `gemm_i8` asserts.
    #[inline(always)]
    unsafe fn run<S: Simd, const PAIRS: bool>(&mut self, s: S) {
        let cols = self.out.cols();
        let panels = cols.start / PANEL..cols.end.div_ceil(PANEL);
        let mut panel = panels.start;
        while panel < panels.end {
            let left = panels.end - panel;
            // SAFETY: as for this function.
            unsafe {
                panel += match S::LANES {
                    // Sums of a tile: as many as registers can hold beside a step of the panels.
                    16 if left >= 4 => self.group::<S, 4, PAIRS>(s, panel),
                    16 if left >= 2 => self.group::<S, 2, PAIRS>(s, panel),
                    16 => self.group::<S, 1, PAIRS>(s, panel),
                    8 => self.group::<S, 2, PAIRS>(s, panel),
                    4 => self.group::<S, 4, PAIRS>(s, panel),
                    _ => self.group::<S, LANES, PAIRS>(s, panel),
                };
            }
        }
    }

    /// All rows × the panels that `N` vectors span; how many these are.
    ///
    /// In WebAssembly a function of its own: engines improve whole functions, between calls. A tile is too small for
    /// a call.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    unsafe fn group<S: Simd, const N: usize, const PAIRS: bool>(&mut self, s: S, panel: usize) -> usize {
        let taps = self.job.rhs.taps();
        let count = self.out.rows().len();
        let panels = N * S::LANES / PANEL;
        if let Some(excess) = self.job.rhs.excess() {
            self.aside.multiply(s, excess, panel..panel + panels, count);
        }
        for (i, first) in (0..count).step_by(ROWS).enumerate() {
            let table = &self.table[i * taps..][..taps];
            let rows = (count - first).min(ROWS);
            let mut at = 0;
            while at < rows {
                let tile = Tile { table, first, at, panel };
                // SAFETY: as for this function.
                unsafe {
                    match (S::LANES * S::REGISTERS, rows - at) {
                        (..64, _) | (_, 1) => at += self.tile::<S, 1, N, PAIRS>(s, tile),
                        // Beside bounded neighbors' products there is room for more sums.
                        (64, 3..) if PAIRS => at += self.tile::<S, 3, N, PAIRS>(s, tile),
                        (64, _) | (_, 2) => at += self.tile::<S, 2, N, PAIRS>(s, tile),
                        (128, 4) => at += self.tile::<S, 4, N, PAIRS>(s, tile),
                        // Six rows are two tiles with room for factors, not one without.
                        (128, _) => at += self.tile::<S, 3, N, PAIRS>(s, tile),
                        (_, 3 | 4) => at += self.tile::<S, 4, N, PAIRS>(s, tile),
                        _ => at += self.tile::<S, 6, N, PAIRS>(s, tile),
                    }
                }
            }
        }
        panels
    }

    /// `R` rows, of which the last ones may be repeated ones; how many there were.
    ///
    /// # Safety
    /// The panels that `N` vectors span must be there, and so must `R` rows in the block.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const N: usize, const PAIRS: bool>(
        &mut self,
        s: S,
        tile: Tile<'_>,
    ) -> usize {
        // SAFETY: the caller's promise; a panel begins at every `depth` lines.
        unsafe {
            let mut sums = [[s.splat_i(0); N]; R];
            self.begin(s, &mut sums, tile.panel);
            let rhs = self.job.rhs;
            let depth = rhs.depth();
            let lines = rhs.lines().as_ptr().add(tile.panel * depth);
            add_products::<S, R, N, PAIRS>(s, &mut sums, tile.table, tile.at, rhs.quads(), lines, depth);
            self.finish(s, &mut sums, tile)
        }
    }

    /// `bias - a_zero * Σ b`.
    #[inline(always)]
    unsafe fn begin<S: Simd, const R: usize, const N: usize>(
        &self,
        s: S,
        sums: &mut [[S::I; N]; R],
        panel: usize,
    ) {
        let zero = s.splat_i(self.zero);
        for v in 0..N {
            let col = panel * PANEL + v * S::LANES;
            // SAFETY: `gemm_i8` has looked at the lengths.
            let start = unsafe {
                let bias = match self.job.bias {
                    Some(bias) => s.load_i_at(bias.as_ptr().add(col)),
                    None => s.splat_i(0),
                };
                s.sub_i(bias, s.mul_i(zero, s.load_i_at(self.job.rhs.sums().as_ptr().add(col))))
            };
            for row in &mut *sums {
                row[v] = start;
            }
        }
    }

    /// Hands the sums to the epilogue; how many rows that were.
    #[inline(always)]
    unsafe fn finish<S: Simd, const R: usize, const N: usize>(
        &mut self,
        s: S,
        sums: &mut [[S::I; N]; R],
        tile: Tile<'_>,
    ) -> usize {
        let row = tile.first + tile.at;
        let rows = R.min(ROWS - tile.at).min(self.out.rows().len() - row);
        let from = tile.panel * PANEL;
        let at = from - self.out.cols().start;
        let room = (self.out.cols().end - from).min(N * S::LANES);
        for (r, sums) in sums.iter_mut().enumerate() {
            if r >= rows {
                break;
            }
            if !self.sums.is_empty() {
                let sum = s.splat_i(self.sums[row + r]);
                for (v, x) in sums.iter_mut().enumerate() {
                    // SAFETY: there are as many zero points as columns of whole panels.
                    let zeros =
                        unsafe { s.load_i_at(self.job.rhs.zeros().as_ptr().add(from + v * S::LANES)) };
                    *x = s.sub_i(*x, s.mul_i(zeros, sum));
                }
            }
            if let Some(aside) = self.aside.of_row(row + r) {
                for (x, aside) in sums.iter_mut().zip(aside.chunks_exact(S::LANES)) {
                    *x = s.add_i(*x, s.load_i(aside));
                }
            }
            let to = &mut self.out.row(row + r)[at..][..room];
            // SAFETY: the columns lie in panels.
            unsafe {
                if room == N * S::LANES {
                    self.epilogue.finish_all(s, sums, from, to);
                    continue;
                }
                for (v, (sums, to)) in sums.iter().zip(to.chunks_mut(S::LANES)).enumerate() {
                    self.epilogue.finish(s, *sums, from + v * S::LANES, to);
                }
            }
        }
        rows
    }
}

/// Some rows of a block × some panels.
struct Tile<'a> {
    /// The block, tap by tap.
    table: &'a [Block],
    /// The block's first row in the stretch, and the tile's first row in the block.
    first: usize,
    at: usize,
    panel: usize,
}

/// The innermost loop: a dot product for every row of the tile and every vector of the panels' lines.
///
/// # Safety
/// `R` rows from `at` on must be readable for so many quads at each tap, and as many lines from `lines` on,
/// tap after tap, in each panel that `N` vectors span; a panel begins every `depth` lines.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "loops of constant length, to be unrolled")]
unsafe fn add_products<S: Simd, const R: usize, const N: usize, const PAIRS: bool>(
    s: S,
    sums: &mut [[S::I; N]; R],
    table: &[Block],
    at: usize,
    quads: usize,
    lines: *const Line,
    depth: usize,
) {
    let mut acc = *sums;
    let mut line = lines;
    for block in table {
        let mut rows = [std::ptr::null(); R];
        rows.copy_from_slice(&block[at..at + R]);
        let mut done = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while S::DOT_BY_LANE && done + S::LANES <= quads {
                let fours = rows.map(|row| s.load_i_at(row.cast::<i32>().add(done)));
                add_line::<S, R, N, 0>(s, &mut acc, &fours, line, depth);
                add_line::<S, R, N, 1>(s, &mut acc, &fours, line.add(1), depth);
                add_line::<S, R, N, 2>(s, &mut acc, &fours, line.add(2), depth);
                add_line::<S, R, N, 3>(s, &mut acc, &fours, line.add(3), depth);
                line = line.add(4);
                done += 4;
            }
            for quad in done..quads {
                let b = load_line::<S, N>(s, line, depth);
                for r in 0..R {
                    let a = s.splat_i(rows[r].cast::<i32>().add(quad).read_unaligned());
                    for v in 0..N {
                        acc[r][v] = match PAIRS {
                            true => s.dot_pairs(acc[r][v], a, b[v]),
                            false => s.dot_native(acc[r][v], a, b[v]),
                        };
                    }
                }
                line = line.add(1);
            }
        }
    }
    *sums = acc;
}

/// A line of the panels that `N` vectors span; a panel begins every `depth` lines.
///
/// # Safety
/// It must be there.
#[inline(always)]
unsafe fn load_line<S: Simd, const N: usize>(s: S, line: *const Line, depth: usize) -> [S::I; N] {
    let per_panel = PANEL / S::LANES;
    let mut b = [s.splat_i(0); N];
    for (v, b) in b.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *b = unsafe {
            let line: *const i32 = line.add(v / per_panel * depth).cast();
            s.load_i_at(line.add(v % per_panel * S::LANES))
        };
    }
    b
}

/// Adds the products of a line, by that lane of each row's quads.
///
/// # Safety
/// The line must be there.
#[inline(always)]
unsafe fn add_line<S: Simd, const R: usize, const N: usize, const LANE: i32>(
    s: S,
    sums: &mut [[S::I; N]; R],
    rows: &[S::I; R],
    line: *const Line,
    depth: usize,
) {
    // SAFETY: the caller's promise.
    let b = unsafe { load_line::<S, N>(s, line, depth) };
    for (sums, &row) in sums.iter_mut().zip(rows) {
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum = s.dot_lane::<LANE>(*sum, row, b);
        }
    }
}
