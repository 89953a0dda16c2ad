//! Dropout on the CPU. Under a seed it drops what numpy would, which is what ONNX's cases expect.

use super::mersenne::Mersenne;
use super::{Io, Kernel};
use crate::ops::dropout::Dropout;
use crate::{DType, Num, Result, Truth};

impl Kernel for Dropout {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let ratio = match io.optional(1)? {
            Some(ratio) => ratio.scalar_f32()?,
            None => self.ratio,
        };
        let training = match (self.training, io.optional(2)?) {
            (None, Some(training)) => training.scalar_i64()? != 0,
            (training, _) => training.unwrap_or(false),
        };
        if !training || ratio == 0.0 {
            if io.wants(0) {
                io.output(0)?.copy_from(x)?;
            }
            return set_mask(io, std::iter::repeat_n(true, x.len()));
        }
        ensure!(
            (0.0..1.0).contains(&ratio),
            InvalidInput,
            "the ratio must be at least 0 and below 1, got {ratio}"
        );
        let mut random = Mersenne::new(self.seed.map_or_else(|| io.draw_seed() as u32, |seed| seed as u32));
        let kept: Vec<bool> = (0..x.len()).map(|_| random.unit() >= ratio.into()).collect();
        if io.wants(0) {
            let y = io.output(0)?;
            for_float!(x.dtype(), T => {
                let scale = 1.0 / (1.0 - f64::from(ratio));
                for ((y, x), &kept) in y.into_slice::<T>()?.iter_mut().zip(x.slice::<T>()?).zip(&kept) {
                    // A dropped NaN or infinity leaves NaN: it is multiplied by zero.
                    *y = T::from_f64(x.to_f64() * if kept { scale } else { 0.0 });
                }
                Ok(())
            })?;
        }
        set_mask(io, kept.into_iter())
    }

    fn is_alias(&self) -> bool {
        self.alias
    }
}

fn set_mask(io: &mut Io<'_>, kept: impl Iterator<Item = bool>) -> Result<()> {
    if !io.wants(1) {
        return Ok(());
    }
    let mask = io.output(1)?;
    if mask.dtype() == DType::Bool {
        mask.into_slice::<Truth>()?.iter_mut().zip(kept).for_each(|(m, kept)| *m = kept.into());
        return Ok(());
    }
    for_float!(mask.dtype(), T => {
        mask.into_slice::<T>()?.iter_mut().zip(kept).for_each(|(m, kept)| *m = T::from_i64(kept.into()));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Tensor, Truth};

    #[test]
    fn what_is_kept_is_scaled_and_the_mask_says_which() {
        let x = Tensor::new(&[1000], &[1f32; 1000]).unwrap();
        let inputs =
            [Some(x.into()), Some(Tensor::scalar(0.25f32).into()), Some(Tensor::scalar(Truth(1)).into())];
        let y = run(("", "Dropout", 13), &[("seed", Attr::Int(7))], &inputs, 2).unwrap();
        let (y, mask) = (y[0].tensor().unwrap(), y[1].tensor().unwrap());
        let (y, mask) = (y.slice::<f32>().unwrap(), mask.slice::<Truth>().unwrap());
        assert!(y.iter().zip(mask).all(|(&y, m)| y == if m.get() { 1.0 / 0.75 } else { 0.0 }));
        let kept = mask.iter().filter(|m| m.get()).count();
        assert!((700..800).contains(&kept), "{kept}");
    }

    #[test]
    fn old_masks_have_the_type_of_the_data() {
        let x = Tensor::new(&[2], &[3f64, 4.0]).unwrap();
        let y = run(("", "Dropout", 7), &[], &[Some(x.into())], 2).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f64>().unwrap(), [3.0, 4.0]);
        assert_eq!(y[1].tensor().unwrap().slice::<f64>().unwrap(), [1.0, 1.0]);
    }
}
