//! Right factors, packed: panels of 16 columns, each of them line by line along the depth.

use crate::Source;
use crate::squares::turned;
use crate::zeroed::{Zeroable, grow};
use std::collections::TryReserveError;
use std::ops::Range;

/// Columns of a panel.
pub const PANEL: usize = 16;

/// What a panel has for one step of the depth: a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Line(pub [f32; PANEL]);

// SAFETY: numbers whose bits are all zero are 0.
unsafe impl Zeroable for Line {}

/// A right factor of `depth` × `cols`, its last panel filled up with zeros.
#[derive(Clone, Debug, Default)]
pub struct PackedF32 {
    lines: Vec<Line>,
    depth: usize,
    cols: usize,
}

impl PackedF32 {
    /// Packs `cols` columns of `taps` × `width`, tap after tap.
    ///
    /// # Panics
    /// If the source ends before the columns do.
    pub fn new(
        source: Source<'_, f32>,
        [taps, width, cols]: [usize; 3],
    ) -> Result<PackedF32, TryReserveError> {
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
        Ok(PackedF32 { lines, depth, cols })
    }

    /// Makes it a matrix of that size and gives its panels, line after line, to be written. What they hold
    /// is zero or what was there before.
    pub fn blank(&mut self, depth: usize, cols: usize) -> Result<&mut [[f32; PANEL]], TryReserveError> {
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
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }
}

/// One tap's lines of a panel of so many columns, of which the first element is the `start`-th.
///
/// # Safety
/// The source must have them all.
unsafe fn fill(lines: &mut [Line], source: &Source<'_, f32>, start: usize, cols: usize) {
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
        let whole = if depth_step == 1 { cols / 4 * 4 } else { 0 };
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
            lines
                .iter_mut()
                .enumerate()
                .for_each(|(i, line)| gather(line, from.add(i * depth_step), whole..cols, col_step));
        }
        for (i, line) in rest.iter_mut().enumerate() {
            gather(line, from.add((4 * fours.len() + i) * depth_step), 0..cols, col_step);
        }
    }
}

/// Elements of a line, each a step behind the other; `from` is that of column 0.
///
/// # Safety
/// They must be there.
#[inline(always)]
unsafe fn gather(line: &mut Line, from: *const f32, cols: Range<usize>, step: usize) {
    for (col, to) in line.0.iter_mut().enumerate().take(cols.end).skip(cols.start) {
        // SAFETY: the caller's promise.
        *to = unsafe { *from.add(col * step) };
    }
}
