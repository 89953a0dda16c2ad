//! QLinearReduceMean on the CPU. The sum is exact, and one rounding in f32 precedes that to an integer.

use super::reduce::Groups;
use super::{Io, Kernel};
use crate::ops::qlinear_reduce_mean::QLinearReduceMean;
use crate::quant::Mean;
use crate::{DType, Num, Result};

impl Kernel for QLinearReduceMean {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let zero = |i: usize| io.optional(i)?.map_or(Ok(0), |zero| zero.scalar_i64());
        let (x_scale, x_zero) = (io.input(1)?.scalar_f32()?, zero(2)?);
        let (y_scale, y_zero) = (io.input(3)?.scalar_f32()?, zero(4)?);
        let marked = self.axes.marked(&self.axes.read(io)?, x.rank())?;
        let groups = Groups::new(x.shape(), &marked);
        let (y, cx) = (io.output(0)?, io.context());
        let quantized = matches!(x.dtype(), DType::U8 | DType::I8);
        ensure!(quantized, Unsupported, "expected u8 or i8, got {}", x.dtype());
        for_int!(x.dtype(), T => groups.each(cx, x.slice::<T>()?, y.into_slice::<T>()?, |group| {
            let sum = group.fold(0i64, |sum, x| sum + (x.to_i64() - x_zero));
            let mean = Mean { len: group.len, x_scale, y_scale, y_zero };
            T::from_i64(mean.of(sum, [T::LOWEST.to_i64(), T::HIGHEST.to_i64()]))
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Tensor, Value};

    #[test]
    fn means_are_quantized_again() {
        let scalar = |x: f32| Some(Value::from(Tensor::scalar(x)));
        let zero = |x: i8| Some(Value::from(Tensor::scalar(x)));
        let x = Tensor::new(&[2, 2], &[1i8, 2, -128, 127]).unwrap();
        let inputs = [Some(x.into()), scalar(0.5), zero(1), scalar(0.25), None];
        let attrs = [("axes", Attr::Ints(vec![1])), ("keepdims", Attr::Int(0))];
        let y = run(("com.microsoft", "QLinearReduceMean", 1), &attrs, &inputs, 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<i8>().unwrap(), [1, -3]);
    }
}
