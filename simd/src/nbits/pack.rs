//! How weights lie in memory.
//!
//! A panel has 16 columns, and a block of it is: the codes, then 16 scales in f32. Codes stand in quads along
//! the depth, as everywhere in this crate: a line of 64 bytes has a lane of four bytes per column, and these
//! bytes hold `8 / bits` quads on top of each other, the first in the low bits. So a shift and a mask make a
//! vector that a dot product takes.

use super::{Line, PANEL};
use crate::squares::turned;
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
                let bytes = format.block * format.bits / 8;
                let from = &codes[columns.start * column_bytes + block * bytes..];
                let left = format.k - block * format.block;
                match format.bits {
                    2 => spread::<2>((from, column_bytes), left, columns.len(), to),
                    4 => spread::<4>((from, column_bytes), left, columns.len(), to),
                    _ => spread::<8>((from, column_bytes), left, columns.len(), to),
                }
                for (lane, column) in columns.clone().enumerate() {
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

/// Writes a block of so many columns, one every `step` bytes, of whose codes only the first `left` count.
fn spread<const BITS: usize>((from, step): (&[u8], usize), left: usize, columns: usize, to: &mut [Line]) {
    let per = 32 / BITS;
    // Squares of four lines of four columns, as far as they go.
    let lines = if left >= per * to.len() { to.len() / 4 * 4 } else { 0 };
    let whole = if lines == to.len() { columns / 4 * 4 } else { 0 };
    for first in (0..whole).step_by(4) {
        let columns: [_; 4] =
            std::array::from_fn(|i| from[(first + i) * step..][..4 * lines].as_chunks::<16>().0);
        for (i, lines) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let quads = columns.map(|column| {
                let [low, high] = halves(column[i]).map(in_quads::<BITS>);
                [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32]
            });
            for (Line(line), four) in lines.iter_mut().zip(turned(quads)) {
                line[4 * first..][..16].copy_from_slice(four.map(u32::to_le_bytes).as_flattened());
            }
        }
    }
    for lane in whole..columns {
        let column = from[lane * step..].as_chunks::<4>().0;
        for (i, (word, Line(line))) in column.iter().zip(&mut *to).enumerate() {
            let count = left.saturating_sub(i * per).min(per);
            let codes = u32::from_le_bytes(*word) & ((1u64 << (count * BITS)) - 1) as u32;
            let quads = in_quads::<BITS>(u64::from(codes)) as u32;
            line[lane * 4..][..4].copy_from_slice(&quads.to_le_bytes());
        }
    }
}

fn halves(bytes: [u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(bytes);
    [both as u64, (both >> 64) as u64]
}

/// Two words of codes in order, each as quads on top of each other: code `4 * q + i` goes to byte `i`, `q * BITS`
/// bits up.
#[inline(always)]
fn in_quads<const BITS: usize>(codes: u64) -> u64 {
    if BITS == 4 {
        // Four codes of two bytes, each into the low half of a byte of its own.
        let apart = |two: u64| {
            let two = (two | two << 8) & 0x00ff_00ff_00ff_00ff;
            (two | two << 4) & 0x0f0f_0f0f_0f0f_0f0f
        };
        const LOW: u64 = 0x0000_ffff_0000_ffff;
        return apart(codes & LOW) | apart(codes >> 16 & LOW) << 4;
    }
    let mut lanes = 0;
    for code in 0..32 / BITS {
        let (quad, byte) = (code / 4, code % 4);
        let each = 0x0000_0001_0000_0001 * (0xff >> (8 - BITS));
        lanes |= (codes >> (BITS * code) & each) << (8 * byte + BITS * quad);
    }
    lanes
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
