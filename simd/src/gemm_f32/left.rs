//! Blocks of left factors as the innermost loop sees them: a table of pointers to stretches of rows.

use crate::{Lhs, OUTSIDE};
use std::ops::Range;

/// The most of the depth that is summed at a time: two panels of it stay in the second cache.
const DEPTH: usize = 2048;

/// A part of the depth: `len` elements from `from` on of each of some taps.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub taps: Range<usize>,
    pub from: usize,
    pub len: usize,
    /// Where in the depth it begins.
    pub start: usize,
}

impl Stretch {
    pub fn depth(&self) -> usize {
        self.taps.len() * self.len
    }
}

/// The whole depth, in parts that follow one another; one empty part where there is none.
pub fn stretches(lhs: &Lhs<'_, f32>, depth: usize) -> Vec<Stretch> {
    let (taps, width) = match *lhs {
        Lhs::Rows { .. } => (1, depth),
        Lhs::Taps { taps, width, .. } => (taps, width),
    };
    let mut list = Vec::new();
    if width <= DEPTH {
        let at_once = DEPTH / width.max(1);
        for tap in (0..taps).step_by(at_once) {
            let taps = tap..taps.min(tap + at_once);
            list.push(Stretch { taps, from: 0, len: width, start: tap * width });
        }
    } else {
        for tap in 0..taps {
            for from in (0..width).step_by(DEPTH) {
                let len = DEPTH.min(width - from);
                list.push(Stretch { taps: tap..tap + 1, from, len, start: tap * width + from });
            }
        }
    }
    if list.is_empty() {
        list.push(Stretch { taps: 0..0, from: 0, len: 0, start: 0 });
    }
    list
}

/// Refuses rows that are not there.
///
/// # Panics
/// If the factor has fewer rows, or another depth.
pub fn check(lhs: &Lhs<'_, f32>, rows: &Range<usize>, depth: usize) {
    match *lhs {
        Lhs::Rows { data, stride } => {
            let end = rows.end.saturating_sub(1).saturating_mul(stride).saturating_add(depth);
            assert!(rows.is_empty() || end <= data.len(), "the left factor ends before its rows do");
        }
        Lhs::Taps { image, offsets, taps, width, .. } => {
            assert_eq!(taps * width, depth, "the left factor has another depth");
            let offsets = &offsets[rows.start * taps..rows.end * taps];
            let last = offsets.iter().filter(|&&at| at != OUTSIDE).max();
            assert!(
                last.is_none_or(|&at| at as usize + width <= image.len()),
                "a tap reaches past the end of the image"
            );
        }
    }
}

/// A table of pointers to stretches of a block of rows, and what the pointers need to point at.
#[derive(Default)]
pub struct Pointers {
    /// For each tap, each row of the block, then the last row's repeated `SPARE` times: tiles may reach past
    /// the end.
    table: Vec<*const f32>,
    rows: usize,
    /// Elements that each pointer leads to, and taps.
    pub len: usize,
    pub taps: usize,
    outside: Vec<f32>,
    copies: Vec<f32>,
}

/// Rows that a tile may reach past the end of a block.
const SPARE: usize = 16;

impl Pointers {
    /// Points at the rows of a checked factor.
    pub fn point(&mut self, lhs: &Lhs<'_, f32>, rows: Range<usize>, part: &Stretch, copy: bool) {
        self.table.clear();
        self.rows = rows.len();
        if copy {
            return self.copy(lhs, rows, part);
        }
        (self.len, self.taps) = (part.len, part.taps.len());
        match *lhs {
            Lhs::Rows { data, stride } => {
                let pointers = rows.map(|row| data[row * stride + part.from..].as_ptr());
                self.table.extend(pointers);
                self.spare();
            }
            Lhs::Taps { image, offsets, taps, width, pad } => {
                if self.outside.first() != Some(&pad) || self.outside.len() != width {
                    self.outside = vec![pad; width];
                }
                for tap in part.taps.clone() {
                    let of_row = |row: usize| match offsets[row * taps + tap] {
                        OUTSIDE => self.outside[part.from..].as_ptr(),
                        at => image[at as usize + part.from..].as_ptr(),
                    };
                    self.table.extend(rows.clone().map(of_row));
                    self.spare();
                }
            }
        }
    }

    /// Copies the rows, so that they lie neither in short pieces nor where they evict one another.
    fn copy(&mut self, lhs: &Lhs<'_, f32>, rows: Range<usize>, part: &Stretch) {
        let depth = part.depth();
        // An odd number of cache lines.
        let stride = (depth + 16) / 32 * 32 + 16;
        self.copies.resize(rows.len() * stride, 0.0);
        for (to, row) in self.copies.chunks_mut(stride).zip(rows) {
            match *lhs {
                Lhs::Rows { data, stride } => {
                    to[..depth].copy_from_slice(&data[row * stride + part.from..][..depth])
                }
                Lhs::Taps { image, offsets, taps, pad, .. } => {
                    let offsets = &offsets[row * taps..][part.taps.clone()];
                    for (to, &at) in to.chunks_mut(part.len.max(1)).zip(offsets) {
                        match at {
                            OUTSIDE => to.fill(pad),
                            at => to.copy_from_slice(&image[at as usize + part.from..][..part.len]),
                        }
                    }
                }
            }
        }
        (self.len, self.taps) = (depth, 1);
        self.table.extend(self.copies.chunks(stride).map(<[f32]>::as_ptr));
        self.spare();
    }

    fn spare(&mut self) {
        let last = self.table.last().copied().unwrap_or(std::ptr::null());
        self.table.extend([last; SPARE]);
    }

    /// From one tap's pointers to the next one's.
    pub fn stride(&self) -> usize {
        self.rows + SPARE
    }

    /// The first tap's pointers, from a row on.
    pub fn at_row(&self, row: usize) -> *const *const f32 {
        self.table[row..].as_ptr()
    }
}
