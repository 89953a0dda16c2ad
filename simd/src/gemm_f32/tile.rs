//! The innermost loops: a tile of sums that stays in registers.

use super::finish::{Finish, bounds};
use super::left::Pointers;
use super::packed::{Line, PANEL, Packed};
use crate::narrow::Stored;
use crate::{MatrixMut, Simd};
use std::any::Any;

/// What all tiles of one stretch of the depth share.
pub struct Stretched<'a, W: Stored> {
    pub left: &'a Pointers,
    /// The packed panels, from the stretch's first line of panel `panel` on; a panel is `depth` lines.
    pub lines: &'a [Line<W>],
    pub depth: usize,
    pub panel: usize,
    /// Lines of the stretch.
    pub len: usize,
    /// Whether sums begin at zero here, and whether they end here.
    pub first: bool,
    pub last: bool,
}

impl<'a, W: Stored> Stretched<'a, W> {
    /// The same in f32, for so many panels from one on; `right` is the factor that it is of. What has to be
    /// widened is, into `wide`.
    #[inline(always)]
    pub fn wide<'b, S: Simd>(
        &self,
        s: S,
        right: &'b Packed<W>,
        (panel, panels): (usize, usize),
        wide: &'b mut Vec<Line<f32>>,
    ) -> Stretched<'b, f32>
    where
        'a: 'b,
    {
        let Stretched { left, depth, len, first, last, .. } = *self;
        if let Some(right) = (right as &dyn Any).downcast_ref::<Packed<f32>>() {
            let from = right.lines().len() - self.lines.len();
            return Stretched {
                left,
                lines: &right.lines()[from..],
                depth,
                panel: self.panel,
                len,
                first,
                last,
            };
        }
        wide.resize(panels * len, Line::default());
        let lines = self.lines[(panel - self.panel) * depth..].chunks(depth.max(1));
        for (to, from) in wide.chunks_exact_mut(len.max(1)).zip(lines) {
            for (to, from) in to.iter_mut().zip(from) {
                for lane in (0..PANEL).step_by(S::LANES) {
                    // SAFETY: a line has a whole number of vectors.
                    unsafe { s.store_at(W::load(s, from.0.as_ptr().add(lane)), to.0.as_mut_ptr().add(lane)) }
                }
            }
        }
        Stretched { left, lines: wide, depth: len, panel, len, first, last }
    }
}

/// Sums of a block that wait for the rest of the depth: the whole block, row by row.
pub struct Waiting<'a> {
    pub sums: &'a mut [f32],
    pub stride: usize,
}

/// Rows of a tile and vectors of one of its rows.
type Sums<S, const MR: usize, const NV: usize> = [[<S as Simd>::F; NV]; MR];

/// Tiles of `MR` rows one below the other, from row `row` of the block on, as long as `least` or more rows are left;
/// says where they end.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub fn strip<S: Simd, W: Stored, const MR: usize, const NV: usize>(
    s: S,
    part: &Stretched<'_, W>,
    (mut row, least, rows, panel): (usize, usize, usize, usize),
    finish: &Finish<'_>,
    waiting: &mut Waiting<'_>,
    out: &mut MatrixMut<'_, f32>,
) -> usize {
    while rows - row >= least {
        let here = MR.min(rows - row);
        tile::<S, W, MR, NV>(s, part, (row, here, panel), finish, waiting, out);
        row += here;
    }
    row
}

/// The tile whose first row is row `row` of the block and whose first column is that of panel `panel`, both
/// counted from the block's first; `rows` of it count.
#[inline(always)]
fn tile<S: Simd, W: Stored, const MR: usize, const NV: usize>(
    s: S,
    part: &Stretched<'_, W>,
    (row, rows, panel): (usize, usize, usize),
    finish: &Finish<'_>,
    waiting: &mut Waiting<'_>,
    out: &mut MatrixMut<'_, f32>,
) {
    let col = panel * PANEL;
    let mut sums = [[s.splat(0.0); NV]; MR];
    if !part.first {
        for (r, sums) in sums.iter_mut().enumerate().take(rows) {
            let from = &waiting.sums[(row + r) * waiting.stride + col..][..NV * S::LANES];
            load_row(s, sums, from);
        }
    }
    let panels = (NV * S::LANES).div_ceil(PANEL);
    if part.len > 0 {
        let lines = &part.lines[(panel - part.panel) * part.depth..];
        assert!(
            (panels - 1) * part.depth + part.len <= lines.len() && part.left.len * part.left.taps == part.len
        );
        // SAFETY: the lines are there, as asserted; the table has pointers for `MR` rows from any row of the
        // block on, and each leads to as many elements as `left.len` says.
        sums =
            unsafe { add_products(s, sums, part.left, row, lines.as_ptr().cast::<W>(), part.depth * PANEL) };
    }
    if !part.last {
        for (r, sums) in sums.iter().enumerate().take(rows) {
            store_row(s, sums, &mut waiting.sums[(row + r) * waiting.stride + col..][..NV * S::LANES]);
        }
        return;
    }
    let width = (out.cols().len() - col).min(NV * S::LANES);
    let at = (out.rows().start + row, out.cols().start + col);
    if finish.is_plain() && rows == MR && width == NV * S::LANES {
        write_plain(s, &sums, finish, at, (row, col), out)
    } else {
        write(s, &sums, finish, at, (row, rows, col, width), out)
    }
}

/// Adds the products of a stretch to the sums, from its first line to its last.
///
/// # Safety
/// The table must have `taps` times pointers for `MR` rows from `row` on, each to `len` elements, and as many
/// lines must follow `lines`, in every panel: those begin every `panel_step` elements.
#[inline(always)]
unsafe fn add_products<S: Simd, W: Stored, const MR: usize, const NV: usize>(
    s: S,
    mut sums: Sums<S, MR, NV>,
    left: &Pointers,
    row: usize,
    lines: *const W,
    panel_step: usize,
) -> Sums<S, MR, NV> {
    let mut line = lines;
    let mut table = left.at_row(row);
    for _ in 0..left.taps {
        // SAFETY: as the caller promises.
        unsafe {
            let rows: [*const f32; MR] = std::array::from_fn(|r| *table.add(r));
            let mut done = 0;
            while S::BY_LANE && done + S::LANES <= left.len {
                let fours = rows.map(|row| s.load_at(row.add(done)));
                add_line::<S, W, MR, NV, 0>(s, &mut sums, &fours, line, panel_step);
                add_line::<S, W, MR, NV, 1>(s, &mut sums, &fours, line.add(PANEL), panel_step);
                add_line::<S, W, MR, NV, 2>(s, &mut sums, &fours, line.add(2 * PANEL), panel_step);
                add_line::<S, W, MR, NV, 3>(s, &mut sums, &fours, line.add(3 * PANEL), panel_step);
                line = line.add(4 * PANEL);
                done += 4;
            }
            for k in done..left.len {
                let right = load_line::<S, W, NV>(s, line, panel_step);
                if MR >= 4 {
                    // Of the panels that come next: they may lie in memory alone, where the machine does not
                    // look ahead from one panel's end to another's begin.
                    let panels = (NV * S::LANES).div_ceil(PANEL);
                    for panel in panels..2 * panels {
                        s.prefetch(line.wrapping_add(panel * panel_step));
                    }
                }
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let x = s.splat(*row.add(k));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = s.mul_add(x, right, *sum);
                    }
                }
                line = line.add(PANEL);
            }
            table = table.wrapping_add(left.stride());
        }
    }
    sums
}

/// A line of the panels that `NV` vectors span.
///
/// # Safety
/// It must be there.
#[inline(always)]
unsafe fn load_line<S: Simd, W: Stored, const NV: usize>(
    s: S,
    line: *const W,
    panel_step: usize,
) -> [S::F; NV] {
    let at = |v: usize| v * S::LANES / PANEL * panel_step + v * S::LANES % PANEL;
    // SAFETY: the caller's promise.
    std::array::from_fn(|v| unsafe { W::load(s, line.add(at(v))) })
}

/// Adds the products of a line, by that lane of each row's numbers.
///
/// # Safety
/// The line must be there.
#[inline(always)]
unsafe fn add_line<S: Simd, W: Stored, const MR: usize, const NV: usize, const LANE: i32>(
    s: S,
    sums: &mut Sums<S, MR, NV>,
    rows: &[S::F; MR],
    line: *const W,
    panel_step: usize,
) {
    // SAFETY: the caller's promise.
    let right = unsafe { load_line::<S, W, NV>(s, line, panel_step) };
    for (sums, &row) in sums.iter_mut().zip(rows) {
        for (sum, right) in sums.iter_mut().zip(right) {
            *sum = s.mul_add_lane::<LANE>(row, right, *sum);
        }
    }
}

#[inline(always)]
fn load_row<S: Simd, const NV: usize>(s: S, sums: &mut [S::F; NV], from: &[f32]) {
    sums.iter_mut().zip(from.chunks_exact(S::LANES)).for_each(|(sum, from)| *sum = s.load(from));
}

#[inline(always)]
fn store_row<S: Simd, const NV: usize>(s: S, sums: &[S::F; NV], to: &mut [f32]) {
    sums.iter().zip(to.chunks_exact_mut(S::LANES)).for_each(|(&sum, to)| s.store(sum, to));
}

/// A whole tile whose finish is simple, from the registers.
#[inline(always)]
fn write_plain<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    sums: &Sums<S, MR, NV>,
    finish: &Finish<'_>,
    (row, col): (usize, usize),
    (row_here, col_here): (usize, usize),
    out: &mut MatrixMut<'_, f32>,
) {
    let width = NV * S::LANES;
    let (low, high) = bounds(finish.function);
    let (low, high) = (s.splat(low), s.splat(high));
    let mut bias = [s.splat(0.0); NV];
    if let Some(from) = finish.bias {
        load_row(s, &mut bias, &from[col..col + width]);
    }
    for (r, sums) in sums.iter().enumerate() {
        let mut x = *sums;
        if finish.bias.is_some() {
            x.iter_mut().zip(bias).for_each(|(x, bias)| *x = s.add(*x, bias));
        }
        if let Some(addend) = finish.addend {
            let from = &addend.data[(row + r) * addend.stride + col..][..width];
            for (x, from) in x.iter_mut().zip(from.chunks_exact(S::LANES)) {
                *x = s.add(*x, s.load(from));
            }
        }
        x.iter_mut().for_each(|x| *x = s.min(high, s.max(low, *x)));
        store_row(s, &x, &mut out.row(row_here + r)[col_here..col_here + width]);
    }
}

/// Any tile with any finish, by way of memory.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn write<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    sums: &Sums<S, MR, NV>,
    finish: &Finish<'_>,
    (row, col): (usize, usize),
    (row_here, rows, col_here, width): (usize, usize, usize, usize),
    out: &mut MatrixMut<'_, f32>,
) {
    let mut lines = [[0f32; 4 * PANEL]; MR];
    for (to, sums) in lines.iter_mut().zip(sums) {
        store_row(s, sums, &mut to[..NV * S::LANES]);
    }
    for (r, line) in lines.iter().enumerate().take(rows) {
        let to = &mut out.row(row_here + r)[col_here..col_here + width];
        for (i, (to, from)) in to.chunks_mut(S::LANES).zip(line.chunks_exact(S::LANES)).enumerate() {
            let x = finish.apply(s, s.load(from), (row + r, col + i * S::LANES), to.len());
            s.store_some(x, to);
        }
    }
}
