//! GatherElements on the CPU.

use super::gather::position;
use super::movable::{Movable, for_movable};
use super::strided::{Offsets, dense_steps};
use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::gather_elements::GatherElements;
use crate::{Result, View};

impl Kernel for GatherElements {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, indices) = (io.input(0)?, io.input(1)?);
        let y = io.output(0)?;
        let places = element_places(x.shape(), indices, self.axis)?;
        io.check()?;
        for_movable!(x.dtype(), T => {
            let x = T::read(x)?;
            T::write(y, |y| {
                y.iter_mut().zip(&places).for_each(|(y, &at)| y.clone_from(&x[at]));
                Ok(())
            })
        })
    }
}

/// Where in data of `shape` each index points that replaces the place along `axis`.
pub fn element_places(shape: &[usize], indices: View<'_>, axis: i64) -> Result<Vec<usize>> {
    let axis = normalize_axis(axis, shape.len())?;
    let mut steps = dense_steps(shape);
    let step = std::mem::take(&mut steps[axis]) as usize;
    let places = Offsets::new(indices.shape(), &steps).zip(indices.to_i64s()?);
    places.map(|(at, i)| Ok(at as usize + position(i, shape[axis])? * step)).collect()
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn gather(shape: &[usize], indices: &[i64]) -> Result<Vec<u8>> {
        let x = Tensor::new(&[2, 3], &[0u8, 1, 2, 3, 4, 5])?;
        let inputs = [x, Tensor::new(shape, indices)?].map(|t| Some(t.into()));
        let y = run(("", "GatherElements", 13), &[("axis", Attr::Int(1))], &inputs, 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn indices_may_be_fewer_and_negative() {
        assert_eq!(gather(&[2, 2], &[0, -1, 1, 1]).unwrap(), [0, 2, 4, 4]);
        assert_eq!(gather(&[1, 4], &[2, 2, 1, 0]).unwrap(), [2, 2, 1, 0]);
        assert!(gather(&[0, 4], &[]).unwrap().is_empty());
        assert!(gather(&[1, 1], &[3]).is_err());
        assert!(gather(&[3, 1], &[0, 0, 0]).is_err());
        assert!(gather(&[1], &[0]).is_err());
    }
}
