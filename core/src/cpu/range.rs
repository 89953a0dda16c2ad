//! Range on the CPU.

use super::{Io, Kernel};
use crate::ops::range::{Range, float_count, float_ends, int_count};
use crate::{Num, Result};

impl Kernel for Range {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (start, limit, delta) = (io.input(0)?, io.input(1)?, io.optional(2)?);
        let dtype = start.dtype();
        if dtype.is_float() {
            let count = float_count(start, limit, delta)?;
            let (start, delta) = float_ends(start, delta)?;
            let y = io.make(0, dtype, &[count])?;
            return for_float!(dtype, T => {
                for (i, y) in y.into_slice::<T>()?.iter_mut().enumerate() {
                    *y = T::from_f64(start + i as f64 * delta);
                }
                Ok(())
            });
        }
        let (start, delta) = (start.scalar_i64()?, delta.map_or(Ok(1), |delta| delta.scalar_i64())?);
        let count = int_count(start, limit.scalar_i64()?, delta)?;
        let y = io.make(0, dtype, &[count])?;
        for_int!(dtype, T => {
            for (i, y) in y.into_slice::<T>()?.iter_mut().enumerate() {
                *y = T::from_i64(start.wrapping_add((i as i64).wrapping_mul(delta)));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Element, Result, Tensor};

    fn range<T: Element>(ends: [T; 3]) -> Result<Vec<T>> {
        let inputs = ends.map(|x| Some(Tensor::scalar(x).into()));
        let y = run(("", "Range", 27), &[], &inputs, 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn ranges_go_up_down_and_nowhere() {
        assert_eq!(range([1i32, 8, 3]).unwrap(), [1, 4, 7]);
        assert_eq!(range([10i64, 4, -2]).unwrap(), [10, 8, 6]);
        assert!(range([0i16, 4, -1]).unwrap().is_empty());
        assert_eq!(range([0f32, 1., 0.4]).unwrap(), [0., 0.4, 0.8]);
        assert_eq!(range([i64::MAX - 2, i64::MAX, 1]).unwrap(), [i64::MAX - 2, i64::MAX - 1]);
        assert_eq!(
            range([half::f16::from_f32(2048.), half::f16::from_f32(2051.), half::f16::ONE]).unwrap().len(),
            4
        );
    }

    #[test]
    fn endless_ranges_are_refused() {
        assert!(range([0i64, 1, 0]).is_err());
        assert!(range([0f32, f32::INFINITY, 1.]).is_err());
        assert!(range([0f64, f64::NAN, 1.]).is_err());
        assert!(range([i64::MIN, i64::MAX, 1]).is_err());
    }
}
