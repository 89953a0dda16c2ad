//! Bytes as products want them: signed, and those of a right factor in vectors of 16 along the depth; and what is
//! known of their scales and zero points.

use super::shared::count;
use crate::Gpu;
use edgewise_core::device::{Device, Lowered, Memory, device_bytes};
use edgewise_core::ops::matmul::{Factor, Flip};
use edgewise_core::{DType, Result, Shape};

/// Words of the depth that go together.
pub const STEP: usize = 16;

/// Whether they are bytes that stand for integers.
pub fn is_byte(dtype: DType) -> bool {
    matches!(dtype, DType::U8 | DType::I8)
}

/// What turns the top bits of a word of bytes, so that they are signed.
pub fn turn(dtype: DType) -> u32 {
    if dtype == DType::U8 { 0x8080_8080 } else { 0 }
}

/// A zero point of bytes of that type, once they are signed.
pub fn signed_zero(dtype: DType, zero: i32) -> i32 {
    if dtype == DType::U8 { zero - 128 } else { zero }
}

/// The scales that input `i` holds, if they are known, and finite.
pub fn scales(node: &Lowered<'_>, i: usize) -> Option<Vec<f32>> {
    let scales = node.constant(i)?.to_f32s().ok()?;
    scales.iter().all(|scale| scale.is_finite()).then_some(scales)
}

/// The zero points that input `i` holds, if they are known: 0 where it is left out.
pub fn zeros(node: &Lowered<'_>, i: usize) -> Option<Vec<i32>> {
    if !node.has(i) {
        return Some(vec![0]);
    }
    Some(node.constant(i)?.to_i64s().ok()?.into_iter().map(|zero| zero as i32).collect())
}

/// The only one.
pub fn one<T: Copy>(list: Option<Vec<T>>) -> Option<T> {
    match list?[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// Of a list with one entry for all, or one for each.
pub fn pick<T: Copy + Default>(list: &[T], i: usize) -> T {
    match list {
        [one] => *one,
        _ => list.get(i).copied().unwrap_or_default(),
    }
}

/// How many columns there are if there is something for each, by the lengths of what there is: all of one or of
/// that length.
pub fn columns(lengths: &[usize]) -> Option<Option<usize>> {
    let several = lengths.iter().copied().find(|&len| len != 1);
    lengths.iter().all(|&len| len == 1 || Some(len) == several).then_some(several)
}

/// Bytes, four in a word, the first one lowest.
pub fn words_of(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks(4).map(|b| b.iter().rev().fold(0, |word, &b| (word << 8) | u32::from(b))).collect()
}

/// Words in memory of the GPU.
pub fn held(gpu: &Gpu, words: &[u32], what: &str) -> Result<Memory> {
    let bytes: &[u8] = bytemuck::cast_slice(words);
    let memory = gpu.allocate(device_bytes(bytes.len()).max(16), what)?;
    gpu.write(&memory, bytes)?;
    Ok(memory)
}

/// What a column has of its own.
#[derive(Clone, Copy, Default)]
pub struct Column {
    /// The sum of its bytes, where these are known.
    pub sum: i32,
    pub zero: i32,
    pub bias: u32,
    pub factor: f32,
}

/// The right factor.
pub struct Right {
    /// The packed matrices, where they are known.
    pub matrices: Option<Memory>,
    pub shape: Option<Shape>,
    pub columns: Memory,
    /// Columns that have something of their own, in all and in each matrix.
    pub entries: usize,
    pub columns_each: usize,
    pub dtype: DType,
    pub has_zeros: bool,
}

/// Matrices as they are packed: signed bytes, by matrix, column and place along the depth.
pub struct Source<F> {
    pub matrices: usize,
    pub columns: usize,
    pub depth: usize,
    pub byte: F,
}

impl<F: Fn(usize, usize, usize) -> i8> Source<F> {
    /// The packed words, and the sum of every column of every matrix.
    pub fn pack(&self) -> (Vec<u32>, Vec<i32>) {
        let steps = self.depth.div_ceil(4 * STEP);
        let mut bytes = vec![0u8; self.matrices * steps * self.columns * 4 * STEP];
        let mut sums = Vec::with_capacity(self.matrices * self.columns);
        for matrix in 0..self.matrices {
            for column in 0..self.columns {
                let mut sum = 0i32;
                for k in 0..self.depth {
                    let byte = (self.byte)(matrix, column, k);
                    sum = sum.wrapping_add(byte.into());
                    let row = (matrix * steps + k / (4 * STEP)) * self.columns + column;
                    if let Some(to) = bytes.get_mut(row * 4 * STEP + k % (4 * STEP)) {
                        *to = byte as u8;
                    }
                }
                sums.push(sum);
            }
        }
        (words_of(&bytes), sums)
    }
}

impl Right {
    /// Of known, packed matrices; `columns` has an entry for each of their columns.
    pub fn packed(
        gpu: &Gpu,
        (words, shape, dtype): (&[u32], &[usize], DType),
        columns: &[Column],
        columns_each: usize,
    ) -> Result<Right> {
        Ok(Right {
            matrices: Some(held(gpu, words, "packed weights")?),
            shape: Some(shape.into()),
            columns: table(gpu, columns)?,
            entries: columns.len(),
            columns_each,
            dtype,
            has_zeros: columns.iter().any(|column| column.zero != 0),
        })
    }

    /// Of input `b`, which may be known: `columns` is asked for what a column has, but for the sum. `each` says
    /// how many there are where that depends on the column.
    pub fn of_input(
        gpu: &Gpu,
        node: &Lowered<'_>,
        (b, flip): (usize, Flip),
        each: Option<usize>,
        column: impl Fn(usize) -> Column,
    ) -> Result<Option<Right>> {
        let Some(dtype) = node.fact(b).and_then(|fact| fact.dtype()).filter(|&dtype| is_byte(dtype)) else {
            return Ok(None);
        };
        let Some(view) = node.constant(b) else {
            let columns: Vec<Column> = (0..each.unwrap_or(1)).map(column).collect();
            let has_zeros = columns.iter().any(|column| column.zero != 0);
            let table = table(gpu, &columns)?;
            let entries = columns.len();
            let right = Right {
                matrices: None,
                shape: None,
                columns: table,
                entries,
                columns_each: entries,
                dtype,
                has_zeros,
            };
            return Ok(Some(right));
        };
        let Ok(factor) = Factor::right(view.shape(), flip) else { return Ok(None) };
        if each.is_some_and(|each| each != factor.cols) {
            return Ok(None);
        }
        let (depth, cols) = (factor.rows, factor.cols);
        let (row_step, column_step) = if flip.matrix && !factor.vector { (1, depth) } else { (cols, 1) };
        let (bytes, turn) = (view.bytes(), turn(dtype) as u8);
        let byte = |matrix: usize, column: usize, k: usize| {
            let at = matrix * depth * cols + k * row_step + column * column_step;
            bytes.get(at).map_or(0, |&byte| (byte ^ turn) as i8)
        };
        let source = Source { matrices: count(&factor.batch), columns: cols, depth, byte };
        let (words, sums) = source.pack();
        let columns: Vec<Column> =
            sums.iter().enumerate().map(|(i, &sum)| Column { sum, ..column(i % cols.max(1)) }).collect();
        Right::packed(gpu, (&words, view.shape(), dtype), &columns, cols).map(Some)
    }
}

fn table(gpu: &Gpu, columns: &[Column]) -> Result<Memory> {
    let row = |c: &Column| [c.sum as u32, c.zero as u32, c.bias, c.factor.to_bits()];
    let words: Vec<u32> = columns.iter().flat_map(row).collect();
    held(gpu, &words, "what columns have")
}
