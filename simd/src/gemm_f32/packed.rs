//! Right factors, packed: panels of 16 columns, each of them line by line along the depth.
//!
//! They may be stored in 16 bits; then they become f32 on their way into registers.

use crate::Source;
use crate::narrow::Stored;
use crate::squares::turned;
use crate::zeroed::{Zeroable, grow};
use std::collections::TryReserveError;
use std::ops::Range;

/// Columns of a panel.
pub const PANEL: usize = 16;

/// What a panel has for one step of the depth: a cache line of f32, half a one of 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Line<W: Stored>(pub [W; PANEL], W::Alignment);

// SAFETY: numbers whose bits are all zero are 0.
unsafe impl<W: Stored> Zeroable for Line<W> {}

/// A right factor of `depth` × `cols`, its last panel filled up with zeros.
#[derive(Clone, Debug)]
pub struct Packed<W: Stored> {
    lines: Vec<Line<W>>,
    depth: usize,
    cols: usize,
}

/// One of f32.
pub type PackedF32 = Packed<f32>;

impl<W: Stored> Default for Packed<W> {
    fn default() -> Packed<W> {
        Packed { lines: Vec::new(), depth: 0, cols: 0 }
    }
}

impl<W: Stored> Packed<W> {
    /// Packs `cols` columns of `taps` × `width`, tap after tap.
    ///
    /// # Panics
    /// If the source ends before the columns do.
    pub fn new(source: Source<'_, W>, [taps, width, cols]: [usize; 3]) -> Result<Packed<W>, TryReserveError> {
        source.check([taps, width, cols]);
        let mut lines = Vec::new();
        let depth = taps.saturating_mul(width);
        lines.try_reserve_exact(depth.saturating_mul(cols.div_ceil(PANEL)))?;
        // Of no depth there may be any number of taps and columns.
        for first in (0..cols).step_by(PANEL).take_while(|_| depth > 0) {
            for tap in 0..taps {
                let (at, start) = (lines.len(), tap * source.tap_step + first * source.col_step);
                // Piece by piece, so that what is zeroed is still in the cache when it is written.
                grow(&mut lines, at + width)?;
                // SAFETY: the source has been checked.
                unsafe { fill(&mut lines[at..], &source, start, PANEL.min(cols - first)) };
            }
        }
        Ok(Packed { lines, depth, cols })
    }

    /// Makes it a matrix of that size and gives its panels, line after line, to be written. What they hold
    /// is zero or what was there before.
    pub fn blank(&mut self, depth: usize, cols: usize) -> Result<&mut [[W; PANEL]], TryReserveError> {
        // What passes the address space fails to reserve.
        let lines = depth.saturating_mul(cols.div_ceil(PANEL));
        self.lines.truncate(lines);
        grow(&mut self.lines, lines)?;
        (self.depth, self.cols) = (depth, cols);
        // SAFETY: a line is its 16 numbers and nothing else.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), lines) })
    }

    /// Rows.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All lines, panel after panel.
    pub fn lines(&self) -> &[Line<W>] {
        &self.lines
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line<W>>()
    }
}

/// One tap's lines of a panel of so many columns, of which the first element is the `start`-th.
///
/// # Safety
/// The source must have them all.
unsafe fn fill<W: Stored>(lines: &mut [Line<W>], source: &Source<'_, W>, start: usize, cols: usize) {
    let Source { depth_step, col_step, .. } = *source;
    // SAFETY: the caller's promise, for all that is read below.
    unsafe {
        let from = source.data.as_ptr().add(start);
        if col_step == 1 {
            for (depth, line) in lines.iter_mut().enumerate() {
                std::ptr::copy_nonoverlapping(from.add(depth * depth_step), line.0.as_mut_ptr(), cols);
            }
            return;
        }
        let squares = depth_step == 1 && size_of::<W>() == size_of::<u32>();
        let whole = if squares { cols / 4 * 4 } else { 0 };
        let (fours, rest) = lines.as_chunks_mut::<4>();
        for (n, lines) in fours.iter_mut().enumerate() {
            let from = from.add(4 * n * depth_step);
            for col in (0..whole).step_by(4) {
                let square: [[u32; 4]; 4] =
                    std::array::from_fn(|i| from.add((col + i) * col_step).cast::<[u32; 4]>().read());
                for (line, four) in lines.iter_mut().zip(turned(square)) {
                    line.0.as_mut_ptr().add(col).cast::<[u32; 4]>().write(four);
                }
            }
            gather(lines, from, whole..cols, [depth_step, col_step]);
        }
        gather(rest, from.add(4 * fours.len() * depth_step), 0..cols, [depth_step, col_step]);
    }
}

/// Columns of some lines; `from` is the first line's element of column 0.
///
/// # Safety
/// They must be there.
#[inline(always)]
unsafe fn gather<W: Stored>(
    lines: &mut [Line<W>],
    from: *const W,
    cols: Range<usize>,
    [depth_step, col_step]: [usize; 2],
) {
    for col in cols {
        for (depth, line) in lines.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            line.0[col] = unsafe { *from.add(depth * depth_step + col * col_step) };
        }
    }
}
