//! MeanVarianceNormalization on the CPU: three walks over the input, one for the means, one for the
//! variances, one that divides.
//!
//! As in ONNX's defining function, 1e-9 is added to the deviation, so that what does not vary becomes 0.

use super::broadcast::{Broadcast, CHUNK};
use super::{Io, Kernel};
use crate::ops::mean_variance_normalization::MeanVarianceNormalization;
use crate::{Num, Result, Shape};

impl Kernel for MeanVarianceNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let reduced = self.reduced(x.rank())?;
        let groups: Shape = x.shape().iter().zip(&reduced).map(|(&d, &r)| if r { 1 } else { d }).collect();
        let walk = Broadcast::new(x.shape(), [&groups])?;
        let step = walk.step(0);
        // Never more groups than elements, except where there are no elements at all.
        let len = if x.is_empty() { 0 } else { groups.iter().product() };
        let (mut means, mut deviations) = (vec![0.0; len], vec![0.0; len]);
        let size = x.len() as f64 / len as f64;
        let y = io.output(0)?;
        for_float!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            let y = y.into_slice::<T>()?;
            let each = |work: &mut dyn FnMut(usize, usize)| {
                for start in (0..x.len()).step_by(CHUNK) {
                    io.check()?;
                    for run in walk.runs(start..x.len().min(start + CHUNK)) {
                        run.out.enumerate().for_each(|(k, i)| work(i, run.at[0] + k * step));
                    }
                }
                Ok(())
            };
            each(&mut |i, group| means[group] += x[i].to_f64() / size)?;
            each(&mut |i, group| deviations[group] += (x[i].to_f64() - means[group]).powi(2) / size)?;
            deviations.iter_mut().for_each(|d| *d = d.sqrt() + 1e-9);
            each(&mut |i, group| y[i] = T::from_f64((x[i].to_f64() - means[group]) / deviations[group]))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::map_f32s;
    use crate::ops::Attr;

    const MVN: (&str, &str, i64) = ("", "MeanVarianceNormalization", 13);

    #[test]
    fn a_channel_is_normalized_by_default() {
        let y = map_f32s(MVN, &[], &[2, 2, 1, 1], &[0.0, 5.0, 2.0, 5.0]);
        assert_eq!(y, [-1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn any_axes() {
        let y = map_f32s(MVN, &[("axes", Attr::Ints(vec![-1]))], &[2, 2], &[0.0, 2.0, 8.0, 4.0]);
        assert_eq!(y, [-1.0, 1.0, 1.0, -1.0]);
        assert!(map_f32s(MVN, &[("axes", Attr::Ints(vec![0]))], &[0, 2], &[]).is_empty());
    }
}
