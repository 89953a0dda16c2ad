//! Strided copies: an output whose elements lie in the input at a constant step along each axis.
//!
//! Steps may be negative (Slice) or zero (Expand). Axes that continue each other are merged first, so most
//! copies end as runs of neighbors.

use super::RunContext;
use crate::{Result, Shape};
use smallvec::SmallVec;

/// Steps along axes.
pub type Steps = SmallVec<[isize; 6]>;

/// Elements that one thread takes at a time, where rows allow.
pub const CHUNK: usize = 1 << 15;

/// Elements that are copied sooner one by one than by a call.
const SHORT: usize = 8;

/// The steps of a dense tensor, signed.
pub fn dense_steps(shape: &[usize]) -> Steps {
    crate::strides(shape).iter().map(|&s| s as isize).collect()
}

/// The offsets of a shape's positions in row-major order.
#[derive(Clone, Debug)]
pub struct Offsets {
    shape: Shape,
    steps: Steps,
    index: Shape,
    at: isize,
    left: usize,
}

impl Offsets {
    /// Over all positions of `shape`, `steps` apart, beginning at 0.
    pub fn new(shape: &[usize], steps: &[isize]) -> Offsets {
        Offsets {
            shape: shape.into(),
            steps: steps.into(),
            index: Shape::from_elem(0, shape.len()),
            at: 0,
            left: shape.iter().product(),
        }
    }

    /// Without the first `n` positions.
    pub fn from(mut self, n: usize) -> Offsets {
        self.left = self.left.saturating_sub(n);
        if self.left > 0 {
            let mut rest = n;
            for axis in (0..self.shape.len()).rev() {
                self.index[axis] = rest % self.shape[axis];
                self.at += self.index[axis] as isize * self.steps[axis];
                rest /= self.shape[axis];
            }
        }
        self
    }
}

impl Iterator for Offsets {
    type Item = isize;

    fn next(&mut self) -> Option<isize> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            self.at += self.steps[axis];
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.at -= self.index[axis] as isize * self.steps[axis];
            self.index[axis] = 0;
        }
        Some(at)
    }
}

/// Where each element of an output lies in an input.
#[derive(Clone, Debug)]
pub struct Strided {
    start: usize,
    /// After merging; the last one is a row, and there is always one.
    shape: Shape,
    steps: Steps,
}

impl Strided {
    /// For an output of `shape` whose first element lies at `start`, the others `steps` apart.
    pub fn new(start: usize, shape: &[usize], steps: &[isize]) -> Strided {
        let (mut merged, mut merged_steps) = (Shape::new(), Steps::new());
        for (&d, &step) in shape.iter().zip(steps).filter(|(d, _)| **d != 1) {
            match (merged.last_mut(), merged_steps.last_mut()) {
                (Some(outer), Some(outer_step)) if *outer_step == step * d as isize => {
                    *outer *= d;
                    *outer_step = step;
                }
                _ => {
                    merged.push(d);
                    merged_steps.push(step);
                }
            }
        }
        if merged.is_empty() {
            merged.push(1);
            merged_steps.push(1);
        }
        Strided { start, shape: merged, steps: merged_steps }
    }

    /// The size of the matrices in the input that turned around are the output, if it is that.
    pub fn turned(&self) -> Option<(usize, usize)> {
        let last = self.shape.len().checked_sub(2)?;
        let (rows, cols) = (self.shape[last + 1], self.shape[last]);
        let matrices = self.steps[last..] == [1, cols as isize];
        let dense = last == 0 || last == 1 && self.steps[0] == (rows * cols) as isize;
        (self.start == 0 && matrices && dense).then_some((rows, cols))
    }

    /// The same of units of `n` elements that lie side by side, if rows are made of them.
    pub fn in_units(&self, n: usize) -> Option<Strided> {
        let ((row, step), last) = (self.row(), self.steps.len() - 1);
        let outer = self.steps[..last].iter().all(|step| step % n as isize == 0);
        if step != 1 || !row.is_multiple_of(n) || !self.start.is_multiple_of(n) || !outer {
            return None;
        }
        let mut walk = Strided { start: self.start / n, ..self.clone() };
        walk.shape[last] = row / n;
        walk.steps[..last].iter_mut().for_each(|step| *step /= n as isize);
        Some(walk)
    }

    /// How long a row is, and its step.
    pub fn row(&self) -> (usize, isize) {
        (self.shape[self.shape.len() - 1], self.steps[self.shape.len() - 1])
    }

    /// Where the rows begin.
    pub fn rows(&self) -> Offsets {
        let last = self.shape.len() - 1;
        Offsets::new(&self.shape[..last], &self.steps[..last])
    }

    /// Copies the elements into an output of that shape.
    pub fn copy<T: Clone + Send + Sync>(&self, cx: &RunContext<'_>, from: &[T], to: &mut [T]) -> Result<()> {
        if to.is_empty() {
            return Ok(());
        }
        let ((row, step), rows) = (self.row(), self.rows());
        let rows_each = (CHUNK / row).max(1);
        cx.pool.chunks(to, rows_each * row, |i, to| {
            cx.check()?;
            for (to, at) in to.chunks_mut(row).zip(rows.clone().from(i * rows_each)) {
                let at = self.start as isize + at;
                match step {
                    1 if row > SHORT => to.clone_from_slice(&from[at as usize..][..row]),
                    0 => to.fill(from[at as usize].clone()),
                    _ => {
                        for (k, to) in to.iter_mut().enumerate() {
                            *to = from[(at + k as isize * step) as usize].clone();
                        }
                    }
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_agree_from_anywhere() {
        let all: Vec<isize> = Offsets::new(&[2, 3, 2], &[0, -2, 7]).collect();
        assert_eq!(all, [0, 7, -2, 5, -4, 3, 0, 7, -2, 5, -4, 3]);
        for n in 0..=12 {
            let some: Vec<isize> = Offsets::new(&[2, 3, 2], &[0, -2, 7]).from(n).collect();
            assert_eq!(some, all[n..]);
        }
        assert_eq!(Offsets::new(&[], &[]).collect::<Vec<_>>(), [0]);
        assert_eq!(Offsets::new(&[2, 0], &[1, 1]).from(3).count(), 0);
    }

    #[test]
    fn turned_matrices_are_seen() {
        assert_eq!(Strided::new(0, &[2, 4, 5, 3], &[60, 5, 1, 20]).turned(), Some((3, 20)));
        assert_eq!(Strided::new(0, &[20, 3], &[1, 20]).turned(), Some((3, 20)));
        assert_eq!(Strided::new(0, &[2, 3, 20], &[20, 40, 1]).turned(), None);
        assert_eq!(Strided::new(0, &[20], &[1]).turned(), None);
    }

    #[test]
    fn rows_of_units_move_as_these() {
        // Heads of 32 bytes change places with tokens.
        let walk = Strided::new(0, &[2, 3, 32], &[32, 64, 1]);
        let units = walk.in_units(16).unwrap();
        assert_eq!((&units.shape[..], &units.steps[..]), (&[2, 3, 2][..], &[2, 4, 1][..]));
        assert!(walk.in_units(64).is_none());
        assert!(Strided::new(0, &[3, 32], &[40, 1]).in_units(16).is_none());
        assert!(Strided::new(8, &[3, 32], &[32, 1]).in_units(16).is_none());
        assert!(Strided::new(0, &[32, 3], &[1, 32]).in_units(16).is_none());
    }

    #[test]
    fn dense_axes_merge_into_one_row() {
        let walk = Strided::new(0, &[2, 1, 3, 4], &[12, 99, 4, 1]);
        assert_eq!(walk.shape[..], [24]);
    }
}
