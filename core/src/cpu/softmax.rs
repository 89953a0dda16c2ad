//! Softmax, LogSoftmax and Hardmax on the CPU.
//!
//! The maximum is subtracted first, so that exp never overflows; a row of -inf alone gives NaN, as in
//! numpy. The small floats compute in f32 and round once.

use super::broadcast::CHUNK;
use super::{Io, Kernel};
use crate::ops::softmax::{Mode, Softmax};
use crate::{DType, Float, Num, Result};
use edgewise_simd::Isa;
use edgewise_simd::softmax::{fuses, softmax, sums};

/// In how many sums a row of floats is taken, whose elements go to them in turn; then one half of the sums is added to
/// the other until one is left. It is what a vector of the instruction set holds.
pub fn softmax_sums() -> usize {
    sums(Isa::current())
}

/// Whether its exponentials are made of products and sums that are rounded once together: instruction sets differ.
pub fn softmax_fuses() -> bool {
    fuses(Isa::current())
}

impl Kernel for Softmax {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?;
        let slices = self.slices(x.rank())?;
        let len: usize = x.shape()[slices.clone()].iter().product();
        let inner: usize = x.shape()[slices.end..].iter().product();
        if x.dtype() == DType::F32 && self.mode == Mode::Soft && inner == 1 && len > 0 {
            let (x, cx) = (x.slice::<f32>()?, io.context());
            let chunk = (CHUNK / len).max(1) * len;
            return cx.pool.chunks(y.into_slice::<f32>()?, chunk, |i, y| {
                cx.check()?;
                softmax(Isa::current(), &x[i * chunk..][..y.len()], y, len);
                Ok(())
            });
        }
        for_float!(x.dtype(), T => {
            let (x, y) = (x.slice::<T>()?, y.into_slice::<T>()?);
            let block = (len * inner).max(1);
            let mut row = vec![<T as Float>::Wide::zero(); len];
            for (i, (x, y)) in x.chunks(block).zip(y.chunks_mut(block)).enumerate() {
                if i % 64 == 0 {
                    io.check()?;
                }
                for i in 0..inner {
                    for (r, x) in row.iter_mut().zip(x[i..].iter().step_by(inner)) {
                        *r = x.widen();
                    }
                    normalize(self.mode, &mut row);
                    for (y, r) in y[i..].iter_mut().step_by(inner).zip(&row) {
                        *y = T::narrow(*r);
                    }
                }
            }
            Ok(())
        })
    }
}

/// Turns a row into a distribution.
pub(super) fn normalize<T: Float>(mode: Mode, row: &mut [T]) {
    let max = row.iter().copied().fold(T::neg_infinity(), T::max_of);
    if mode == Mode::Hard {
        let first = row.iter().position(|&x| x == max);
        for (i, x) in row.iter_mut().enumerate() {
            *x = if Some(i) == first { T::one() } else { T::zero() };
        }
        return;
    }
    let exp = |x: T| x.sub(max).map(f32::exp, f64::exp);
    let sum = row.iter().fold(T::zero(), |sum, &x| sum.add(exp(x)));
    let log_sum = sum.map(f32::ln, f64::ln);
    for x in row {
        *x = match mode {
            Mode::Log => x.sub(max).sub(log_sum),
            _ => exp(*x).div(sum),
        };
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::map_f32s;
    use crate::ops::Attr;

    const SOFTMAX: (&str, &str, i64) = ("", "Softmax", 13);

    #[test]
    fn rows_sum_to_one_and_large_values_do_not_overflow() {
        let y = map_f32s(SOFTMAX, &[], &[2, 2], &[1e30, -1e30, 5.0, 5.0]);
        assert_eq!(y, [1.0, 0.0, 0.5, 0.5]);
    }

    #[test]
    fn a_row_of_negative_infinity_is_nan() {
        let y = map_f32s(SOFTMAX, &[], &[1, 2], &[f32::NEG_INFINITY; 2]);
        assert!(y.iter().all(|x| x.is_nan()));
    }

    #[test]
    fn empty_and_scalar_tensors_pass() {
        assert!(map_f32s(SOFTMAX, &[("axis", Attr::Int(0))], &[0, 3], &[]).is_empty());
        assert_eq!(map_f32s(SOFTMAX, &[], &[1], &[7.0]), [1.0]);
    }

    #[test]
    fn before_opset_13_all_axes_from_the_given_one_on_are_one_row() {
        let y = map_f32s(("", "Softmax", 11), &[], &[1, 2, 2], &[0.0; 4]);
        assert_eq!(y, [0.25; 4]);
    }

    #[test]
    fn the_first_of_equal_maxima_is_the_hard_one() {
        let y = map_f32s(("", "Hardmax", 13), &[], &[1, 3], &[1.0, 2.0, 2.0]);
        assert_eq!(y, [0.0, 1.0, 0.0]);
    }
}
