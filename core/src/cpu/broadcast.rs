//! Broadcasting: walking up to a few tensors in step over the shape that they broadcast to.
//!
//! Axes are merged first, so that most cases end as one long run. Within a run every input either moves
//! along (step 1) or stands still (step 0); that is the one thing a caller has to know.

use super::{Io, RunContext};
use crate::{Element, Result, Shape};
use std::ops::Range;

/// Elements that one thread takes at a time; about a millisecond of the slowest functions.
pub const CHUNK: usize = 1 << 14;

/// The shape that all of these broadcast to, as numpy does.
pub fn broadcast_shape(shapes: &[&[usize]]) -> Result<Shape> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = Shape::from_elem(1, rank);
    for shape in shapes {
        for (o, &d) in out[rank - shape.len()..].iter_mut().zip(*shape) {
            if *o == 1 {
                *o = d;
            }
            ensure!(d == 1 || d == *o, InvalidInput, "shapes {shapes:?} do not broadcast");
        }
    }
    Ok(out)
}

/// How `N` inputs move while an output is walked in row-major order.
#[derive(Clone, Debug)]
pub struct Broadcast<const N: usize> {
    /// The output's axes after merging; never empty.
    shape: Shape,
    /// Per input, its step along each of these axes; 0 where it is repeated.
    steps: [Shape; N],
}

/// A stretch of the output along which each input moves by its constant step.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<const N: usize> {
    /// Where it lies in the output.
    pub out: Range<usize>,
    /// Where each input begins.
    pub at: [usize; N],
}

impl<const N: usize> Broadcast<N> {
    /// For an output shape and inputs that must broadcast to exactly that.
    pub fn new(out: &[usize], inputs: [&[usize]; N]) -> Result<Broadcast<N>> {
        for shape in inputs {
            let fits = shape.len() <= out.len()
                && shape.iter().rev().zip(out.iter().rev()).all(|(&d, &o)| d == o || d == 1);
            ensure!(fits, InvalidInput, "shape {shape:?} does not broadcast to {out:?}");
        }
        // From the innermost axis outward; both vectors are turned around at the end.
        let mut shape = Shape::new();
        let mut steps: [Shape; N] = std::array::from_fn(|_| Shape::new());
        let mut sizes = [1usize; N];
        for (i, &d) in out.iter().rev().enumerate().filter(|(_, d)| **d != 1) {
            let step = |n: usize, sizes: &[usize; N]| {
                let input = inputs[n];
                if input.len() > i && input[input.len() - 1 - i] == d { sizes[n] } else { 0 }
            };
            let steps_here: [usize; N] = std::array::from_fn(|n| step(n, &sizes));
            let merges = shape.last().is_some_and(|&inner: &usize| {
                (0..N).all(|n| steps[n].last().is_some_and(|&s| s.checked_mul(inner) == Some(steps_here[n])))
            });
            if merges {
                if let Some(last) = shape.last_mut() {
                    *last *= d;
                }
            } else {
                shape.push(d);
                (0..N).for_each(|n| steps[n].push(steps_here[n]));
            }
            for n in 0..N {
                if steps_here[n] != 0 {
                    sizes[n] *= d;
                }
            }
        }
        if shape.is_empty() {
            shape.push(1);
            steps.iter_mut().for_each(|s| s.push(0));
        }
        shape.reverse();
        steps.iter_mut().for_each(|s| s.reverse());
        Ok(Broadcast { shape, steps })
    }

    /// By how much input `n` moves per element within a run: 0 or 1.
    pub fn step(&self, n: usize) -> usize {
        self.steps[n][self.shape.len() - 1]
    }

    /// The runs that cover `range` of the output.
    pub fn runs(&self, range: Range<usize>) -> impl Iterator<Item = Run<N>> {
        let last = self.shape.len() - 1;
        let row = self.shape[last].max(1);
        let mut next = range.start;
        // The odometer over the outer axes, and where it puts each input.
        let mut index = Shape::from_elem(0, last);
        let mut base = [0usize; N];
        let mut rest = range.start / row;
        for axis in (0..last).rev() {
            index[axis] = rest % self.shape[axis].max(1);
            rest /= self.shape[axis].max(1);
            (0..N).for_each(|n| base[n] += index[axis] * self.steps[n][axis]);
        }
        std::iter::from_fn(move || {
            if next >= range.end {
                return None;
            }
            let column = next % row;
            let len = (row - column).min(range.end - next);
            let run = Run {
                out: next..next + len,
                at: std::array::from_fn(|n| base[n] + column * self.steps[n][last]),
            };
            next += len;
            if column + len == row {
                for axis in (0..last).rev() {
                    index[axis] += 1;
                    (0..N).for_each(|n| base[n] += self.steps[n][axis]);
                    if index[axis] < self.shape[axis] {
                        break;
                    }
                    (0..N).for_each(|n| base[n] -= index[axis] * self.steps[n][axis]);
                    index[axis] = 0;
                }
            }
            Some(run)
        })
    }
}

/// An input from a run's first element on, and its step along the run.
pub type Along<'a, T> = (&'a [T], usize);

/// What a function does along a run: writes the output's elements from the inputs', each input at its step. This is
/// all that is compiled for every function; how runs are found is not.
pub type Pair<'f, A, B, Y> = dyn Fn(&mut [Y], Along<'_, A>, Along<'_, B>) + Sync + 'f;

/// [`Pair`] for a function of two elements.
pub fn pair<A, B, Y>(f: impl Fn(&A, &B) -> Y + Sync) -> impl Fn(&mut [Y], Along<'_, A>, Along<'_, B>) + Sync {
    move |y, (a, a_step), (b, b_step)| match (a_step, b_step) {
        (1, 1) => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = f(a, b)),
        (1, _) => y.iter_mut().zip(a).for_each(|(y, a)| *y = f(a, &b[0])),
        (_, 1) => y.iter_mut().zip(b).for_each(|(y, b)| *y = f(&a[0], b)),
        _ => y.iter_mut().for_each(|y| *y = f(&a[0], &b[0])),
    }
}

/// `y = f(a, b)` element by element, `a` and `b` broadcast to `shape`.
pub fn zip<A: Sync, B: Sync, Y: Send>(
    cx: &RunContext<'_>,
    (y, shape): (&mut [Y], &[usize]),
    (a, a_shape): (&[A], &[usize]),
    (b, b_shape): (&[B], &[usize]),
    f: &Pair<'_, A, B, Y>,
) -> Result<()> {
    let walk = Broadcast::new(shape, [a_shape, b_shape])?;
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        let start = i * CHUNK;
        for Run { out, at: [ai, bi] } in walk.runs(start..start + y.len()) {
            let y = &mut y[out.start - start..out.end - start];
            f(y, (&a[ai..], walk.step(0)), (&b[bi..], walk.step(1)));
        }
        Ok(())
    })
}

/// `y = f(y, b)` element by element, `b` broadcast to the shape of `y`; where it is `swapped`, `y = f(b, y)`.
pub fn zip_in_place<T: Element>(
    cx: &RunContext<'_>,
    (y, shape): (&mut [T], &[usize]),
    (b, b_shape): (&[T], &[usize]),
    swapped: bool,
    f: &Pair<'_, T, T, T>,
) -> Result<()> {
    let walk = Broadcast::new(shape, [b_shape])?;
    let step = walk.step(0);
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        let start = i * CHUNK;
        for Run { out, at: [at] } in walk.runs(start..start + y.len()) {
            let y = &mut y[out.start - start..out.end - start];
            // What is read must not be what is written.
            let mut before = [T::zeroed(); 64];
            for (n, y) in y.chunks_mut(before.len()).enumerate() {
                let before = &mut before[..y.len()];
                before.copy_from_slice(y);
                let (own, b) = ((&*before, 1), (&b[at + n * 64 * step..], step));
                if swapped { f(y, b, own) } else { f(y, own, b) }
            }
        }
        Ok(())
    })
}

/// As [`Pair`], of three inputs.
pub type Triple<'f, A, B, C, Y> = dyn Fn(&mut [Y], Along<'_, A>, Along<'_, B>, Along<'_, C>) + Sync + 'f;

/// [`Triple`] for a function of three elements.
pub fn triple<A, B, C, Y>(
    f: impl Fn(&A, &B, &C) -> Y + Sync,
) -> impl Fn(&mut [Y], Along<'_, A>, Along<'_, B>, Along<'_, C>) + Sync {
    move |y, (a, sa), (b, sb), (c, sc)| match (sa, sb, sc) {
        (1, 0, 0) => y.iter_mut().zip(a).for_each(|(y, a)| *y = f(a, &b[0], &c[0])),
        _ => y.iter_mut().enumerate().for_each(|(k, y)| *y = f(&a[k * sa], &b[k * sb], &c[k * sc])),
    }
}

/// `y = f(a, b, c)` element by element, all three broadcast to `shape`.
pub fn zip3<A: Sync, B: Sync, C: Sync, Y: Send>(
    cx: &RunContext<'_>,
    (y, shape): (&mut [Y], &[usize]),
    (a, a_shape): (&[A], &[usize]),
    (b, b_shape): (&[B], &[usize]),
    (c, c_shape): (&[C], &[usize]),
    f: &Triple<'_, A, B, C, Y>,
) -> Result<()> {
    let walk = Broadcast::new(shape, [a_shape, b_shape, c_shape])?;
    let [sa, sb, sc] = std::array::from_fn(|n| walk.step(n));
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        let start = i * CHUNK;
        for Run { out, at: [ai, bi, ci] } in walk.runs(start..start + y.len()) {
            let y = &mut y[out.start - start..out.end - start];
            f(y, (&a[ai..], sa), (&b[bi..], sb), (&c[ci..], sc));
        }
        Ok(())
    })
}

/// `x` broadcast to `shape` and cloned into `y`.
pub fn repeat<T: Clone + Send + Sync>(
    io: &Io<'_>,
    (x, x_shape): (&[T], &[usize]),
    (y, shape): (&mut [T], &[usize]),
) -> Result<()> {
    let walk = Broadcast::new(shape, [x_shape])?;
    let cx = io.context();
    cx.pool.chunks(y, CHUNK, |i, y| {
        cx.check()?;
        let start = i * CHUNK;
        for Run { out, at: [at] } in walk.runs(start..start + y.len()) {
            let y = &mut y[out.start - start..out.end - start];
            match walk.step(0) {
                1 => y.clone_from_slice(&x[at..at + out.len()]),
                _ => y.fill(x[at].clone()),
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the two inputs are read for each element of the output.
    fn walk(out: &[usize], a: &[usize], b: &[usize], range: Range<usize>) -> Vec<(usize, usize)> {
        let w = Broadcast::new(out, [a, b]).unwrap();
        w.runs(range)
            .flat_map(|r| {
                let (sa, sb) = (w.step(0), w.step(1));
                r.out.enumerate().map(move |(k, _)| (r.at[0] + k * sa, r.at[1] + k * sb)).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn equal_shapes_are_one_run() {
        let w = Broadcast::new(&[2, 3, 4], [&[2, 3, 4], &[1, 1, 1]]).unwrap();
        assert_eq!(w.runs(0..24).collect::<Vec<_>>(), [Run { out: 0..24, at: [0, 0] }]);
        assert_eq!((w.step(0), w.step(1)), (1, 0));
    }

    #[test]
    fn any_part_of_a_walk_agrees_with_the_whole() {
        let (out, a, b) = ([2, 3, 2, 2], [3, 1, 2], [2, 1, 2, 1]);
        let all = walk(&out, &a, &b, 0..24);
        let expected: Vec<(usize, usize)> =
            (0..24).map(|i| (i / 4 % 3 * 2 + i % 2, i / 12 * 2 + i / 2 % 2)).collect();
        assert_eq!(all, expected);
        for start in 0..24 {
            for end in start..=24 {
                assert_eq!(walk(&out, &a, &b, start..end), all[start..end]);
            }
        }
    }

    #[test]
    fn empty_scalar_and_wrong_shapes() {
        assert!(walk(&[0, 3], &[1, 3], &[0, 1], 0..0).is_empty());
        assert_eq!(walk(&[], &[], &[], 0..1), [(0, 0)]);
        assert!(Broadcast::new(&[2], [&[3]]).is_err());
        assert!(Broadcast::new(&[1], [&[2]]).is_err());
        assert!(broadcast_shape(&[&[2, 1], &[0]]).is_ok_and(|s| s[..] == [2, 0]));
        assert!(broadcast_shape(&[&[2], &[3]]).is_err());
    }
}
