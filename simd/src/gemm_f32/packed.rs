//! Right factors, packed: panels of 16 columns, each of them line by line along the depth.

use std::collections::TryReserveError;

/// Columns of a panel.
pub const PANEL: usize = 16;

/// What a panel has for one step of the depth: a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Line(pub [f32; PANEL]);

/// A right factor of `depth` × `cols`, its last panel filled up with zeros.
#[derive(Clone, Debug, Default)]
pub struct PackedF32 {
    lines: Vec<Line>,
    depth: usize,
    cols: usize,
}

impl PackedF32 {
    /// Packs the matrix of which column 0 has its element of depth `k` at `data[at(k)]`, and every further
    /// column `col_step` elements behind.
    ///
    /// # Panics
    /// If `data` ends before the matrix does.
    pub fn new(
        data: &[f32],
        (depth, cols): (usize, usize),
        at: impl Fn(usize) -> usize,
        col_step: usize,
    ) -> Result<PackedF32, TryReserveError> {
        let mut packed = PackedF32::default();
        packed.pack(data, (depth, cols), at, col_step)?;
        Ok(packed)
    }

    /// The same in the memory that this one has.
    pub fn pack(
        &mut self,
        data: &[f32],
        (depth, cols): (usize, usize),
        at: impl Fn(usize) -> usize,
        col_step: usize,
    ) -> Result<(), TryReserveError> {
        self.lines.clear();
        self.blank(depth, cols)?;
        for (panel, first) in self.lines.chunks_mut(depth.max(1)).zip((0..cols).step_by(PANEL)) {
            let width = PANEL.min(cols - first);
            if col_step == 1 {
                for (k, line) in panel.iter_mut().enumerate() {
                    line.0[..width].copy_from_slice(&data[at(k) + first..][..width]);
                }
            } else {
                let columns: [&[f32]; PANEL] =
                    std::array::from_fn(|i| &data[((first + i.min(width - 1)) * col_step).min(data.len())..]);
                for (k, line) in panel.iter_mut().enumerate() {
                    let k = at(k);
                    for (to, column) in line.0[..width].iter_mut().zip(&columns) {
                        *to = column[k];
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes it a matrix of that size and gives its panels, line after line, to be written. What they hold
    /// is zero or what was there before.
    pub fn blank(&mut self, depth: usize, cols: usize) -> Result<&mut [[f32; PANEL]], TryReserveError> {
        // What passes the address space fails to reserve.
        let lines = depth.saturating_mul(cols.div_ceil(PANEL));
        self.lines.truncate(lines);
        self.lines.try_reserve_exact(lines - self.lines.len())?;
        self.lines.resize(lines, Line([0.0; PANEL]));
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
