//! How weights lie in memory.
//!
//! A panel has 16 columns, and a block of it is: the codes, then 16 scales in f32. Codes stand in quads along
//! the depth, as everywhere in this crate: a line of 64 bytes has a lane of four bytes per column, and these
//! bytes hold `8 / bits` quads on top of each other, the first in the low bits. So a shift and a mask make a
//! vector that a dot product takes.

use super::{Line, PANEL};
use crate::zeroed::zeroed;
use std::collections::TryReserveError;

/// The sizes of a matrix and how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Columns of the product.
    pub n: usize,
    /// Depth: weights that each of them sums.
    pub k: usize,
    /// Bits of a code: 2, 4 or 8.
    pub bits: usize,
    /// Weights of a block: a multiple of 16.
    pub block: usize,
}

impl Format {
    /// Blocks of a column.
    pub fn blocks(&self) -> usize {
        self.k.div_ceil(self.block)
    }

    /// Panels of 16 columns.
    pub fn panels(&self) -> usize {
        self.n.div_ceil(PANEL)
    }

    /// The depth, filled up to whole blocks.
    pub fn padded_k(&self) -> usize {
        self.blocks() * self.block
    }

    /// Bytes of a column's codes as ONNX stores them.
    pub fn column_bytes(&self) -> usize {
        self.padded_k() * self.bits / 8
    }

    /// The zero point where none is given.
    pub fn middle(&self) -> u8 {
        1 << (self.bits - 1)
    }

    /// Bytes of a quantized row: see [`quantize`](super::quantize).
    pub fn row_bytes(&self) -> usize {
        self.padded_k() + 8 * self.blocks()
    }

    /// Lines that hold the codes of a block of a panel.
    pub(super) fn code_lines(&self) -> usize {
        self.block * self.bits / 32
    }

    /// Lines of a block of a panel.
    pub(super) fn block_lines(&self) -> usize {
        self.code_lines() + 1
    }
}

/// The codes that stand for zero: [columns, blocks].
#[derive(Clone, Copy, Debug)]
pub enum Zeros<'a> {
    /// The middle of all codes, everywhere.
    Middle,
    /// One code per block.
    Codes(&'a [u8]),
    /// One number per block.
    Floats(&'a [f32]),
}

/// A packed matrix.
pub struct Weights {
    pub(super) format: Format,
    /// [panels, blocks, lines of a block].
    pub(super) lines: Vec<Line>,
    pub(super) zeros: PackedZeros,
}

/// [panels, blocks, 16].
pub(super) enum PackedZeros {
    Middle,
    Codes(Vec<u8>),
    Floats(Vec<f32>),
}

impl Weights {
    /// Packs codes [n, bytes of a column], low bits first, and scales [n, blocks]. Panics where their lengths
    /// are not those; an error where there is no memory.
    pub fn pack(
        format: Format,
        codes: &[u8],
        scales: &[f32],
        zeros: Zeros<'_>,
    ) -> Result<Weights, TryReserveError> {
        let (blocks, column_bytes) = (format.blocks(), format.column_bytes());
        assert!(matches!(format.bits, 2 | 4 | 8) && format.block > 0 && format.block.is_multiple_of(16));
        assert_eq!((codes.len(), scales.len()), (format.n * column_bytes, format.n * blocks));
        let mut lines: Vec<Line> = zeroed(format.panels() * blocks * format.block_lines())?;
        let panels = lines.chunks_exact_mut((blocks * format.block_lines()).max(1));
        for (panel, lines) in panels.enumerate() {
            let columns = panel * PANEL..(panel * PANEL + PANEL).min(format.n);
            for (block, lines) in lines.chunks_exact_mut(format.block_lines()).enumerate() {
                let (to, scale_line) = lines.split_at_mut(format.code_lines());
                for (lane, column) in columns.clone().enumerate() {
                    let bytes = format.block * format.bits / 8;
                    let from = &codes[column * column_bytes + block * bytes..][..bytes];
                    let left = format.k - block * format.block;
                    match format.bits {
                        2 => spread::<2>(from, left, lane, to),
                        4 => spread::<4>(from, left, lane, to),
                        _ => spread::<8>(from, left, lane, to),
                    }
                    let scale = scales[column * blocks + block].to_ne_bytes();
                    scale_line[0].0[lane * 4..][..4].copy_from_slice(&scale);
                }
            }
        }
        let zeros = match zeros {
            Zeros::Middle => PackedZeros::Middle,
            Zeros::Codes(zeros) => PackedZeros::Codes(by_panel(format, zeros)?),
            Zeros::Floats(zeros) => PackedZeros::Floats(by_panel(format, zeros)?),
        };
        Ok(Weights { format, lines, zeros })
    }

    /// What it is.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Bytes that a product reads.
    pub fn bytes(&self) -> usize {
        let zeros = match &self.zeros {
            PackedZeros::Middle => 0,
            PackedZeros::Codes(zeros) => zeros.len(),
            PackedZeros::Floats(zeros) => zeros.len() * 4,
        };
        self.lines.len() * 64 + zeros
    }

    /// The lines of a panel.
    pub(super) fn panel(&self, panel: usize) -> &[Line] {
        let len = self.format.blocks() * self.format.block_lines();
        &self.lines[panel * len..][..len]
    }
}

/// Writes a column's codes of a block, of which only the first `left` count, into its lane.
fn spread<const BITS: usize>(from: &[u8], left: usize, lane: usize, to: &mut [Line]) {
    let per = 32 / BITS;
    if left >= per * to.len() {
        for (from, Line(to)) in from.as_chunks::<4>().0.iter().zip(to) {
            to.as_chunks_mut::<4>().0[lane] = in_quads::<BITS>(u32::from_le_bytes(*from)).to_le_bytes();
        }
        return;
    }
    for (i, (from, to)) in from.as_chunks::<4>().0.iter().zip(to).enumerate() {
        let count = left.saturating_sub(i * per).min(per);
        let codes = u32::from_le_bytes(*from) & ((1u64 << (count * BITS)) - 1) as u32;
        to.0[lane * 4..][..4].copy_from_slice(&in_quads::<BITS>(codes).to_le_bytes());
    }
}

/// Codes in order as quads on top of each other: code `4 * q + i` goes to byte `i`, `q * BITS` bits up.
fn in_quads<const BITS: usize>(codes: u32) -> u32 {
    if BITS == 4 {
        // Four codes of two bytes, each into the low half of a byte of its own.
        let apart = |two: u32| {
            let two = (two | two << 8) & 0x00ff_00ff;
            (two | two << 4) & 0x0f0f_0f0f
        };
        return apart(codes & 0xffff) | apart(codes >> 16) << 4;
    }
    let mut lane = 0;
    for quad in 0..8 / BITS {
        let quad_codes = codes >> (4 * BITS * quad);
        for i in 0..4 {
            let code = quad_codes >> (BITS * i) & (0xff >> (8 - BITS));
            lane |= code << (8 * i + BITS * quad);
        }
    }
    lane
}

/// [columns, blocks] as [panels, blocks, 16].
fn by_panel<T: Copy + Default>(format: Format, from: &[T]) -> Result<Vec<T>, TryReserveError> {
    let blocks = format.blocks();
    assert_eq!(from.len(), format.n * blocks);
    let mut to = Vec::new();
    to.try_reserve_exact(format.panels() * blocks * PANEL)?;
    for panel in 0..format.panels() {
        for block in 0..blocks {
            let column = |lane| (panel * PANEL + lane) * blocks + block;
            to.extend((0..PANEL).map(|lane| from.get(column(lane)).copied().unwrap_or_default()));
        }
    }
    Ok(to)
}
