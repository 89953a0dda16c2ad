//! Compress on the CPU.

use super::gather::take;
use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::compress::Compress;
use crate::{Result, Shape, Truth};

impl Kernel for Compress {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, condition) = (io.input(0)?, io.input(1)?);
        let held = condition.slice::<Truth>()?.iter().enumerate().filter(|(_, c)| c.get());
        let held: Vec<usize> = held.map(|(i, _)| i).collect();
        let axis = self.axis.map(|axis| normalize_axis(axis, x.rank())).transpose()?;
        let (len, inner) = match axis {
            Some(axis) => (x.shape()[axis], x.shape()[axis + 1..].iter().product()),
            None => (x.len(), 1),
        };
        if let Some(last) = held.last() {
            ensure!(*last < len, InvalidInput, "the condition holds at {last}, but there are only {len}");
        }
        let mut shape = Shape::from_slice(if axis.is_some() { x.shape() } else { &[0] });
        shape[axis.unwrap_or(0)] = held.len();
        let y = io.make(0, x.dtype(), &shape)?;
        let cx = io.context();
        for_movable!(x.dtype(), T => T::write(y, |y| take(cx, &T::read(x)?, (len, inner), &held, y)))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor, Truth};

    fn compress(axis: Option<i64>, condition: &[u8]) -> Result<Vec<u8>> {
        let condition: Vec<Truth> = condition.iter().map(|&c| Truth(c)).collect();
        let x = Tensor::new(&[2, 3], &[0u8, 1, 2, 3, 4, 5])?;
        let inputs = [x, Tensor::new(&[condition.len()], &condition)?].map(|t| Some(t.into()));
        let attrs: Vec<_> = axis.map(|axis| ("axis", Attr::Int(axis))).into_iter().collect();
        let y = run(("", "Compress", 11), &attrs, &inputs, 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn conditions_may_be_short_but_not_long() {
        assert_eq!(compress(None, &[0, 1, 0, 0, 1]).unwrap(), [1, 4]);
        assert_eq!(compress(Some(-1), &[0, 1, 1]).unwrap(), [1, 2, 4, 5]);
        assert_eq!(compress(Some(0), &[0, 1, 0]).unwrap(), [3, 4, 5]);
        assert!(compress(Some(1), &[]).unwrap().is_empty());
        assert!(compress(Some(0), &[0, 0, 1]).is_err());
    }
}
