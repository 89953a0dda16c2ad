//! CenterCropPad on the CPU.

use super::movable::{Movable, for_movable};
use super::pick::{Positions, pick, positions};
use super::{Io, Kernel};
use crate::ops::center_crop_pad::CenterCropPad;
use crate::{Result, strides};

impl Kernel for CenterCropPad {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        if y.is_empty() {
            return Ok(());
        }
        let axes = x.shape().iter().zip(y.shape()).map(|(&from, &to)| {
            let (crop, pad) = (from.saturating_sub(to) / 2, to.saturating_sub(from) / 2);
            positions(to, |i| (i + crop).checked_sub(pad).filter(|&at| at < from))
        });
        let axes = axes.collect::<Result<Vec<Positions>>>()?;
        for_movable!(x.dtype(), T => {
            let from = (&*T::read(x)?, &*strides(x.shape()));
            T::write(y, |y| pick(io.context(), from, &axes, &T::default(), y))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn the_middle_stays() {
        for (size, expected) in [
            (1, &[2u8][..]),
            (2, &[1, 2]),
            (3, &[1, 2, 3]),
            (4, &[1, 2, 3, 0]),
            (6, &[0, 1, 2, 3, 0, 0]),
            (0, &[]),
        ] {
            let inputs =
                [Tensor::new(&[3], &[1u8, 2, 3]).unwrap(), Tensor::new(&[1], &[size as i64]).unwrap()];
            let attrs = [("axes", Attr::Ints(vec![-1]))];
            let y = run(("", "CenterCropPad", 18), &attrs, &inputs.map(|t| Some(t.into())), 1).unwrap();
            assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), expected, "{size}");
        }
    }
}
