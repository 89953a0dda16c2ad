//! Slice: a part of a tensor along some axes, with steps.
//!
//! Starts, ends and axes are attributes before opset 10 and inputs from then on, when steps join them.
//! Negative bounds count from the end, bounds out of range are clamped. Tensors of every type.

use super::carry::carry;
use super::ints::Ints;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{Dim, Result};

/// Slice.
#[derive(Clone, Debug)]
pub struct Slice {
    pub(crate) starts: Ints,
    pub(crate) ends: Ints,
    pub(crate) axes: Ints,
    pub(crate) steps: Ints,
}

impl Operator for Slice {
    fn parse(a: &mut Attrs) -> Result<Slice> {
        let inputs = a.version() >= 10;
        if inputs {
            a.arity(3..=5, 1..=1)?
        } else {
            a.arity(1..=1, 1..=1)?
        }
        let (starts, ends) = (Ints::parse(a, "starts", 1, 10)?, Ints::parse(a, "ends", 2, 10)?);
        ensure!(!starts.is_absent() && !ends.is_absent(), InvalidModel, "starts and ends are required");
        let axes = Ints::parse(a, "axes", 3, 10)?;
        let steps = if inputs { Ints::parse(a, "steps", 4, 10)? } else { Ints::Absent };
        Ok(Slice { starts, ends, axes, steps })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = cx.dims(0).map(|dims| self.dims(cx, dims)).transpose()?;
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}

impl Slice {
    /// The same of a tensor whose axis `i` lies at `order[i]`, if its axes are known: they are no input then.
    pub fn along(&self, order: &[usize], input: impl Fn(usize) -> Option<Vec<i64>>) -> Option<Slice> {
        let axes = match self.axes.given(&input)? {
            Some(axes) => axes,
            None => (0..self.starts.given(&input)??.len() as i64).collect(),
        };
        let axes = sliced_axes(&axes, order.len()).ok()?;
        let turned = axes.into_iter().map(|axis| order[axis] as i64).collect();
        Some(Slice { axes: Ints::Attr(turned), ..self.clone() })
    }

    /// Where the part of each axis of a tensor of that shape begins, how long it is, and its step, if all of that
    /// is an attribute or `input` knows those inputs.
    pub fn parts(
        &self,
        shape: &[usize],
        input: impl Fn(usize) -> Option<Vec<i64>>,
    ) -> Result<Option<Vec<(usize, usize, i64)>>> {
        let (starts, ends) = (self.starts.given(&input), self.ends.given(&input));
        let (axes, steps) = (self.axes.given(&input), self.steps.given(&input));
        let (Some(Some(starts)), Some(Some(ends)), Some(axes), Some(steps)) = (starts, ends, axes, steps)
        else {
            return Ok(None);
        };
        let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
        let mut parts: Vec<(usize, usize, i64)> = shape.iter().map(|&d| (0, d, 1)).collect();
        for (i, axis) in sliced_axes(&axes, shape.len())?.into_iter().enumerate() {
            let (Some(&start), Some(&end), Some(&step)) = (starts.get(i), ends.get(i), steps.get(i)) else {
                bail!(InvalidInput, "starts, ends, axes and steps have different lengths");
            };
            ensure!(step != 0, InvalidInput, "the step of axis {axis} is 0");
            let (start, len) = part(shape[axis], start, end, step);
            parts[axis] = (start, len, step);
        }
        Ok(Some(parts))
    }

    fn dims(&self, cx: &mut Infer<'_>, dims: &Dims) -> Result<Dims> {
        let unknown = |cx: &mut Infer<'_>| Ok(dims.iter().map(|_| cx.unknown_dim()).collect());
        let axes = match self.axes.known(cx) {
            Some(axes) => Some(axes),
            None if self.axes.is_absent() => self.starts.len(cx).map(|n| (0..n as i64).collect()),
            None => None,
        };
        let Some(axes) = axes else { return unknown(cx) };
        let axes = sliced_axes(&axes, dims.len())?;
        for (what, ints) in [("starts", &self.starts), ("ends", &self.ends), ("steps", &self.steps)] {
            let count = ints.len(cx).unwrap_or(axes.len());
            ensure!(count == axes.len(), InvalidModel, "there are {count} {what} for {} axes", axes.len());
        }
        let (starts, ends) = (self.starts.symbolic(cx), self.ends.symbolic(cx));
        let steps = if self.steps.is_absent() { Some(vec![1; axes.len()]) } else { self.steps.known(cx) };
        let mut out = dims.clone();
        for (i, &axis) in axes.iter().enumerate() {
            let size = match (&starts, &ends, &steps) {
                (Some(starts), Some(ends), Some(steps)) => {
                    ensure!(steps[i] != 0, InvalidModel, "the step of axis {axis} is 0");
                    part_size(&dims[axis], &starts[i], &ends[i], steps[i])
                }
                _ => None,
            };
            out[axis] = size.unwrap_or_else(|| cx.unknown_dim());
        }
        Ok(out)
    }
}

/// The axes that are sliced, each counted from the front and named once.
pub fn sliced_axes(axes: &[i64], rank: usize) -> Result<Vec<usize>> {
    let out = axes.iter().map(|&axis| normalize_axis(axis, rank)).collect::<Result<Vec<usize>>>()?;
    let twice = out.iter().enumerate().find(|(i, axis)| out[..*i].contains(axis));
    ensure!(twice.is_none(), InvalidModel, "an axis is named twice in {axes:?}");
    Ok(out)
}

/// Where a part of an axis of size `d` begins and how long it is; `step` is not 0.
pub fn part(d: usize, start: i64, end: i64, step: i64) -> (usize, usize) {
    let d = d as i64;
    if d == 0 {
        return (0, 0);
    }
    let from_front = |i: i64| if i < 0 { i.saturating_add(d) } else { i };
    let (start, end) = (from_front(start), from_front(end));
    let (start, span) = if step > 0 {
        let start = start.clamp(0, d);
        (start, end.clamp(0, d) - start)
    } else {
        let start = start.clamp(0, d - 1);
        (start, start - end.clamp(-1, d - 1))
    };
    (start as usize, (span.max(0) as u64).div_ceil(step.unsigned_abs()) as usize)
}

/// The same for sizes and bounds that may be symbolic; `None` where that does not tell.
fn part_size(d: &Dim, start: &Dim, end: &Dim, step: i64) -> Option<Dim> {
    /// Exporters write at least this for "to the end".
    const FAR: i64 = i32::MAX as i64;
    if let (Some(d), Some(start), Some(end)) = (d.size(), start.known(), end.known()) {
        return Some(Dim::from(part(d, start, end, step).1));
    }
    let far = |i: &Dim| i.known().is_some_and(|i| i >= FAR);
    if step < 0 {
        let whole = (far(start) || start.known() == Some(-1)) && end.known().is_some_and(|e| e <= -FAR);
        return step.checked_neg().filter(|_| whole).map(|step| d.div_ceil(&Dim::from(step)));
    }
    let bound = |i: &Dim| match i.known() {
        _ if far(i) => Some(d.clone()),
        Some(i) if i < 0 => Some(Dim::larger(&(d.clone() + Dim::from(i)), &Dim::from(0))),
        _ => i.is_never_negative().then(|| i.smaller(d)),
    };
    let (start, end) = (bound(start)?, bound(end)?);
    let span = end.clone() - start;
    let span = if end == *d { span } else { Dim::larger(&span, &Dim::from(0)) };
    Some(span.div_ceil(&Dim::from(step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbolic_sizes_agree_with_numbers() {
        let far = i64::from(i32::MAX);
        for start in [0, 1, 3, -1, -2, far] {
            for end in [0, 2, -1, -3, far, i64::MAX, -far, i64::MIN] {
                for step in [1, 2, -1, -2] {
                    let n = Dim::symbol("N");
                    let Some(size) = part_size(&n, &start.into(), &end.into(), step) else { continue };
                    for d in 0..6 {
                        let expected = part(d, start, end, step).1 as i64;
                        assert_eq!(
                            size.eval(&|_| Some(d as i64)),
                            Some(expected),
                            "{d}[{start}:{end}:{step}]"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_cached_and_what_is_new() {
        let (past, new) = (Dim::symbol("past"), Dim::symbol("new"));
        let all = past.clone() + new.clone();
        assert_eq!(part_size(&all, &past, &all, 1), Some(new));
        assert_eq!(part_size(&all, &Dim::from(0), &past, 1), Some(past));
    }
}
