//! LpNormalization on the CPU.

use super::normalize::each_row;
use super::{Io, Kernel};
use crate::ops::lp_normalization::LpNormalization;
use crate::{Num, Result};

impl Kernel for LpNormalization {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axis = self.axis(x.rank())?;
        let inner: usize = x.shape()[axis + 1..].iter().product();
        let block = x.shape()[axis] * inner;
        let y = io.output(0)?;
        for_float!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            each_row(io, y.into_slice::<T>()?, block, |i, y| {
                let x = &x[i * block..][..block];
                for k in 0..inner {
                    let slice = x[k..].iter().step_by(inner).map(|x| x.to_f64());
                    let norm = match self.p {
                        1 => slice.clone().map(f64::abs).sum(),
                        _ => slice.clone().map(|x| x * x).sum::<f64>().sqrt(),
                    };
                    for (y, x) in y[k..].iter_mut().step_by(inner).zip(slice) {
                        *y = T::from_f64(if norm == 0.0 { 0.0 } else { x / norm });
                    }
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::map_f32s;
    use crate::ops::Attr;

    fn lp(p: i64, axis: i64, shape: &[usize], x: &[f32]) -> Vec<f32> {
        map_f32s(("", "LpNormalization", 22), &[("p", Attr::Int(p)), ("axis", Attr::Int(axis))], shape, x)
    }

    #[test]
    fn both_norms_along_any_axis() {
        assert_eq!(lp(2, -1, &[2, 2], &[3.0, -4.0, 0.0, 0.0]), [0.6, -0.8, 0.0, 0.0]);
        assert_eq!(lp(1, 0, &[2, 2], &[1.0, 0.0, -3.0, 5.0]), [0.25, 0.0, -0.75, 1.0]);
    }

    #[test]
    fn extremes() {
        assert_eq!(lp(2, -1, &[2], &[f32::MAX, 0.0]), [1.0, 0.0]);
        assert!(lp(2, -1, &[1], &[f32::INFINITY])[0].is_nan());
        assert!(lp(1, 0, &[0, 3], &[]).is_empty());
    }
}
