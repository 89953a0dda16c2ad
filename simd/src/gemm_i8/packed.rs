//! Weights, packed once for all instruction sets.

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

/// Where the elements of a right factor lie among bytes: at `tap * taps_step + depth * depth_step + col *
/// col_step`.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// u8 or i8.
    pub data: &'a [u8],
    /// Whether they are i8.
    pub signed: bool,
    /// From one tap to the next.
    pub tap_step: usize,
    /// From one depth of a tap to the next.
    pub depth_step: usize,
    /// From one column to the next.
    pub col_step: usize,
}

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
}

impl PackedI8 {
    /// Packs `cols` columns of `taps` × `width`; `zeros` has the zero point of all, or of each column, in
    /// terms of the source. Panics where the source is too short for the steps.
    pub fn new(
        source: Source<'_>,
        [taps, width, cols]: [usize; 3],
        zeros: &[i32],
    ) -> Result<PackedI8, TryReserveError> {
        let (panels, quads) = (cols.div_ceil(PANEL), width.div_ceil(4));
        // Stored bytes are i8: u8 moves by 128, and its zero point with it.
        let (flip, shift) = if source.signed { (0, 0) } else { (0x80, 128) };
        let mut packed = PackedI8 {
            lines: filled(Line([0; 64]), (panels * taps * quads).saturating_add(BEHIND))?,
            taps,
            width,
            cols,
            sums: filled(0, panels * PANEL)?,
            zeros: Vec::new(),
        };
        let each = (taps * quads).max(1);
        let panels = packed.lines.chunks_exact_mut(each).zip(packed.sums.chunks_exact_mut(PANEL));
        for (panel, (lines, sums)) in panels.enumerate() {
            let first = panel * PANEL;
            fill_panel(lines, source, [taps, width], first..cols.min(first + PANEL), flip);
            for Line(line) in lines {
                for (sum, quad) in sums.iter_mut().zip(line.chunks_exact(4)) {
                    *sum = quad.iter().fold(*sum, |sum, &b| sum.wrapping_add(b.into()));
                }
            }
        }
        let zero = |col: usize| zeros[if zeros.len() == 1 { 0 } else { col }].wrapping_sub(shift);
        if (0..cols).any(|col| zero(col) != 0) {
            packed.zeros = filled(0, packed.sums.len())?;
            packed.zeros.iter_mut().zip(0..cols).for_each(|(to, col)| *to = zero(col));
        }
        Ok(packed)
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
        size_of_val(&self.lines[..]) + 4 * (self.sums.len() + self.zeros.len())
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
}

/// One panel's lines, of `cols`.
fn fill_panel(lines: &mut [Line], from: Source<'_>, [taps, width]: [usize; 2], cols: Range<usize>, flip: u8) {
    let steps = (0..taps).flat_map(|tap| (0..width).step_by(4).map(move |depth| (tap, depth)));
    for (Line(line), (tap, depth)) in lines.iter_mut().zip(steps) {
        let start = tap * from.tap_step + depth * from.depth_step + cols.start * from.col_step;
        let data = &from.data[start..];
        let deep = (width - depth).min(4);
        if from.col_step == 1 {
            for j in 0..deep {
                let row = &data[j * from.depth_step..][..cols.len()];
                line.chunks_exact_mut(4).zip(row).for_each(|(quad, &b)| quad[j] = (b ^ flip) as i8);
            }
        } else {
            for (col, quad) in line.chunks_exact_mut(4).take(cols.len()).enumerate() {
                let depths = data[col * from.col_step..].iter().step_by(from.depth_step.max(1));
                quad[..deep].iter_mut().zip(depths).for_each(|(to, &b)| *to = (b ^ flip) as i8);
            }
        }
    }
}

fn filled<T: Clone>(x: T, len: usize) -> Result<Vec<T>, TryReserveError> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(len)?;
    vec.resize(len, x);
    Ok(vec)
}
