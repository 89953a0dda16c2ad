//! The product of f32 matrices, of which the right one may be stored in 16 bits.
//!
//! Every element of the output is one sum, from the first step of the depth to the last, by `mul_add`; tiles,
//! blocks and threads change nothing in that. So a row's bits do not depend on the rows around it, and panels of
//! 16 bits give what panels of the same numbers in f32 give: they are widened, in registers where few tiles meet
//! them, else once for all tiles.

mod finish;
mod left;
mod packed;
#[cfg(test)]
mod tests;
mod tile;

pub(crate) use finish::later;
pub use finish::{Addend, Finish};
pub use packed::{Line, PANEL, Packed, PackedF32};

use crate::elementwise::unary_in_place;
use crate::narrow::Stored;
use crate::{Isa, Lhs, MatrixMut, Simd, Task, dispatch_plain};
use left::{Pointers, Stretch, check, stretches};
use std::ops::Range;
use tile::{Stretched, Waiting, strip};

/// Computes a block of the product of `left` and `right`: the rows and columns that `out` has. Its first
/// column must be that of a panel.
///
/// # Panics
/// If a factor or an addend is smaller than the block needs.
pub fn gemm_f32<W: Stored>(
    isa: Isa,
    left: Lhs<'_, f32>,
    right: &Packed<W>,
    finish: &Finish<'_>,
    out: MatrixMut<'_, f32>,
) {
    let (rows, cols) = (out.rows(), out.cols());
    assert!(cols.start.is_multiple_of(PANEL) && cols.end <= right.cols(), "no such columns");
    if rows.is_empty() || cols.is_empty() {
        return;
    }
    check(&left, &rows, right.depth());
    dispatch_plain(isa, Gemm { isa, left, right, finish, out })
}

struct Gemm<'a, W: Stored> {
    isa: Isa,
    left: Lhs<'a, f32>,
    right: &'a Packed<W>,
    finish: &'a Finish<'a>,
    out: MatrixMut<'a, f32>,
}

/// Elements of a block of the left factor: it stays in the second cache.
const LEFT_BLOCK: usize = 1 << 16;
/// Panels of a block, where sums must wait for the rest of the depth.
const PANELS: usize = 64;
/// A multiple of all heights of tiles, near enough.
const ROWS: usize = 56;
/// What the blocks of a product use one after the other.
#[derive(Default)]
struct Scratch {
    pointers: Pointers,
    /// Sums that wait for the rest of the depth.
    waiting: Vec<f32>,
    /// Panels that were widened.
    wide: Vec<Line<f32>>,
}

impl<W: Stored> Task for Gemm<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let parts = stretches(&self.left, self.right.depth());
        let deepest = parts.iter().map(Stretch::depth).max().unwrap_or(0);
        let (rows, cols) = (self.out.rows(), self.out.cols());
        let row_step = (LEFT_BLOCK / deepest.max(1) / ROWS).max(1) * ROWS;
        let col_step = if parts.len() > 1 { PANELS * PANEL } else { cols.len() };
        let mut scratch = Scratch::default();
        for col in cols.clone().step_by(col_step) {
            let cols = col..cols.end.min(col + col_step);
            for row in rows.clone().step_by(row_step) {
                let rows = row..rows.end.min(row + row_step);
                self.block(s, (rows, cols.clone()), &parts, &mut scratch);
            }
        }
    }
}

impl<W: Stored> Gemm<'_, W> {
    #[inline(always)]
    fn block<S: Simd>(
        &mut self,
        s: S,
        (rows, cols): (Range<usize>, Range<usize>),
        parts: &[Stretch],
        scratch: &mut Scratch,
    ) {
        let Scratch { pointers, waiting, wide } = scratch;
        let panels = cols.len().div_ceil(PANEL);
        if parts.len() > 1 {
            waiting.resize(rows.len() * panels * PANEL, 0.0);
        }
        let mut waiting = Waiting { sums: waiting, stride: panels * PANEL };
        let Gemm { isa, left, right, finish, ref mut out } = *self;
        let mut out = out.reborrow().block(rows.clone(), cols.clone());
        let depth = right.depth();
        for (i, part) in parts.iter().enumerate() {
            pointers.point(&left, rows.clone(), part, copies(&left, rows.len(), panels, part));
            let first = cols.start / PANEL * depth + part.start;
            let part = Stretched {
                left: pointers,
                lines: right.lines().get(first..).unwrap_or(&[]),
                depth,
                panel: 0,
                len: part.depth(),
                first: i == 0,
                last: i + 1 == parts.len(),
            };
            let mut panel = 0;
            while panel < panels {
                let width = panels_at_once::<S, W>(rows.len(), panels - panel);
                let here = (rows.len(), panel, width);
                if widens_in_registers::<S, W>(rows.len()) {
                    narrow_strips(s, &part, here, finish, &mut waiting, &mut out);
                } else {
                    let part = part.wide(s, right, (panel, width), wide);
                    strips(s, &part, here, finish, &mut waiting, &mut out);
                }
                panel += width;
            }
        }
        if let Some(function) = later(finish.function) {
            (0..out.rows().len()).for_each(|row| unary_in_place(isa, function, out.row(row)));
        }
    }
}

/// Whether the rows are better copied: many panels will meet them, and they lie in short pieces or so that
/// they evict one another from the first cache.
fn copies(left: &Lhs<'_, f32>, rows: usize, panels: usize, part: &Stretch) -> bool {
    const PAGE: usize = 1024;
    let evicting = |stride: usize| (stride + PAGE / 16) % PAGE < PAGE / 8;
    match *left {
        Lhs::Rows { stride, .. } => evicting(stride) && rows > 4 && panels > 3 && part.len > 64,
        Lhs::Taps { width, .. } => width < 8 || evicting(width) && panels > 3,
    }
}

/// Whether tiles of so many rows had better widen panels of 16 bits themselves. Where more of them meet the same
/// panels, the instructions would cost more than writing the panels down once; without instructions for it,
/// that is soon.
#[inline(always)]
fn widens_in_registers<S: Simd, W: Stored>(rows: usize) -> bool {
    let fewer_than = match S::LANES {
        16 => 56,
        8 => 48,
        4 if S::REGISTERS >= 32 => 20,
        4 => 3,
        _ => 2,
    };
    W::NARROW && rows < fewer_than
}

/// How many panels the next tiles are wide.
#[inline(always)]
fn panels_at_once<S: Simd, W: Stored>(rows: usize, panels: usize) -> usize {
    match S::LANES {
        16 if rows <= 2 && panels >= 4 => 4,
        16 if panels == 3 && !widens_in_registers::<S, W>(rows) => 3,
        16 => panels.min(2),
        8 if rows == 1 && panels >= 4 => 4,
        4 if rows == 1 && panels >= 2 => 2,
        _ => 1,
    }
}

/// All rows of the block for so many panels from one on, in tiles of the set's best height.
#[inline(always)]
fn strips<S: Simd>(
    s: S,
    part: &Stretched<'_, f32>,
    (rows, panel, width): (usize, usize, usize),
    finish: &Finish<'_>,
    waiting: &mut Waiting<'_>,
    out: &mut MatrixMut<'_, f32>,
) {
    // Tiles of one size after another: as many rows as `$least` or more are left for.
    macro_rules! tiles {
        ($vectors:literal: $($height:literal if $least:literal),*) => {{
            let row = 0;
            $(let row = strip::<S, f32, $height, $vectors>(s, part, (row, $least, rows, panel), finish, waiting, out);)*
            debug_assert_eq!(row, rows);
        }};
    }
    match (S::LANES, width) {
        (16, 4) => tiles!(4: 2 if 2, 1 if 1),
        (16, 3) => tiles!(3: 9 if 5, 4 if 3, 2 if 2, 1 if 1),
        (16, 2) => tiles!(2: 14 if 9, 8 if 5, 4 if 3, 2 if 2, 1 if 1),
        (16, _) => tiles!(1: 14 if 9, 8 if 5, 4 if 3, 2 if 2, 1 if 1),
        (8, 4) => tiles!(8: 1 if 1),
        (8, _) => tiles!(2: 6 if 4, 3 if 3, 2 if 2, 1 if 1),
        (4, 2) => tiles!(8: 1 if 1),
        (4, _) if S::REGISTERS >= 32 => tiles!(4: 5 if 5, 4 if 4, 3 if 3, 2 if 2, 1 if 1),
        (4, _) => tiles!(4: 2 if 2, 1 if 1),
        _ => tiles!(16: 1 if 1),
    }
}

/// The same by panels of 16 bits that are widened in registers. There are fewer sizes of tiles: each of them is
/// compiled for each type.
#[inline(always)]
fn narrow_strips<S: Simd, W: Stored>(
    s: S,
    part: &Stretched<'_, W>,
    (rows, panel, width): (usize, usize, usize),
    finish: &Finish<'_>,
    waiting: &mut Waiting<'_>,
    out: &mut MatrixMut<'_, f32>,
) {
    macro_rules! tiles {
        ($vectors:literal: $($height:literal if $least:literal),*) => {{
            let row = 0;
            $(let row = strip::<S, W, $height, $vectors>(s, part, (row, $least, rows, panel), finish, waiting, out);)*
            debug_assert_eq!(row, rows);
        }};
    }
    match (S::LANES, width) {
        (16, 4) => tiles!(4: 2 if 2, 1 if 1),
        (16, 2) => tiles!(2: 14 if 9, 8 if 5, 4 if 3, 2 if 1),
        (16, _) => tiles!(1: 8 if 3, 2 if 1),
        (8, 4) => tiles!(8: 1 if 1),
        (8, _) => tiles!(2: 6 if 3, 2 if 2, 1 if 1),
        (4, 2) => tiles!(8: 1 if 1),
        (4, _) if S::REGISTERS >= 32 => tiles!(4: 5 if 3, 2 if 2, 1 if 1),
        (4, _) => tiles!(4: 2 if 2, 1 if 1),
        _ => tiles!(16: 1 if 1),
    }
}
