//! Weights, packed once for all instruction sets.

use super::excess::Excess;
use crate::squares::{turned, zipped};
use crate::zeroed::{Zeroable, zeroed};
use crate::{Isa, Simd, Source, Task, dispatch};
use std::collections::TryReserveError;
use std::ops::Range;

/// Columns of a panel.
pub const PANEL: usize = 16;
/// Lines behind the last one, so that a tile of 16 lines may begin at any line.
const BEHIND: usize = 15;

/// Four depths of 16 columns, column after column: 64 bytes.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct Line(pub [i8; 4 * PANEL]);

// SAFETY: bytes may all be zero.
unsafe impl Zeroable for Line {}

/// A right factor of 8-bit integers: taps × width deep (a plain matrix has one tap), as panels of 16
/// columns. The width of each tap is padded with zeros to a multiple of four.
#[derive(Debug)]
pub struct PackedI8 {
    lines: Vec<Line>,
    taps: usize,
    width: usize,
    cols: usize,
    /// Σ b of each column.
    sums: Vec<i32>,
    /// Zero points of the stored bytes by column; empty where all are zero.
    zeros: Vec<i32>,
    /// What the lines leave out, where their neighbors are bounded.
    excess: Option<Excess>,
}

impl PackedI8 {
    /// Packs `cols` columns of `taps` × `width` bytes, i8 where `signed`, else u8; `zeros` has the zero point
    /// of all, or of each column, in terms of the source.
    ///
    /// # Panics
    /// If the source ends before the columns do.
    pub fn new(
        source: Source<'_, u8>,
        signed: bool,
        [taps, width, cols]: [usize; 3],
        zeros: &[i32],
    ) -> Result<PackedI8, TryReserveError> {
        source.check([taps, width, cols]);
        let (panels, quads) = (cols.div_ceil(PANEL), width.div_ceil(4));
        // Stored bytes are i8: u8 moves by 128, and its zero point with it.
        let (flip, shift) = if signed { (0, 0) } else { (0x80, 128) };
        let mut packed = PackedI8 {
            lines: zeroed((panels * taps * quads).saturating_add(BEHIND))?,
            taps,
            width,
            cols,
            sums: zeroed(panels * PANEL)?,
            zeros: Vec::new(),
            excess: None,
        };
        let each = (taps * quads).max(1);
        let panels = packed.lines.chunks_exact_mut(each).zip(packed.sums.chunks_exact_mut(PANEL));
        for (panel, (lines, sums)) in panels.enumerate() {
            let first = panel * PANEL;
            // SAFETY: the source has been checked.
            unsafe { fill_panel(lines, source, [taps, width], first..cols.min(first + PANEL), flip) };
            dispatch(Isa::current(), SumColumns { lines, sums });
        }
        let zero = |col: usize| zeros[if zeros.len() == 1 { 0 } else { col }].wrapping_sub(shift);
        if (0..cols).any(|col| zero(col) != 0) {
            packed.zeros = zeroed(packed.sums.len())?;
            packed.zeros.iter_mut().zip(0..cols).for_each(|(to, col)| *to = zero(col));
        }
        if Isa::current().wants_bounded() {
            packed.bound()?;
        }
        Ok(packed)
    }

    /// Bounds what neighbors add up to, for instruction sets that add them in 16 bits.
    pub(super) fn bound(&mut self) -> Result<(), TryReserveError> {
        if self.excess.is_some() {
            return Ok(());
        }
        let (panels, there) = (self.panels(), self.panels() * self.depth());
        self.excess = Excess::split(&mut self.lines[..there], panels)?;
        Ok(())
    }

    /// How many columns there are.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Columns in whole panels: as many as everything that is given by column must have.
    pub fn padded_cols(&self) -> usize {
        self.sums.len()
    }

    /// How many panels there are.
    pub fn panels(&self) -> usize {
        self.sums.len() / PANEL
    }

    /// How many taps there are.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// Depth of a tap.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let excess = self.excess.as_ref().map_or(0, Excess::bytes);
        size_of_val(&self.lines[..]) + 4 * (self.sums.len() + self.zeros.len()) + excess
    }

    pub(super) fn quads(&self) -> usize {
        self.width.div_ceil(4)
    }

    /// Lines of a panel.
    pub(super) fn depth(&self) -> usize {
        self.taps * self.quads()
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) fn sums(&self) -> &[i32] {
        &self.sums
    }

    pub(super) fn zeros(&self) -> &[i32] {
        &self.zeros
    }

    /// What the lines leave out, where their neighbors are bounded.
    pub(super) fn excess(&self) -> Option<&Excess> {
        self.excess.as_ref()
    }
}

/// One panel's lines, of `cols`.
///
/// # Safety
/// The source must have these columns.
unsafe fn fill_panel(
    lines: &mut [Line],
    from: Source<'_, u8>,
    [taps, width]: [usize; 2],
    cols: Range<usize>,
    flip: u8,
) {
    if from.tap_step == 1 && taps > 1 {
        return fill_taps(lines, &from, [taps, width], cols, flip);
    }
    for (tap, lines) in lines.chunks_mut(width.div_ceil(4).max(1)).enumerate().take(taps) {
        let start = tap * from.tap_step + cols.start * from.col_step;
        // SAFETY: the caller's promise.
        unsafe { fill_tap(lines, &from, start, width, cols.len(), flip) };
    }
}

/// One panel's lines, of `cols`, where taps lie side by side: as convolutions have their weights.
fn fill_taps(
    lines: &mut [Line],
    from: &Source<'_, u8>,
    [taps, width]: [usize; 2],
    cols: Range<usize>,
    flip: u8,
) {
    let quads = width.div_ceil(4);
    let flips = u32::from_ne_bytes([flip; 4]);
    for (to, col) in cols.enumerate() {
        for quad in 0..quads {
            let start = col * from.col_step + 4 * quad * from.depth_step;
            for tap in (0..taps).step_by(16) {
                let deep = [0, 1, 2, 3].map(|i| {
                    let there =
                        (4 * quad + i < width).then(|| from.data.get(start + i * from.depth_step + tap..));
                    there.flatten().unwrap_or_default()
                });
                let columns = match deep.map(|bytes| bytes.first_chunk()) {
                    [Some(a), Some(b), Some(c), Some(d)] => zipped([*a, *b, *c, *d]),
                    // What is not there becomes zero.
                    _ => zipped(deep.map(|bytes| std::array::from_fn(|i| *bytes.get(i).unwrap_or(&flip)))),
                };
                for (i, four) in columns.iter().enumerate().take(taps - tap) {
                    let line = &mut lines[(tap + i) * quads + quad].0;
                    line.as_chunks_mut().0[to] = (four ^ flips).to_ne_bytes().map(|b| b as i8);
                }
            }
        }
    }
}

/// One tap's lines of a panel of so many columns, of which the first element is the `start`-th.
///
/// # Safety
/// The source must have them all.
unsafe fn fill_tap(
    lines: &mut [Line],
    from: &Source<'_, u8>,
    start: usize,
    width: usize,
    cols: usize,
    flip: u8,
) {
    let Source { depth_step, col_step, .. } = *from;
    let flips = u32::from_ne_bytes([flip; 4]);
    // SAFETY: the caller's promise, for all that is read below.
    unsafe {
        let from = from.data.as_ptr().add(start);
        let squares = if depth_step == 1 && cols == PANEL { width / 16 } else { 0 };
        for (i, lines) in lines.as_chunks_mut::<4>().0.iter_mut().enumerate().take(squares) {
            for col in (0..PANEL).step_by(4) {
                let square: [[u32; 4]; 4] = std::array::from_fn(|c| {
                    from.add((col + c) * col_step + 16 * i).cast::<[u32; 4]>().read_unaligned()
                });
                for (Line(line), four) in lines.iter_mut().zip(turned(square)) {
                    line.as_mut_ptr().add(4 * col).cast::<[u32; 4]>().write(four.map(|quad| quad ^ flips));
                }
            }
        }
        for (i, Line(line)) in lines.iter_mut().enumerate().skip(4 * squares) {
            let (from, deep) = (from.add(4 * i * depth_step), (width - 4 * i).min(4));
            let quads = line.as_chunks_mut::<4>().0;
            if depth_step == 1 && deep == 4 {
                for (col, quad) in quads.iter_mut().enumerate().take(cols) {
                    let four = from.add(col * col_step).cast::<[u8; 4]>().read();
                    *quad = four.map(|b| (b ^ flip) as i8);
                }
            } else if col_step == 1 && deep == 4 && cols == PANEL {
                let row = |j: usize| from.add(j * depth_step).cast::<[u8; PANEL]>().read();
                for (quad, four) in quads.iter_mut().zip(zipped([row(0), row(1), row(2), row(3)])) {
                    *quad = (four ^ flips).to_ne_bytes().map(|b| b as i8);
                }
            } else {
                for (col, quad) in quads.iter_mut().enumerate().take(cols) {
                    for (j, to) in quad[..deep].iter_mut().enumerate() {
                        *to = (*from.add(col * col_step + j * depth_step) ^ flip) as i8;
                    }
                }
            }
        }
    }
}

/// The sums of a panel's columns.
struct SumColumns<'a> {
    lines: &'a [Line],
    sums: &'a mut [i32],
}

impl Task for SumColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (lane, sums) in self.sums.chunks_exact_mut(S::LANES).enumerate() {
            let mut total = s.splat_i(0);
            for Line(line) in self.lines {
                // SAFETY: a line has 16 lanes of four bytes.
                let bytes = unsafe { s.load_i_at(line.as_ptr().cast::<i32>().add(lane * S::LANES)) };
                total = s.dot(total, s.splat_i(0x0101_0101), bytes);
            }
            s.store_i(total, sums);
        }
    }
}
