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
    chunks(io, &|y, x| y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x)))
}

/// [`map`], of which only what is done with a chunk is compiled for every function.
fn chunks<X: Element, Y: Element>(io: &mut Io<'_>, f: &(dyn Fn(&mut [Y], &[X]) + Sync)) -> Result<()> {
    let x: &[X] = io.input(0)?.slice()?;
    let y: &mut [Y] = io.output(0)?.into_slice()?;
    ensure!(x.len() == y.len(), Internal, "{} elements do not fill {}", x.len(), y.len());
    let cx = io.context();
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        f(y, &x[i * CHUNK..][..y.len()]);
        Ok(())
    })
}

/// `y = f(x)` of one type, from input 0 to output 0, in place where that is asked.
pub fn map_same<T: Element>(io: &mut Io<'_>, f: impl Fn(T) -> T + Sync) -> Result<()> {
    in_place::<T>(io, &|y| y.iter_mut().for_each(|y| *y = f(*y)))
}

/// [`map_same`] chunk by chunk. Input 0 is copied into output 0 where it is not there already.
fn in_place<T: Element>(io: &mut Io<'_>, f: &(dyn Fn(&mut [T]) + Sync)) -> Result<()> {
    if !io.placed(0, 0) {
        return chunks::<T, T>(io, &|y, x| {
            y.copy_from_slice(x);
            f(y);
        });
    }
    let y: &mut [T] = io.output(0)?.into_slice()?;
    let cx = io.context();
    cx.pool.chunks(y, CHUNK, |_, y| {
        cx.check()?;
        f(y);
        Ok(())
    })
}

/// `y = f(x)` of any float type, computed in f64 for f64 and in f32 for all others.
pub fn map_floats(
    io: &mut Io<'_>,
    f32s: impl Fn(f32) -> f32 + Sync,
    f64s: impl Fn(f64) -> f64 + Sync,
) -> Result<()> {
    floats(io, &|y| y.iter_mut().for_each(|y| *y = f32s(*y)), &|y| y.iter_mut().for_each(|y| *y = f64s(*y)))
}

/// [`map_floats`] chunk by chunk.
fn floats(
    io: &mut Io<'_>,
    f32s: &(dyn Fn(&mut [f32]) + Sync),
    f64s: &(dyn Fn(&mut [f64]) + Sync),
) -> Result<()> {
    match output_dtype(io)? {
        DType::F32 => in_place(io, f32s),
        DType::F64 => in_place(io, f64s),
        dtype => for_float!(dtype, T => in_place::<T>(io, &|y| by_f32s(y, f32s))),
    }
}

/// In place by way of f32, some at a time.
fn by_f32s<T: Float>(y: &mut [T], f: &dyn Fn(&mut [f32])) {
    let mut wide = [0.0; 64];
    for y in y.chunks_mut(wide.len()) {
        let wide = &mut wide[..y.len()];
        wide.iter_mut().zip(&*y).for_each(|(wide, y)| *wide = y.to_f32());
        f(wide);
        y.iter_mut().zip(wide).for_each(|(y, wide)| *y = T::from_f32(*wide));
    }
}
