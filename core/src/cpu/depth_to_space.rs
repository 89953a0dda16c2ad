//! DepthToSpace and SpaceToDepth on the CPU: the input seen with six axes, these in another order.

use super::movable::{Movable, for_movable};
use super::strided::{Strided, dense_steps};
use super::{Io, Kernel};
use crate::Result;
use crate::ops::depth_to_space::DepthToSpace;

impl Kernel for DepthToSpace {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        let (shape, order) = self.axes(x.shape())?;
        let steps = dense_steps(&shape);
        let walk = Strided::new(0, &order.map(|i: usize| shape[i]), &order.map(|i| steps[i]));
        for_movable!(x.dtype(), T => T::write(y, |y| walk.copy(io.context(), &T::read(x)?, y)))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn there_and_back(mode: &str, shape: [usize; 4]) -> Result<()> {
        let count = shape.iter().product::<usize>() as u16;
        let x = Tensor::new(&shape, &(0..count).collect::<Vec<u16>>())?;
        let attrs = [("blocksize", Attr::Int(2)), ("mode", Attr::Str(mode.into()))];
        let y = run(("", "DepthToSpace", 28), &attrs, &[Some(x.clone().into())], 1)?;
        let z = run(("", "SpaceToDepth", 28), &attrs, &[Some(y[0].clone())], 1)?;
        assert_eq!(z[0].tensor()?.slice::<u16>()?, x.slice::<u16>()?);
        Ok(())
    }

    #[test]
    fn each_undoes_the_other() {
        for mode in ["DCR", "CRD"] {
            there_and_back(mode, [2, 8, 3, 2]).unwrap();
            there_and_back(mode, [1, 4, 0, 2]).unwrap();
            assert!(there_and_back(mode, [1, 6, 1, 1]).is_err());
        }
    }
}
