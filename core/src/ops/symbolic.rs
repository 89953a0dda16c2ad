//! Symbolic elements through element-wise operators: how a shape that a model computes stays a shape.

use crate::cpu::broadcast::Broadcast;
use crate::graph::Infer;
use crate::{DType, Dim, Result, Shape};

/// More elements than this are data, not a shape.
const MOST: usize = 1024;

/// Adds to output 0, whose type and dims are answered already, the elements `f(inputs)`, where all inputs'
/// elements are known and `f` can tell every one. `i32` results that would have wrapped stay unknown.
pub fn propagate<const N: usize>(
    cx: &mut Infer<'_>,
    inputs: [usize; N],
    dtype: DType,
    f: impl Fn([&Dim; N]) -> Option<Dim>,
) -> Result<()> {
    if !matches!(dtype, DType::I64 | DType::I32 | DType::Bool) {
        return Ok(());
    }
    let mut shapes: [Shape; N] = std::array::from_fn(|_| Shape::new());
    let mut elements: [Vec<Dim>; N] = std::array::from_fn(|_| Vec::new());
    for (n, i) in inputs.into_iter().enumerate() {
        let Some(shape) = cx.optional(i).and_then(|fact| fact.shape()) else { return Ok(()) };
        if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_none_or(|n| n > MOST) {
            return Ok(());
        }
        let Some(ints) = cx.ints(i) else { return Ok(()) };
        (shapes[n], elements[n]) = (shape, ints);
    }
    let refs: [&[usize]; N] = std::array::from_fn(|n| &shapes[n][..]);
    let shape = crate::cpu::broadcast::broadcast_shape(&refs)?;
    let walk = Broadcast::new(&shape, refs)?;
    let count: usize = shape.iter().product();
    if count > MOST {
        return Ok(());
    }
    let mut out = Vec::with_capacity(count);
    for run in walk.runs(0..count) {
        for k in 0..run.out.len() {
            match f(std::array::from_fn(|n| &elements[n][run.at[n] + k * walk.step(n)])) {
                Some(x) if fits(&x, dtype) => out.push(x),
                _ => return Ok(()),
            }
        }
    }
    cx.set_ints(0, dtype, shape.iter().map(|&d| Dim::from(d)).collect(), out);
    Ok(())
}

fn fits(x: &Dim, dtype: DType) -> bool {
    match x.known() {
        Some(x) if dtype == DType::I32 => i32::try_from(x).is_ok(),
        // Saturated arithmetic ends there; the kernel would have wrapped.
        Some(x) => x != i64::MAX && x != i64::MIN,
        None => true,
    }
}

/// Whether the two are equal, where that is certain: sizes are never negative.
pub fn equal(a: &Dim, b: &Dim) -> Option<bool> {
    let never = |a: &Dim, b: &Dim| a.known().is_some_and(|n| n < 0) && b.is_never_negative();
    match (a.clone() - b.clone()).known() {
        Some(difference) => Some(difference == 0),
        None if never(a, b) || never(b, a) => Some(false),
        None => None,
    }
}
