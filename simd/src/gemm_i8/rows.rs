//! The rows of a left factor as the innermost loop wants them: pointers, six rows at a time.

use super::Reading;
use crate::{Lhs, OUTSIDE};
use std::ops::Range;

/// Rows that are worked on at a time.
pub const ROWS: usize = 6;
/// Blocks of [`ROWS`] rows that share a panel while it is near.
const BLOCKS: usize = 16;
/// Bytes of rows that may stay near.
const NEAR: usize = 1 << 17;

/// Where one tap of six rows begins.
pub type Block = [*const u8; ROWS];

/// Pointers to rows. Each can be read in whole quads: where that would pass the end of its slice, and where
/// signs change, it points to a copy.
pub struct Rows<'a> {
    lhs: Lhs<'a, u8>,
    /// Taps of a row, and bytes of a tap.
    taps: usize,
    width: usize,
    reading: Reading,
    table: Vec<Block>,
    copies: Vec<u8>,
    outside: Vec<u8>,
}

impl<'a> Rows<'a> {
    /// Of a factor with so many taps of that width.
    pub fn new(lhs: Lhs<'a, u8>, [taps, width]: [usize; 2], reading: Reading) -> Rows<'a> {
        let outside = match lhs {
            Lhs::Rows { .. } => Vec::new(),
            Lhs::Taps { taps: own, width: wide, pad, .. } => {
                assert_eq!([own, wide], [taps, width], "these windows are not those of the weights");
                vec![pad ^ reading.flip; width.next_multiple_of(4)]
            }
        };
        Rows { lhs, taps, width, reading, table: Vec::new(), copies: Vec::new(), outside }
    }

    /// How many rows to point to at a time.
    pub fn stretch(&self) -> usize {
        (NEAR / (self.taps * self.width * ROWS).max(1)).clamp(1, BLOCKS) * ROWS
    }

    /// Points to `rows`: for every six of them, a block for each tap. The last six repeat the last row.
    /// The pointers hold until the next call.
    pub fn point_to(&mut self, rows: Range<usize>) -> &[Block] {
        self.table.clear();
        self.copies.clear();
        let room = self.width.next_multiple_of(4);
        if self.reading.flip != 0 || room != self.width {
            // So that pushing never moves what is pointed to.
            self.copies.reserve(rows.len() * self.taps * room);
        }
        let (taps, last) = (self.taps, rows.end.saturating_sub(1));
        for first in rows.step_by(ROWS) {
            for tap in 0..taps {
                let mut block = [std::ptr::null(); ROWS];
                for i in 0..ROWS {
                    let row = first + i;
                    block[i] = if row <= last { self.row(row, tap, room) } else { block[i - 1] };
                }
                self.table.push(block);
            }
        }
        &self.table
    }

    /// `room` readable bytes, of which the first ones are that tap of that row.
    #[inline(always)]
    fn row(&mut self, row: usize, tap: usize, room: usize) -> *const u8 {
        let (data, start) = match self.lhs {
            Lhs::Rows { data, stride } => (data, row * stride),
            Lhs::Taps { image, offsets, taps, .. } => match offsets[row * taps + tap] {
                OUTSIDE => return self.outside.as_ptr(),
                offset => (image, offset as usize),
            },
        };
        let bytes = &data[start..];
        if self.reading.flip == 0 && bytes.len() >= room {
            return bytes.as_ptr();
        }
        let at = self.copies.len();
        let flip = self.reading.flip;
        self.copies.extend(bytes[..self.width].iter().map(|b| b ^ flip));
        self.copies.resize(at + room, 0);
        self.copies[at..].as_ptr()
    }

    /// Σ a of a row, as the kernel reads it.
    pub fn sum(&self, row: usize) -> i32 {
        let sum = |bytes: &[u8]| {
            let bytes = bytes[..self.width].iter();
            bytes.fold(0i32, |sum, &b| sum.wrapping_add(self.reading.wide(b)))
        };
        match self.lhs {
            Lhs::Rows { data, stride } => sum(&data[row * stride..]),
            Lhs::Taps { image, offsets, taps, pad, .. } => {
                let outside = (self.width as i32).wrapping_mul(self.reading.wide(pad));
                offsets[row * taps..][..taps].iter().fold(0i32, |total, &offset| {
                    let tap = if offset == OUTSIDE { outside } else { sum(&image[offset as usize..]) };
                    total.wrapping_add(tap)
                })
            }
        }
    }
}
