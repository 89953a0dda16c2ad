//! f32 tensors through the vector functions of edgewise-simd. Other types take the plain way of each kernel.

use super::broadcast::{Broadcast, CHUNK};
use super::map::output_dtype;
use super::{Io, RunContext};
use crate::{DType, Result, Shape, View};
use edgewise_simd::Isa;
use edgewise_simd::elementwise::{self, Binary, Operand, Run, Unary};
use edgewise_simd::norm::Norm;

/// Elements that one thread takes at a time of what memory is slower than.
pub const LIGHT: usize = 1 << 16;

/// Elements that stay in the first cache.
const NEAR: usize = 1 << 11;

/// Whether output 0 has f32 elements; of a kernel that may work in place, so has input 0.
pub fn is_f32(io: &Io<'_>) -> Result<bool> {
    Ok(output_dtype(io)? == DType::F32)
}

/// `y = f(x)` of f32, from input 0 to output 0, in place where that is asked.
pub fn unary(io: &mut Io<'_>, function: Unary) -> Result<()> {
    let isa = Isa::current();
    let cx = io.context();
    let x = if io.placed(0, 0) { None } else { Some(io.input(0)?.slice::<f32>()?) };
    let y = io.output(0)?.into_slice::<f32>()?;
    if let Some(x) = x {
        ensure!(x.len() == y.len(), Internal, "{} elements do not fill {}", x.len(), y.len());
    }
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        match x {
            Some(x) => elementwise::unary(isa, function, &x[i * CHUNK..][..y.len()], y),
            None => elementwise::unary_in_place(isa, function, y),
        }
        Ok(())
    })
}

/// One side of a function of two numbers; `None`: the elements lie in the result.
pub type Side<'a> = Option<(&'a [f32], &'a [usize])>;

fn operand(side: Side<'_>, step: usize) -> Operand<'_> {
    match side {
        None => Operand::Result,
        Some((x, _)) if step == 1 => Operand::Along(x),
        Some((x, _)) => Operand::Still(x),
    }
}

/// `y = f(a, b)` of f32, both sides broadcast to `shape`.
pub fn zip(
    cx: &RunContext<'_>,
    function: Binary,
    (y, shape): (&mut [f32], &[usize]),
    (a, b): (Side<'_>, Side<'_>),
) -> Result<()> {
    let isa = Isa::current();
    let of = |side: Side<'_>| side.map_or(Shape::from_slice(shape), |(_, shape)| Shape::from_slice(shape));
    let walk = Broadcast::new(shape, [&of(a), &of(b)])?;
    let sides = (operand(a, walk.step(0)), operand(b, walk.step(1)));
    cx.pool.chunks(y, LIGHT, |i, y| {
        cx.check()?;
        let start = i * LIGHT;
        let runs = walk.runs(start..start + y.len());
        let mut runs = runs.map(|run| Run { len: run.out.len(), a: run.at[0], b: run.at[1] });
        elementwise::binary(isa, function, sides, y, &mut runs);
        Ok(())
    })
}

/// `y = f(a, b)` of f32, from inputs 0 and 1 (which counts as having `b_shape`) to output 0, in place of
/// either where that is asked.
pub fn binary(
    io: &mut Io<'_>,
    function: Binary,
    b_shape: impl FnOnce(&[usize], &[usize]) -> Result<Shape>,
) -> Result<()> {
    let y = io.output(0)?;
    let shape = Shape::from_slice(y.shape());
    let side = |i| if io.placed(i, 0) { Ok(None) } else { io.input(i).map(Some) };
    let (a, b): (Option<View<'_>>, Option<View<'_>>) = (side(0)?, side(1)?);
    let a_shape = a.map_or(&shape[..], |a| a.shape());
    let b_shape = b_shape(a_shape, b.map_or(&shape[..], |b| b.shape()))?;
    let a = a.map(|a| a.slice()).transpose()?;
    let b = b.map(|b| b.slice()).transpose()?;
    let sides = (a.map(|a| (a, a_shape)), b.map(|b| (b, &b_shape[..])));
    zip(io.context(), function, (y.into_slice()?, &shape), sides)
}

/// Every row of `y` normalized: those of `x`, or where there is none those that lie there.
pub fn normalize(cx: &RunContext<'_>, norm: Norm<'_>, x: Option<&[f32]>, y: &mut [f32]) -> Result<()> {
    let len = norm.scale.len().max(1);
    let (chunk, near) = ((CHUNK / len).max(1) * len, (NEAR / len).max(1) * len);
    cx.pool.chunks(y, chunk, |i, y| {
        cx.check()?;
        for (k, y) in y.chunks_mut(near).enumerate() {
            if let Some(x) = x {
                y.copy_from_slice(&x[i * chunk + k * near..][..y.len()]);
            }
            norm.rows(Isa::current(), y);
        }
        Ok(())
    })
}
