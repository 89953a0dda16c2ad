//! Products with what bounded panels leave out: few weights, but all rows.
//!
//! So vectors hold rows here, not columns: the rows of a stretch are turned around once, and what comes out is
//! turned back.

use super::excess::Excess;
use super::packed::{PANEL, PackedI8};
use super::rows::{Block, ROWS};
use crate::Simd;
use crate::squares::{turned, zipped};
use std::ops::Range;

/// What is left out of the sums of a stretch of rows.
#[derive(Default)]
pub struct Aside {
    /// How many rows there is room for, and the bytes of all rows, depth after depth.
    room: usize,
    depths: Vec<u8>,
    /// Sums of one panel, column after column.
    turned: Vec<u32>,
    /// Sums of the panels at hand, row after row; empty where they leave out nothing.
    sums: Vec<i32>,
    width: usize,
}

impl Aside {
    /// Turns around so many rows of a left factor, to which blocks of pointers lead.
    ///
    /// # Safety
    /// The rows must be readable as far as the right factor's quads go.
    #[inline(always)]
    pub unsafe fn turn<S: Simd>(&mut self, rhs: &PackedI8, table: &[Block], rows: usize) {
        self.sums.clear();
        if rhs.excess().is_none_or(Excess::is_empty) {
            return;
        }
        self.room = rows.next_multiple_of(4 * S::LANES.max(4));
        let (taps, width) = (rhs.taps(), 4 * rhs.quads());
        self.depths.resize(taps * width * self.room, 0);
        for (tap, depths) in self.depths.chunks_exact_mut(width * self.room).enumerate() {
            for row in (0..rows).step_by(4) {
                // The last one again where there are no more.
                let four = [0, 1, 2, 3].map(|i| (row + i).min(rows - 1));
                let four = four.map(|row| table[row / ROWS * taps + tap][row % ROWS]);
                // SAFETY: the caller's promise.
                unsafe { turn_four(four, width, depths, row, self.room) };
            }
        }
    }

    /// Computes what the panels leave out.
    #[inline(always)]
    pub fn multiply<S: Simd>(&mut self, s: S, excess: &Excess, panels: Range<usize>, rows: usize) {
        self.sums.clear();
        self.width = panels.len() * PANEL;
        for (i, panel) in panels.enumerate() {
            if excess.of_panel(panel).is_empty() {
                continue;
            }
            self.turned.clear();
            self.turned.resize(PANEL * self.room, 0);
            for four in excess.of_panel(panel) {
                let from = four.depths.map(|depth| &self.depths[depth as usize * self.room..][..self.room]);
                let sums = &mut self.turned[four.col * self.room..][..self.room];
                add_products(s, from, i32::from_le_bytes(four.weights.map(|weight| weight as u8)), sums);
            }
            self.sums.resize(rows.next_multiple_of(4) * self.width, 0);
            self.turn_back::<S>(i * PANEL);
        }
    }

    /// Brings the sums of a panel to where its rows have it.
    #[inline(always)]
    fn turn_back<S: Simd>(&mut self, at: usize) {
        for (i, rows) in self.sums.chunks_exact_mut(4 * self.width).enumerate() {
            let from = zipped_place::<S>(4 * i);
            for col in (0..PANEL).step_by(4) {
                let square = [0, 1, 2, 3].map(|c| {
                    let sums = &self.turned[(col + c) * self.room + from..];
                    [sums[0], sums[1], sums[2], sums[3]]
                });
                for (row, four) in rows.chunks_exact_mut(self.width).zip(turned(square)) {
                    row[at + col..][..4].copy_from_slice(&four.map(|sum| sum as i32));
                }
            }
        }
    }

    /// What the panels at hand leave out of a row, column by column; None where that is nothing.
    #[inline(always)]
    pub fn of_row(&self, row: usize) -> Option<&[i32]> {
        self.sums.get(row * self.width..)?.get(..self.width)
    }
}

/// Writes the bytes of four rows depth after depth, from row `row` on of so many.
///
/// # Safety
/// Each must have `width` readable bytes.
#[inline(always)]
unsafe fn turn_four(four: [*const u8; 4], width: usize, depths: &mut [u8], row: usize, rows: usize) {
    let mut depth = 0;
    while depth + 16 <= width {
        // SAFETY: the caller's promise.
        let bytes = four.map(|row| unsafe { row.add(depth).cast::<[u8; 16]>().read() });
        for (to, quad) in depths[depth * rows..].chunks_exact_mut(rows).zip(zipped(bytes)) {
            to[row..][..4].copy_from_slice(&quad.to_ne_bytes());
        }
        depth += 16;
    }
    for (depth, to) in depths.chunks_exact_mut(rows).enumerate().skip(depth) {
        // SAFETY: the caller's promise.
        to[row..][..4].copy_from_slice(&four.map(|row| unsafe { *row.add(depth) }));
    }
}

/// Adds the products of four depths of all rows.
#[inline(always)]
fn add_products<S: Simd>(s: S, from: [&[u8]; 4], weights: i32, sums: &mut [u32]) {
    let weights = s.splat_i(weights);
    let step = 4 * S::LANES;
    for (i, sums) in sums.chunks_exact_mut(step).enumerate() {
        // SAFETY: there are as many bytes as sums, and sums of four vectors.
        unsafe {
            let bytes = from.map(|bytes| s.load_i_at(bytes[i * step..][..step].as_ptr().cast()));
            for (sums, quads) in sums.chunks_exact_mut(S::LANES).zip(s.zip4(bytes)) {
                let sums: *mut i32 = sums.as_mut_ptr().cast();
                s.store_i_at(s.dot_native(s.load_i_at(sums), quads, weights), sums);
            }
        }
    }
}

/// Where the sums of four rows, of which `row` is the first, lie: [`Simd::zip4`] goes through every 16 bytes of
/// its vectors before it takes the next four of them.
fn zipped_place<S: Simd>(row: usize) -> usize {
    let lanes = S::LANES.max(4);
    let (block, within) = (row / (4 * lanes), row % (4 * lanes));
    4 * lanes * block + within % 16 / 4 * lanes + within / 16 * 4
}
