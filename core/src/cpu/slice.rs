//! Slice on the CPU: a strided copy.

use super::movable::{Movable, for_movable};
use super::strided::{Strided, dense_steps};
use super::{Io, Kernel};
use crate::ops::slice::{Slice, part, sliced_axes};
use crate::{Result, Shape};

impl Kernel for Slice {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let starts = self.starts.read(io)?.unwrap_or_default();
        let ends = self.ends.read(io)?.unwrap_or_default();
        let axes = self.axes.read(io)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = self.steps.read(io)?.unwrap_or_else(|| vec![1; starts.len()]);
        let (mut at, mut shape, mut walk) = (0, Shape::from_slice(x.shape()), dense_steps(x.shape()));
        for (i, axis) in sliced_axes(&axes, x.rank())?.into_iter().enumerate() {
            let (Some(&start), Some(&end), Some(&step)) = (starts.get(i), ends.get(i), steps.get(i)) else {
                bail!(InvalidInput, "starts, ends, axes and steps have different lengths");
            };
            ensure!(step != 0, InvalidInput, "the step of axis {axis} is 0");
            let (start, len) = part(shape[axis], start, end, step);
            at += start * walk[axis] as usize;
            shape[axis] = len;
            // A step past the end is never taken, so it may saturate.
            walk[axis] = walk[axis].saturating_mul(isize::try_from(step).unwrap_or(isize::MAX));
        }
        let y = io.make(0, x.dtype(), &shape)?;
        let walk = Strided::new(at, &shape, &walk);
        for_movable!(x.dtype(), T => T::write(y, |y| walk.copy(io.context(), &T::read(x)?, y)))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::slice::part;
    use crate::{Result, Tensor};

    #[test]
    fn bounds_are_clamped_as_numpy_does() {
        for (d, start, end, step, expected) in [
            (5, 1, -1, 1, (1, 3)),
            (5, -99, 99, 2, (0, 3)),
            (5, -1, i64::MIN, -1, (4, 5)),
            (5, i64::MAX, i64::MIN, -2, (4, 3)),
            (5, 3, 1, 1, (3, 0)),
            (5, 1, 3, -1, (1, 0)),
            (5, 9, 12, 1, (5, 0)),
            (0, 0, 9, -1, (0, 0)),
            (5, 0, 5, i64::MAX, (0, 1)),
            (5, 4, i64::MIN, i64::MIN, (4, 1)),
        ] {
            assert_eq!(part(d, start, end, step), expected, "{d}[{start}:{end}:{step}]");
        }
    }

    fn slice(ints: [&[i64]; 4]) -> Result<Vec<f32>> {
        let x = Tensor::new(&[2, 3], &[0f32, 1., 2., 3., 4., 5.])?;
        let mut inputs = vec![Some(x.into())];
        for ints in ints {
            inputs.push(Some(Tensor::new(&[ints.len()], ints)?.into()));
        }
        let y = run(("", "Slice", 13), &[], &inputs, 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn steps_go_both_ways() {
        assert_eq!(slice([&[-1, 0], &[-99, 3], &[1, 0], &[-2, 1]]).unwrap(), [2., 0., 5., 3.]);
        assert_eq!(slice([&[5], &[-9], &[-1], &[i64::MIN]]).unwrap(), [2., 5.]);
        assert!(slice([&[1], &[1], &[0], &[1]]).unwrap().is_empty());
        assert!(slice([&[0], &[1], &[0], &[0]]).is_err());
        assert!(slice([&[0, 0], &[1, 1], &[0, -2], &[1, 1]]).is_err());
        assert!(slice([&[0], &[1, 2], &[0], &[1]]).is_err());
    }
}
