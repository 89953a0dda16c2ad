//! Range: numbers from `start` up to, but not including, `limit`, `delta` apart.
//!
//! In com.microsoft `delta` may be left out and is 1. From opset 27 on f16 and bf16 are allowed, and
//! `stash_type` names the type that they compute in (here always f64).

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Num, Result, View};
use smallvec::smallvec;

/// Range.
#[derive(Clone, Debug)]
pub struct Range;

impl Operator for Range {
    fn parse(a: &mut Attrs) -> Result<Range> {
        let least = if a.domain().is_empty() { 3 } else { 2 };
        a.arity(least..=3, 1..=1)?;
        a.ignore(&["stash_type"]);
        Ok(Range)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        if dtype.is_float() {
            let delta = if cx.has(2) { cx.view(2) } else { None };
            let count = match (cx.view(0), cx.view(1), delta.is_some() || !cx.has(2)) {
                (Some(start), Some(limit), true) => Dim::from(float_count(start, limit, delta)?),
                _ => cx.unknown_dim(),
            };
            cx.set_tensor(0, dtype, Some(smallvec![count]));
            return Ok(());
        }
        let one = |ints: Option<Vec<Dim>>| ints.and_then(|ints| ints.first().cloned());
        let delta = if cx.has(2) { one(cx.ints(2)) } else { Some(Dim::from(1)) };
        let (Some(start), Some(limit), Some(delta)) = (one(cx.ints(0)), one(cx.ints(1)), delta) else {
            let count = cx.unknown_dim();
            cx.set_tensor(0, dtype, Some(smallvec![count]));
            return Ok(());
        };
        ensure!(delta.known() != Some(0), InvalidModel, "the delta is 0");
        let count = match (start.known(), limit.known(), delta.known()) {
            (Some(start), Some(limit), Some(delta)) => Dim::from(int_count(start, limit, delta)?),
            _ => Dim::larger(&(limit - start.clone()).div_ceil(&delta), &Dim::from(0)),
        };
        match count.size() {
            Some(n) if n <= 1024 => {
                let elements = (0..n).map(|i| start.clone() + Dim::from(i) * delta.clone()).collect();
                cx.set_ints(0, dtype, smallvec![count], elements);
            }
            _ => cx.set_tensor(0, dtype, Some(smallvec![count])),
        }
        Ok(())
    }
}

/// How many integers there are.
pub fn int_count(start: i64, limit: i64, delta: i64) -> Result<usize> {
    ensure!(delta != 0, InvalidInput, "the delta is 0");
    let (span, delta) = (limit as i128 - start as i128, delta as i128);
    let count = (span + delta - delta.signum()) / delta;
    Ok(usize::try_from(count.max(0)).unwrap_or(usize::MAX))
}

/// How many floats there are; computed in f64 whatever the type.
pub fn float_count(start: View<'_>, limit: View<'_>, delta: Option<View<'_>>) -> Result<usize> {
    let (start, delta) = float_ends(start, delta)?;
    let limit = float(limit)?;
    let count = ((limit - start) / delta).ceil();
    ensure!(!count.is_nan(), InvalidInput, "a range from {start} to {limit} by {delta} has no size");
    // The cast saturates, and what is too large is refused where memory is asked for.
    Ok(count.max(0.0) as usize)
}

/// Start and delta.
pub fn float_ends(start: View<'_>, delta: Option<View<'_>>) -> Result<(f64, f64)> {
    let delta = delta.map_or(Ok(1.0), float)?;
    ensure!(delta != 0.0, InvalidInput, "the delta is 0");
    Ok((float(start)?, delta))
}

fn float(x: View<'_>) -> Result<f64> {
    ensure!(x.len() == 1, InvalidInput, "expected one number, got {x:?}");
    for_float!(x.dtype(), T => Ok(x.slice::<T>()?[0].to_f64()))
}
