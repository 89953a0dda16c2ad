//! What the quantized products share: bytes of either sign, scales and zero points for all or for each line,
//! and the way back to bytes. None of it is generic over the sign, so that a product is compiled once.

use super::matmul::Product;
use super::product::multiply;
use super::{Io, Lowering, RunContext};
use crate::quant::round_to;
use crate::{DType, Result, View};
use edgewise_simd::gemm_i8::Requantize;

/// u8 or i8 elements, read as i32.
#[derive(Clone, Copy)]
pub struct Bytes<'a> {
    /// As they lie.
    pub data: &'a [u8],
    /// Whether they are i8.
    pub signed: bool,
}

impl<'a> Bytes<'a> {
    /// The elements of a tensor of u8 or i8.
    pub fn new(x: View<'a>) -> Result<Bytes<'a>> {
        let signed = is_signed(x.dtype())?;
        Ok(Bytes { data: x.bytes(), signed })
    }

    /// What a byte of these stands for.
    pub fn wide(&self, byte: u8) -> i32 {
        if self.signed { byte as i8 as i32 } else { byte as i32 }
    }
}

fn is_signed(dtype: DType) -> Result<bool> {
    match dtype {
        DType::U8 => Ok(false),
        DType::I8 => Ok(true),
        other => Err(err!(Unsupported, "expected u8 or i8 elements, got {other}")),
    }
}

/// How real numbers become bytes.
#[derive(Clone, Copy)]
pub struct Rounding {
    low: i32,
    high: i32,
}

impl Rounding {
    /// Of u8 or i8.
    pub fn to(dtype: DType) -> Result<Rounding> {
        Ok(if is_signed(dtype)? { Rounding { low: -128, high: 127 } } else { Rounding { low: 0, high: 255 } })
    }

    /// The same for whole vectors of sums, of which each column has a factor.
    pub fn epilogue<'a>(&self, factor: &'a [f32], zero: i32) -> Requantize<'a> {
        Requantize::new(factor, zero, [self.low, self.high])
    }

    /// A number of steps, rounded (see [`round_to`]).
    pub fn round(&self, x: f32, zero: i32) -> u8 {
        // An i8's byte is the low byte of the number.
        round_to(x, zero, self.low, self.high) as u8
    }
}

/// A parameter for all, for each line (a row or a column) of any matrix, or for each line of each matrix.
pub struct PerLine<T> {
    values: Vec<T>,
}

impl<T: Copy> PerLine<T> {
    /// `values` must fit that many lines in each of that many matrices.
    pub fn new(what: &str, values: Vec<T>, lines: usize, matrices: usize) -> Result<PerLine<T>> {
        let len = values.len();
        ensure!(
            len == 1 || len == lines || Some(len) == lines.checked_mul(matrices),
            InvalidInput,
            "expected 1 {what} or {lines}, got {len}"
        );
        Ok(PerLine { values })
    }

    /// One for all.
    pub fn of_all(value: T) -> PerLine<T> {
        PerLine { values: vec![value] }
    }

    /// The only one, if it is for all.
    pub fn one(&self) -> Option<T> {
        match self.values[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Whether every matrix has the same.
    pub fn fits_each(&self, lines: usize) -> bool {
        self.values.len() == 1 || self.values.len() == lines
    }

    /// All of them.
    pub fn into_values(self) -> Vec<T> {
        self.values
    }

    /// For a line counted through all matrices. There is one for every line that exists.
    pub fn at(&self, line: usize) -> T {
        match self.values.len() {
            1 => self.values[0],
            // A remainder takes longer than what is done with the value.
            len => self.values[if line < len { line } else { line % len }],
        }
    }
}

/// Input `i` as a parameter for lines: a zero point, 0 where it is left out.
pub fn zero_points(io: &Io<'_>, i: usize, lines: usize, matrices: usize) -> Result<PerLine<i32>> {
    let values = match io.optional(i)? {
        Some(x) => x.to_i64s()?.into_iter().map(|x| x as i32).collect(),
        None => vec![0],
    };
    PerLine::new("zero point", values, lines, matrices)
}

impl Lowering<'_> {
    /// Input `i` as zero points, if they are known: 0 where it is left out.
    pub fn zero_points(&self, i: usize) -> Result<Option<Vec<i32>>> {
        if !self.has(i) {
            return Ok(Some(vec![0]));
        }
        let wide = |x: View<'_>| Ok(x.to_i64s()?.into_iter().map(|x| x as i32).collect());
        self.constant(i).map(wide).transpose()
    }
}

/// Input `i` as a parameter for lines: a scale of any float type.
pub fn scales(io: &Io<'_>, i: usize, lines: usize, matrices: usize) -> Result<PerLine<f32>> {
    PerLine::new("scale", io.input(i)?.to_f32s()?, lines, matrices)
}

/// The products of bytes less their zero points, summed in i32: `a_zero` is per row, `b_zero` per column.
pub fn multiply_bytes<Y: Send>(
    cx: &RunContext<'_>,
    product: &Product,
    (a, a_zero): (Bytes<'_>, &PerLine<i32>),
    (b, b_zero): (Bytes<'_>, &PerLine<i32>),
    y: &mut [Y],
    emit: impl Fn(usize, usize, &[i32], &mut [Y]) + Sync,
) -> Result<()> {
    let rows = product.sizes.rows;
    multiply(
        cx,
        product.sizes,
        y,
        |i| product.left(a.data, i, move |x, row| a.wide(x) - a_zero.at(product.left_row(i * rows + row))),
        |i| product.right(b.data, i, move |x, col| b.wide(x) - b_zero.at(product.right_col(i * rows, col))),
        emit,
    )
}
