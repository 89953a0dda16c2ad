//! Pad on the CPU.
//!
//! Negative pads crop first; what is left is what the other modes mirror, extend or repeat.

use super::movable::{Movable, for_movable};
use super::pick::{Positions, pick, positions};
use super::{Io, Kernel};
use crate::ops::pad::{Mode, Pad};
use crate::{Float, Result, Tensor, strides};

impl Kernel for Pad {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let mut pads = vec![(0, 0); x.rank()];
        for (axis, before, after) in self.read(io, x.rank())? {
            pads[axis] = (before, after);
        }
        let given = match io.optional(2)? {
            Some(value) if value.len() != 1 || value.dtype() != x.dtype() => {
                bail!(InvalidInput, "the value must be one {}, got {value:?}", x.dtype())
            }
            Some(value) => Some(value.to_tensor()?),
            None if self.value != 0.0 => {
                for_float!(x.dtype(), T => Ok(Some(Tensor::scalar(<T as Float>::from_f32(self.value)))))?
            }
            None => None,
        };
        let y = io.output(0)?;
        if y.is_empty() {
            return Ok(());
        }
        let axes = x.shape().iter().zip(&pads).map(|(&d, &pad)| self.positions(d, pad));
        let axes = axes.collect::<Result<Vec<Positions>>>()?;
        for_movable!(x.dtype(), T => {
            let fill = match &given {
                Some(value) => T::read(value.view())?.first().cloned().unwrap_or_default(),
                None => T::default(),
            };
            let from = (&*T::read(x)?, &*strides(x.shape()));
            T::write(y, |y| pick(io.context(), from, &axes, &fill, y))
        })
    }
}

impl Pad {
    /// Where the elements of a padded axis of size `d` come from.
    fn positions(&self, d: usize, (before, after): (i64, i64)) -> Result<Positions> {
        // What is left between the crops.
        let (start, end) = (before.min(0).saturating_neg(), (d as i64).saturating_add(after.min(0)));
        let len = (d as i64).saturating_add(before).saturating_add(after);
        ensure!(
            start < end || self.mode == Mode::Constant || len == 0,
            InvalidInput,
            "an axis of size {d} has nothing to pad with in mode {:?}",
            self.mode
        );
        positions(usize::try_from(len).unwrap_or(0), |i| {
            let (i, size) = (i as i64 - before - start, end - start);
            let at = match self.mode {
                Mode::Constant => Some(i).filter(|i| (0..size).contains(i))?,
                Mode::Edge => i.clamp(0, size - 1),
                Mode::Wrap => i.rem_euclid(size),
                Mode::Reflect if size == 1 => 0,
                Mode::Reflect => {
                    let i = i.rem_euclid(2 * (size - 1));
                    i.min(2 * (size - 1) - i)
                }
            };
            usize::try_from(start + at).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn pad(mode: &str, n: i64, pads: [i64; 2]) -> Result<Vec<i64>> {
        let x: Vec<i64> = (1..=n).collect();
        let inputs = [Tensor::new(&[x.len()], &x)?, Tensor::new(&[2], &pads)?].map(|t| Some(t.into()));
        let y = run(("", "Pad", 19), &[("mode", Attr::Str(mode.into()))], &inputs, 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn modes_go_on_beyond_one_size() {
        assert_eq!(pad("reflect", 3, [3, 5]).unwrap(), [2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]);
        assert_eq!(pad("wrap", 2, [3, 1]).unwrap(), [2, 1, 2, 1, 2, 1]);
        assert_eq!(pad("edge", 2, [1, 2]).unwrap(), [1, 1, 2, 2, 2]);
        assert_eq!(pad("reflect", 1, [1, 1]).unwrap(), [1, 1, 1]);
    }

    #[test]
    fn negative_pads_crop_first() {
        assert_eq!(pad("constant", 3, [-1, 1]).unwrap(), [2, 3, 0]);
        assert_eq!(pad("edge", 3, [2, -2]).unwrap(), [1, 1, 1]);
        assert!(pad("constant", 3, [-2, -1]).unwrap().is_empty());
        assert!(pad("constant", 3, [-2, -2]).is_err());
        assert_eq!(pad("constant", 3, [-4, 2]).unwrap(), [0]);
    }

    #[test]
    fn nothing_cannot_be_mirrored() {
        assert!(pad("edge", 0, [1, 0]).is_err());
        assert_eq!(pad("constant", 0, [1, 0]).unwrap(), [0]);
    }
}
