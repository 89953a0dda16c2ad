//! EyeLike on the CPU.

use super::{Io, Kernel};
use crate::ops::eye_like::EyeLike;
use crate::{DType, Num, Result, Truth};

impl Kernel for EyeLike {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let y = io.output(0)?;
        let &[_, columns] = y.shape() else { bail!(InvalidModel, "expected a matrix, got {:?}", y.shape()) };
        match y.dtype() {
            DType::Bool => self.fill(y.into_slice::<Truth>()?, columns, false.into(), true.into()),
            dtype => for_num!(dtype, T => {
                self.fill(y.into_slice::<T>()?, columns, T::zero(), T::one());
                Ok(())
            })?,
        }
        Ok(())
    }
}

impl EyeLike {
    fn fill<T: Copy>(&self, y: &mut [T], columns: usize, zero: T, one: T) {
        y.fill(zero);
        for (i, row) in y.chunks_mut(columns.max(1)).enumerate() {
            let at = usize::try_from(self.k.saturating_add(i as i64)).ok();
            if let Some(x) = at.and_then(|at| row.get_mut(at)) {
                *x = one;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Tensor};

    #[test]
    fn diagonals_may_lie_outside() {
        for (k, expected) in [(0, [1, 0, 0, 0, 1, 0]), (1, [0, 1, 0, 0, 0, 1]), (-1, [0, 0, 0, 1, 0, 0])] {
            let x = Tensor::zeros(DType::F32, &[2, 3]).unwrap();
            let attrs = [("k", Attr::Int(k)), ("dtype", Attr::Int(DType::U8 as i64))];
            let y = run(("", "EyeLike", 9), &attrs, &[Some(x.into())], 1).unwrap();
            assert_eq!(y[0].tensor().unwrap().slice::<u8>().unwrap(), expected);
        }
        for k in [i64::MIN, i64::MAX] {
            let x = Tensor::zeros(DType::Bool, &[2, 0]).unwrap();
            assert!(run(("", "EyeLike", 9), &[("k", Attr::Int(k))], &[Some(x.into())], 1).is_ok());
        }
    }
}
