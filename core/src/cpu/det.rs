//! Det and Inverse on the CPU, by elimination with pivots, in f64, rounded once. The inverse of a matrix that
//! has none is full of infinities or NaN.

use super::{Io, Kernel, RunContext};
use crate::ops::det::Det;
use crate::{Num, Result};

impl Kernel for Det {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let [.., n, cols] = *x.shape() else { bail!(InvalidInput, "expected matrices, got {x:?}") };
        ensure!(n == cols, InvalidInput, "expected square matrices, got {x:?}");
        let (cx, y) = (io.context(), io.output(0)?);
        if y.is_empty() {
            return Ok(());
        }
        let (square, inverse) = (n * n, self.inverse);
        for_float!(x.dtype(), T => {
            let (x, y) = (x.slice::<T>()?, y.into_slice::<T>()?);
            cx.pool.chunks(y, if inverse { square } else { 1 }, |i, y| {
                let mut matrix = Matrix::new(n, if inverse { 2 * n } else { n })?;
                for (row, x) in matrix.cells.chunks_mut(matrix.cols.max(1)).zip(x[i * square..].chunks(n.max(1))) {
                    row.iter_mut().zip(x).for_each(|(to, x)| *to = x.to_f64());
                }
                if !inverse {
                    y[0] = T::from_f64(matrix.determinant(cx)?);
                    return Ok(());
                }
                matrix.invert(cx)?;
                for (y, row) in y.chunks_mut(n).zip(matrix.cells.chunks(matrix.cols)) {
                    y.iter_mut().zip(&row[n..]).for_each(|(y, &x)| *y = T::from_f64(x));
                }
                Ok(())
            })
        })
    }
}

/// `rows` rows of `cols` cells.
struct Matrix {
    rows: usize,
    cols: usize,
    cells: Vec<f64>,
}

impl Matrix {
    fn new(rows: usize, cols: usize) -> Result<Matrix> {
        let mut cells = Vec::new();
        let len = rows * cols;
        cells.try_reserve_exact(len).map_err(|_| err!(OutOfMemory, "no memory for {len} numbers"))?;
        cells.resize(len, 0.0);
        Ok(Matrix { rows, cols, cells })
    }

    /// Brings the largest cell of column `i`, from row `i` on, into row `i`; whether rows were exchanged.
    fn pivot(&mut self, i: usize) -> bool {
        let size = |row: usize| self.cells[row * self.cols + i].abs();
        let best = (i + 1..self.rows).fold(i, |best, row| if size(row) > size(best) { row } else { best });
        if best != i {
            let (upper, lower) = self.cells.split_at_mut(best * self.cols);
            upper[i * self.cols..][..self.cols].swap_with_slice(&mut lower[..self.cols]);
        }
        best != i
    }

    /// Subtracts row `i` from `row` so that column `i` vanishes there.
    fn eliminate(&mut self, i: usize, row: usize) {
        let cols = self.cols;
        let factor = self.cells[row * cols + i] / self.cells[i * cols + i];
        if factor == 0.0 {
            return;
        }
        let at = |row: usize| row * cols + i..(row + 1) * cols;
        let (from, to) = if row > i {
            let (upper, lower) = self.cells.split_at_mut(row * cols);
            (&upper[at(i)], &mut lower[i..cols])
        } else {
            let (upper, lower) = self.cells.split_at_mut(i * cols);
            (&lower[i..cols], &mut upper[at(row)])
        };
        to.iter_mut().zip(from).for_each(|(to, from)| *to -= factor * from);
    }

    fn determinant(&mut self, cx: &RunContext<'_>) -> Result<f64> {
        let mut det = 1.0;
        for i in 0..self.rows {
            cx.check()?;
            let sign = if self.pivot(i) { -1.0 } else { 1.0 };
            let pivot = self.cells[i * self.cols + i];
            det *= sign * pivot;
            if pivot == 0.0 {
                // A column of zeros, unless there was a NaN before.
                return Ok(det);
            }
            (i + 1..self.rows).for_each(|row| self.eliminate(i, row));
        }
        Ok(det)
    }

    /// Makes the left half one, which makes the right half the inverse of what the left half was.
    fn invert(&mut self, cx: &RunContext<'_>) -> Result<()> {
        let (n, cols) = (self.rows, self.cols);
        (0..n).for_each(|i| self.cells[i * cols + n + i] = 1.0);
        for i in 0..n {
            cx.check()?;
            self.pivot(i);
            let pivot = self.cells[i * cols + i];
            self.cells[i * cols..][..cols].iter_mut().for_each(|x| *x /= pivot);
            (0..n).filter(|&row| row != i).for_each(|row| self.eliminate(i, row));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::map_f32s;

    const DET: (&str, &str, i64) = ("", "Det", 11);
    const INVERSE: (&str, &str, i64) = ("com.microsoft", "Inverse", 1);

    #[test]
    fn determinants_need_pivots() {
        assert_eq!(map_f32s(DET, &[], &[2, 2, 2], &[0.0, 2.0, 3.0, 1.0, 1.0, 2.0, 2.0, 4.0]), [-6.0, 0.0]);
        assert_eq!(map_f32s(DET, &[], &[2, 0, 0], &[]), [1.0, 1.0]);
        assert!(map_f32s(DET, &[], &[0, 2, 2], &[]).is_empty());
        assert!(map_f32s(DET, &[], &[1, 1], &[f32::NAN])[0].is_nan());
    }

    #[test]
    fn inverses_need_pivots_too() {
        assert_eq!(map_f32s(INVERSE, &[], &[2, 2], &[0.0, 2.0, 4.0, 0.0]), [0.0, 0.25, 0.5, 0.0]);
        let none = map_f32s(INVERSE, &[], &[2, 2], &[1.0, 1.0, 1.0, 1.0]);
        assert!(none.iter().any(|x| !x.is_finite()));
        assert!(map_f32s(INVERSE, &[], &[0, 0], &[]).is_empty());
    }
}
