//! Maps: one input, one output of the same shape, each element by itself.

use super::Io;
use super::broadcast::CHUNK;
use crate::{DType, Element, Float, Result};

/// What [`map`] and its kin may do in place.
pub const IN_PLACE: &[(usize, usize)] = &[(0, 0)];

/// The type that output 0 must have; for a kernel that may work in place, that of input 0 as well.
pub fn output_dtype(io: &Io<'_>) -> Result<DType> {
    let kind = io.output_kind(0).ok_or_else(|| err!(Internal, "output 0 is not wanted"))?;
    kind.dtype().ok_or_else(|| err!(Internal, "output 0 must be a tensor, got {kind}"))
}

/// `y = f(x)`, from input 0 to output 0.
pub fn map<X: Element, Y: Element>(io: &mut Io<'_>, f: impl Fn(X) -> Y + Sync) -> Result<()> {
    let x: &[X] = io.input(0)?.slice()?;
    let y: &mut [Y] = io.output(0)?.into_slice()?;
    ensure!(x.len() == y.len(), Internal, "{} elements do not fill {}", x.len(), y.len());
    let cx = io.context();
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        y.iter_mut().zip(&x[i * CHUNK..]).for_each(|(y, &x)| *y = f(x));
        Ok(())
    })
}

/// `y = f(x)` of one type, from input 0 to output 0, in place where that is asked.
pub fn map_same<T: Element>(io: &mut Io<'_>, f: impl Fn(T) -> T + Sync) -> Result<()> {
    if !io.placed(0, 0) {
        return map::<T, T>(io, f);
    }
    let y: &mut [T] = io.output(0)?.into_slice()?;
    let cx = io.context();
    cx.pool.chunks(y, CHUNK, |_, y| {
        cx.check()?;
        y.iter_mut().for_each(|y| *y = f(*y));
        Ok(())
    })
}

/// `y = f(x)` of any float type, computed in f64 for f64 and in f32 for all others.
pub fn map_floats(
    io: &mut Io<'_>,
    f32s: impl Fn(f32) -> f32 + Sync,
    f64s: impl Fn(f64) -> f64 + Sync,
) -> Result<()> {
    for_float!(output_dtype(io)?, T => map_same::<T>(io, |x| x.map(&f32s, &f64s)))
}
