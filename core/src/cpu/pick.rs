//! Copies by lists of positions: along each axis a list says which input position every output position
//! takes, or that there is none (padding).

use super::RunContext;
use super::movable::filled;
use super::strided::CHUNK;
use crate::Result;

/// Per output position of one axis, the input position.
pub type Positions = Vec<Option<usize>>;

/// `len` positions, the `i`-th of them `f(i)`.
pub fn positions(len: usize, f: impl Fn(usize) -> Option<usize>) -> Result<Positions> {
    let mut out = filled(None, len)?;
    out.iter_mut().enumerate().for_each(|(i, at)| *at = f(i));
    Ok(out)
}

/// Output element (i, j, …) is input element (axes[0][i], axes[1][j], …), or `fill` where one is `None`.
pub fn pick<T: Clone + Send + Sync>(
    cx: &RunContext<'_>,
    (x, steps): (&[T], &[usize]),
    axes: &[Positions],
    fill: &T,
    y: &mut [T],
) -> Result<()> {
    if y.is_empty() {
        return Ok(());
    }
    let Some((last, outer)) = axes.split_last() else {
        y.clone_from_slice(x);
        return Ok(());
    };
    let row = last.len();
    let rows_each = CHUNK.div_ceil(row);
    cx.pool.chunks(y, rows_each * row, |c, y| {
        cx.check()?;
        for (k, y) in y.chunks_mut(row).enumerate() {
            match start(outer, steps, c * rows_each + k) {
                None => y.fill(fill.clone()),
                Some(start) => {
                    for (y, at) in y.iter_mut().zip(last) {
                        *y = at.map_or(fill, |at| &x[start + at]).clone();
                    }
                }
            }
        }
        Ok(())
    })
}

/// Where the row of that number begins in the input, if it lies there.
fn start(outer: &[Positions], steps: &[usize], mut row: usize) -> Option<usize> {
    let mut start = 0;
    for (positions, step) in outer.iter().zip(steps).rev() {
        start += positions[row % positions.len()]? * step;
        row /= positions.len();
    }
    Some(start)
}
