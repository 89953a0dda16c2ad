//! Global pools on the CPU. Sums are kept in f64 and rounded once; the mean of nothing is NaN.

use super::max_pool::{lowest, power, root};
use super::{Io, Kernel};
use crate::ops::global_pool::GlobalPool;
use crate::ops::max_pool::{Pooling, spatial};
use crate::{DType, Num, Result};
use edgewise_simd::Isa;
use edgewise_simd::reduce::sum;

impl Kernel for GlobalPool {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (x, y) = (io.input(0)?, io.output(0)?);
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

#[cfg(test)]
mod tests {
    use crate::cpu::testing::map_f32s;

    #[test]
    fn images_without_spatial_axes_and_without_cells() {
        assert_eq!(map_f32s(("", "GlobalAveragePool", 1), &[], &[1, 2], &[3.0, 4.0]), [3.0, 4.0]);
        assert!(map_f32s(("", "GlobalAveragePool", 1), &[], &[1, 1, 0], &[])[0].is_nan());
        assert_eq!(map_f32s(("", "GlobalMaxPool", 1), &[], &[1, 1, 0], &[]), [f32::NEG_INFINITY]);
        assert_eq!(map_f32s(("", "GlobalLpPool", 2), &[], &[1, 1, 2], &[3.0, -4.0]), [5.0]);
    }
}
