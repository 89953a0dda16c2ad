//! Expand on the CPU: a broadcast of one tensor.

use super::broadcast::repeat;
use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::ops::expand::Expand;
use crate::{Result, Shape};

impl Kernel for Expand {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        let shape = Shape::from_slice(y.shape());
        for_movable!(x.dtype(), T => T::write(y, |y| repeat(io, (&T::read(x)?, x.shape()), (y, &shape))))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor};

    fn expand(from: &[usize], x: &[f32], to: &[i64]) -> Result<(Vec<usize>, Vec<f32>)> {
        let shape = Tensor::new(&[to.len()], to)?;
        let y = run(("", "Expand", 13), &[], &[Some(Tensor::new(from, x)?.into()), Some(shape.into())], 1)?;
        Ok((y[0].tensor()?.shape().to_vec(), y[0].tensor()?.slice()?.to_vec()))
    }

    #[test]
    fn both_sides_broadcast() {
        assert_eq!(expand(&[2, 1], &[1., 2.], &[2, 1, 2]).unwrap().1, [1., 1., 2., 2., 1., 1., 2., 2.]);
        assert_eq!(expand(&[3], &[1., 2., 3.], &[1]).unwrap().0, [3]);
        assert_eq!(expand(&[1], &[1.], &[2, 0]).unwrap().0, [2, 0]);
        assert_eq!(expand(&[], &[5.], &[]).unwrap(), (vec![], vec![5.]));
        assert!(expand(&[2], &[1., 2.], &[3]).is_err());
        assert!(expand(&[1], &[1.], &[-1]).is_err());
    }
}
