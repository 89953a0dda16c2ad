//! Tile on the CPU: a strided copy in which every axis became two, the outer one standing still.

use super::movable::{Movable, for_movable};
use super::strided::{Steps, Strided, dense_steps};
use super::{Io, Kernel};
use crate::ops::tile::Tile;
use crate::{Result, Shape};

impl Kernel for Tile {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        let (mut shape, mut steps) = (Shape::new(), Steps::new());
        for ((&d, &out), &step) in x.shape().iter().zip(y.shape()).zip(&dense_steps(x.shape())) {
            shape.extend([out / d.max(1), d]);
            steps.extend([0, step]);
        }
        let walk = Strided::new(0, &shape, &steps);
        for_movable!(x.dtype(), T => T::write(y, |y| walk.copy(io.context(), &T::read(x)?, y)))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor};

    fn tile(repeats: &[i64]) -> Result<Vec<i8>> {
        let x = Tensor::new(&[2, 2], &[1i8, 2, 3, 4])?;
        let repeats = Tensor::new(&[repeats.len()], repeats)?;
        let y = run(("", "Tile", 13), &[], &[Some(x.into()), Some(repeats.into())], 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn axes_repeat() {
        assert_eq!(tile(&[1, 2]).unwrap(), [1, 2, 1, 2, 3, 4, 3, 4]);
        assert_eq!(tile(&[2, 1]).unwrap(), [1, 2, 3, 4, 1, 2, 3, 4]);
        assert!(tile(&[0, 5]).unwrap().is_empty());
        assert!(tile(&[1]).is_err());
        assert!(tile(&[1, -1]).is_err());
        assert!(tile(&[i64::MAX, i64::MAX]).is_err());
    }

    #[test]
    fn opset_1_repeats_one_axis() {
        let x = Tensor::new(&[1, 2], &[1f32, 2.]).unwrap();
        let inputs = [x, Tensor::scalar(2f32), Tensor::scalar(1f32)].map(|t| Some(t.into()));
        let y = run(("", "Tile", 1), &[], &inputs, 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), [1., 2., 1., 2.]);
    }
}
