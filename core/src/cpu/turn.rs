//! Matrices turned around: rows become columns. An image whose channels come first, turned, has them last.

use super::RunContext;
use super::movable::filled;
use crate::{Result, Shape};
use bytemuck::Pod;

/// Rows that are read together, so that what is near on one side is not far on the other.
const BLOCK: usize = 16;
/// Elements that one thread takes at a time.
const SHARE: usize = 1 << 15;

/// Transposes every matrix of `rows`×`cols` in `from`.
pub fn turn<T: Clone>(from: &[T], to: &mut [T], rows: usize, cols: usize) {
    let size = (rows * cols).max(1);
    for (from, to) in from.chunks_exact(size).zip(to.chunks_exact_mut(size)) {
        turn_part(from, (rows, cols), 0, to);
    }
}

/// A copy with every matrix turned around.
pub fn turned<T: Pod>(from: &[T], rows: usize, cols: usize) -> Result<Vec<T>> {
    let mut to = filled(T::zeroed(), from.len())?;
    turn(from, &mut to, rows, cols);
    Ok(to)
}

/// Every matrix of `rows`×`cols` that `compute` writes, turned around into `to`.
pub fn turn_result<T: Pod>(
    to: &mut [T],
    rows: usize,
    cols: usize,
    compute: impl FnOnce(&mut [T]) -> Result<()>,
) -> Result<()> {
    let mut result = filled(T::zeroed(), to.len())?;
    compute(&mut result)?;
    turn(&result, to, rows, cols);
    Ok(())
}

/// The same as [`turn`] on all threads.
pub fn turn_on<T: Clone + Send + Sync>(
    cx: &RunContext<'_>,
    from: &[T],
    to: &mut [T],
    rows: usize,
    cols: usize,
) -> Result<()> {
    let size = (rows * cols).max(1);
    for (from, to) in from.chunks_exact(size).zip(to.chunks_exact_mut(size)) {
        let cols_each = (SHARE / rows).next_multiple_of(BLOCK);
        cx.pool.chunks(to, cols_each * rows, |i, to| {
            cx.check()?;
            turn_part(from, (rows, cols), i * cols_each, to);
            Ok(())
        })?;
    }
    Ok(())
}

/// As many columns of one matrix, from `first` on, as `to` has room for.
fn turn_part<T: Clone>(from: &[T], (rows, cols): (usize, usize), first: usize, to: &mut [T]) {
    for (i, to) in to.chunks_mut(BLOCK * rows).enumerate() {
        let first = first + i * BLOCK;
        let width = to.len() / rows;
        for (row, from) in from.chunks_exact(cols).enumerate() {
            for (col, x) in from[first..first + width].iter().enumerate() {
                to[col * rows + row] = x.clone();
            }
        }
    }
}

/// The shape of an image with its channels last, as it is with its channels second.
pub fn channels_second(shape: &[usize], channels_last: bool) -> Shape {
    let mut shape = Shape::from_slice(shape);
    if channels_last && shape.len() > 1 {
        shape[1..].rotate_right(1);
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Pool;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn every_matrix_is_turned_on_any_number_of_threads() {
        for (batch, rows, cols) in [(2, 3, 5), (1, 40, 33), (3, 1, 7), (1, 300, 260), (2, 0, 3)] {
            let from: Vec<usize> = (0..batch * rows * cols).collect();
            let expected: Vec<usize> = (0..from.len())
                .map(|i| i / (rows * cols) * rows * cols + i % rows * cols + i / rows % cols)
                .collect();
            let mut to = vec![0; from.len()];
            turn(&from, &mut to, rows, cols);
            assert_eq!(to, expected);
            for threads in [1, 3] {
                let (pool, cancel) = (Pool::new(threads), AtomicBool::new(false));
                to.fill(0);
                turn_on(&RunContext::new(&pool, &cancel), &from, &mut to, rows, cols).unwrap();
                assert_eq!(to, expected);
            }
        }
    }
}
