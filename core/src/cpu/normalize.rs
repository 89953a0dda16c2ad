//! What the normalizations share. Statistics are kept in f64: a long row of large f32s loses nothing, and
//! the result is rounded once.

use super::Io;
use super::broadcast::CHUNK;
use super::wide::converted;
use crate::{Num, Result, View, ViewMut};
use std::borrow::Cow;

/// Mean and variance (of all there is, not of a sample); NaN where there is nothing.
pub fn moments<'a, T: Num>(x: impl Iterator<Item = &'a T> + Clone) -> (f64, f64) {
    let mean = mean(x.clone().map(|x| x.to_f64()));
    (mean, self::mean(x.map(|x| (x.to_f64() - mean).powi(2))))
}

/// The mean; NaN where there is nothing.
pub fn mean(x: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = x.fold((0.0, 0usize), |(sum, count), x| (sum + x, count + 1));
    sum / count as f64
}

/// Calls `work(i, row)` for every row of `len` elements of `y`.
pub fn each_row<T: Send>(
    io: &Io<'_>,
    y: &mut [T],
    len: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) -> Result<()> {
    let len = len.max(1);
    let rows = (CHUNK / len).max(1);
    let cx = io.context();
    cx.pool.chunks(y, rows * len, |chunk, y| {
        cx.check()?;
        y.chunks_mut(len).enumerate().for_each(|(i, row)| work(chunk * rows + i, row));
        Ok(())
    })
}

/// The elements of a tensor that must have `len`.
pub fn parameters(x: View<'_>, len: usize) -> Result<Cow<'_, [f64]>> {
    ensure!(x.len() == len, InvalidModel, "expected {len} parameters, got shape {:?}", x.shape());
    converted(x)
}

/// Fills a float tensor.
pub fn store(y: ViewMut<'_>, values: impl Iterator<Item = f64>) -> Result<()> {
    for_float!(y.dtype(), T => {
        y.into_slice::<T>()?.iter_mut().zip(values).for_each(|(y, x)| *y = T::from_f64(x));
        Ok(())
    })
}
