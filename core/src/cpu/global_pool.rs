//! Global pools on the CPU. Sums are kept in f64, or as exactly, and rounded once; the mean of nothing is NaN.

use super::max_pool::{images, lowest, power, root};
use super::qlinear_average_pool::over;
use super::{Io, Kernel, RunContext};
use crate::ops::global_pool::GlobalPool;
use crate::ops::max_pool::{Pooling, spatial};
use crate::{DType, Num, Result, View};
use edgewise_simd::Isa;
use edgewise_simd::reduce::sum;

impl Kernel for GlobalPool {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, y) = (io.input(0)?, io.output(0)?);
        if self.channels_last {
            return for_num!(x.dtype(), T => self.beside::<T>(io.context(), x, y.into_slice()?));
        }
        let cells: usize = spatial(x.shape(), false)?.iter().product();
        let cx = io.context();
        if let (DType::F32, Pooling::Average { .. }) = (x.dtype(), &self.pooling) {
            let x = x.slice::<f32>()?;
            return cx.pool.chunks(y.into_slice::<f32>()?, 64, |i, y| {
                cx.check()?;
                for (plane, y) in (i * 64..).zip(y) {
                    *y = (sum(Isa::current(), &x[plane * cells..][..cells]) / cells as f64) as f32;
                }
                Ok(())
            });
        }
        // ONNX has floats alone here; a model that is quantized takes maxima of bytes.
        for_num!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            cx.pool.chunks(y.into_slice::<T>()?, 16, |i, y| {
                cx.check()?;
                for (plane, y) in (i * 16..).zip(y) {
                    let x = &x[plane * cells..][..cells];
                    *y = match self.pooling {
                        Pooling::Max => x.iter().fold(lowest(), |max: T, &x| max.max_of(x)),
                        Pooling::Average { .. } => {
                            T::from_f64(x.iter().map(|x| x.to_f64()).sum::<f64>() / cells as f64)
                        }
                        Pooling::Norm { p } => {
                            T::from_f64(root(x.iter().map(|x| power(x.to_f64(), p)).sum(), p))
                        }
                    };
                }
                Ok(())
            })
        })
    }
}

impl GlobalPool {
    /// Of channels that lie side by side.
    fn beside<T: Num>(&self, cx: &RunContext<'_>, x: View<'_>, y: &mut [T]) -> Result<()> {
        let image = spatial(x.shape(), true)?;
        let images = images(&over(image), x, true)?;
        let (x, cells) = (x.slice::<T>()?, image.iter().product::<usize>() as f64);
        match self.pooling {
            Pooling::Max => images.pool(cx, x, y, lowest(), |max: T, x, _| max.max_of(x), |max, _| max),
            Pooling::Average { .. } => {
                images.pool(cx, x, y, 0.0, |sum, x, _| sum + x.to_f64(), |sum, _| T::from_f64(sum / cells))
            }
            Pooling::Norm { p } => {
                let add = |sum, x: T, _| sum + power(x.to_f64(), p);
                images.pool(cx, x, y, 0.0, add, |sum, _| T::from_f64(root(sum, p)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::cpu::testing::{map_f32s, run_op};
    use crate::ops::Op;
    use std::sync::Arc;

    #[test]
    fn channels_may_lie_side_by_side() {
        for (pooling, expected) in [
            (Pooling::Max, [5.0, 6.0]),
            (Pooling::Average { count_pads: false }, [3.0, 4.0]),
            (Pooling::Norm { p: 1.0 }, [9.0, 12.0]),
        ] {
            let op = Op::GlobalPool(Arc::new(GlobalPool { pooling, channels_last: true }));
            let x = Tensor::new(&[1, 3, 2], &[1f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
            let y = run_op(&op, &[Some(x.into())]).unwrap();
            let y = y.tensor().unwrap();
            assert_eq!((y.shape(), y.slice::<f32>().unwrap()), (&[1, 1, 2][..], &expected[..]));
        }
        let op = GlobalPool { pooling: Pooling::Average { count_pads: false }, channels_last: true };
        let none = Tensor::new(&[1, 0, 1], &[0f32; 0]).unwrap();
        let y = run_op(&Op::GlobalPool(Arc::new(op)), &[Some(none.into())]).unwrap();
        assert!(y.tensor().unwrap().slice::<f32>().unwrap()[0].is_nan());
    }

    #[test]
    fn images_without_spatial_axes_and_without_cells() {
        assert_eq!(map_f32s(("", "GlobalAveragePool", 1), &[], &[1, 2], &[3.0, 4.0]), [3.0, 4.0]);
        assert!(map_f32s(("", "GlobalAveragePool", 1), &[], &[1, 1, 0], &[])[0].is_nan());
        assert_eq!(map_f32s(("", "GlobalMaxPool", 1), &[], &[1, 1, 0], &[]), [f32::NEG_INFINITY]);
        assert_eq!(map_f32s(("", "GlobalLpPool", 2), &[], &[1, 1, 2], &[3.0, -4.0]), [5.0]);
    }
}
