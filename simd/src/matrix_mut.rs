//! The right to write a matrix, or a block of one: blocks are handed to several threads.

use std::marker::PhantomData;
use std::ops::Range;

/// A block of a matrix that its holder alone writes. It knows where in the whole it lies, so a kernel that
/// gets one knows which rows and columns to compute.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    /// The first element; `stride` elements further is the next row's.
    start: *mut T,
    stride: usize,
    rows: Range<usize>,
    cols: Range<usize>,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut` to elements that no other block has.
unsafe impl<T: Send> Send for MatrixMut<'_, T> {}
// SAFETY: through a shared reference nothing can be reached but numbers.
unsafe impl<T: Send> Sync for MatrixMut<'_, T> {}

impl<'a, T> MatrixMut<'a, T> {
    /// The matrix of `cols` columns that lies dense in `data`; what is left over stays untouched.
    pub fn dense(data: &'a mut [T], cols: usize) -> MatrixMut<'a, T> {
        let rows = data.len().checked_div(cols).unwrap_or(0);
        MatrixMut::with_stride(data, rows, cols, cols)
    }

    /// The matrix whose rows begin every `stride` elements.
    ///
    /// # Panics
    /// If rows overlap or reach past the end of `data`.
    pub fn with_stride(data: &'a mut [T], rows: usize, cols: usize, stride: usize) -> MatrixMut<'a, T> {
        let end = (rows.max(1) - 1).checked_mul(stride).and_then(|n| n.checked_add(cols));
        assert!(rows <= 1 || cols <= stride, "rows of {cols} overlap every {stride}");
        assert!(rows == 0 || end.is_some_and(|end| end <= data.len()), "the rows reach past the end");
        MatrixMut { start: data.as_mut_ptr(), stride, rows: 0..rows, cols: 0..cols, of: PhantomData }
    }

    /// Which rows of the whole these are.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Which columns of the whole these are.
    pub fn cols(&self) -> Range<usize> {
        self.cols.clone()
    }

    /// Elements from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// A row of it, counted from its own first.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline]
    pub fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows.len());
        // SAFETY: the row is there, and `&mut self` keeps every other one away.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride), self.cols.len()) }
    }

    /// The first element, to be written by a kernel's innermost loop: `rows().len()` rows of `cols().len()`.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.start
    }

    /// The same block for a while.
    pub fn reborrow(&mut self) -> MatrixMut<'_, T> {
        let (rows, cols) = (self.rows.clone(), self.cols.clone());
        MatrixMut { start: self.start, stride: self.stride, rows, cols, of: PhantomData }
    }

    /// A block of it, in the whole's numbers.
    ///
    /// # Panics
    /// If it is not within.
    pub fn block(self, rows: Range<usize>, cols: Range<usize>) -> MatrixMut<'a, T> {
        let within = |part: &Range<usize>, all: &Range<usize>| {
            all.start <= part.start && part.start <= part.end && part.end <= all.end
        };
        assert!(within(&rows, &self.rows) && within(&cols, &self.cols), "the block is not within");
        let start = if rows.is_empty() || cols.is_empty() {
            self.start
        } else {
            // SAFETY: an element of the block, so of this one.
            unsafe {
                self.start.add((rows.start - self.rows.start) * self.stride + cols.start - self.cols.start)
            }
        };
        MatrixMut { start, stride: self.stride, rows, cols, of: PhantomData }
    }

    /// The same elements as a matrix of its own, counted from 0.
    pub fn whole(self) -> MatrixMut<'a, T> {
        MatrixMut { rows: 0..self.rows.len(), cols: 0..self.cols.len(), ..self }
    }

    /// All of it, cut into blocks of at most so many rows and columns; those of the same rows follow one
    /// another.
    ///
    /// # Panics
    /// If either is 0.
    pub fn tiles(self, rows: usize, cols: usize) -> Vec<MatrixMut<'a, T>> {
        let mut tiles = Vec::with_capacity(self.rows.len().div_ceil(rows) * self.cols.len().div_ceil(cols));
        for row in self.rows.clone().step_by(rows) {
            for col in self.cols.clone().step_by(cols) {
                // Disjoint, so every one is the only one with the right to its elements.
                let all = MatrixMut { rows: self.rows.clone(), cols: self.cols.clone(), ..self };
                tiles.push(all.block(row..self.rows.end.min(row + rows), col..self.cols.end.min(col + cols)));
            }
        }
        tiles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_everything_once() {
        let mut data = vec![0; 7 * 10];
        let matrix = MatrixMut::with_stride(&mut data, 7, 9, 10);
        for mut tile in matrix.block(1..7, 2..9).tiles(4, 3) {
            for r in 0..tile.rows().len() {
                let (row, col) = (tile.rows().start + r, tile.cols().start);
                tile.row(r).iter_mut().enumerate().for_each(|(c, x)| *x += 100 * row + col + c);
            }
        }
        let expected = |i: usize| {
            let (row, col) = (i / 10, i % 10);
            if row >= 1 && (2..9).contains(&col) { 100 * row + col } else { 0 }
        };
        assert_eq!(data, (0..70).map(expected).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_is_a_matrix_too() {
        assert_eq!(MatrixMut::dense(&mut [0u8; 0], 0).tiles(1, 1).len(), 0);
        assert_eq!(MatrixMut::dense(&mut [0u8; 0], 5).rows(), 0..0);
        assert_eq!(MatrixMut::dense(&mut [0u8; 4], 0).whole().cols(), 0..0);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn rows_may_not_overlap() {
        MatrixMut::with_stride(&mut [0; 20], 2, 9, 8);
    }

    #[test]
    #[should_panic(expected = "past the end")]
    fn rows_may_not_reach_past_the_end() {
        MatrixMut::with_stride(&mut [0; 20], 3, 5, 8);
    }
}
