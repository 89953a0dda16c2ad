//! ArgMax and ArgMin on the CPU.

use super::strided::CHUNK;
use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::arg_max::ArgMax;
use crate::{Num, Result};

impl Kernel for ArgMax {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let y = io.output(0)?.into_slice::<i64>()?;
        let axis = normalize_axis(self.axis, x.rank())?;
        let len = x.shape()[axis];
        let inner: usize = x.shape()[axis + 1..].iter().product();
        let chunk = CHUNK.div_ceil(len.max(1));
        let cx = io.context();
        for_num!(x.dtype(), T => {
            let x = x.slice::<T>()?;
            cx.pool.chunks(y, chunk, |c, y| {
                cx.check()?;
                for (k, y) in y.iter_mut().enumerate() {
                    let row = c * chunk + k;
                    let start = row / inner * len * inner + row % inner;
                    *y = self.find((0..len).map(|i| x[start + i * inner])) as i64;
                }
                Ok(())
            })
        })
    }
}

impl ArgMax {
    fn find<T: Num>(&self, mut xs: impl Iterator<Item = T>) -> usize {
        let Some(mut best) = xs.next() else { return 0 };
        let mut at = 0;
        for (i, x) in xs.enumerate() {
            let better = if self.min { x < best } else { x > best };
            let equal = x == best || (x.is_nan() && best.is_nan());
            if (better && !best.is_nan()) || (x.is_nan() && !best.is_nan()) || (equal && self.last) {
                (best, at) = (x, i + 1);
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    fn find(op: &str, last: i64, x: &[f32]) -> Result<i64> {
        let attrs = [("axis", Attr::Int(-1)), ("select_last_index", Attr::Int(last))];
        let y = run(("", op, 13), &attrs, &[Some(Tensor::new(&[x.len()], x)?.into())], 1)?;
        Ok(y[0].tensor()?.slice()?[0])
    }

    #[test]
    fn ties_nan_and_nothing() {
        assert_eq!(find("ArgMax", 0, &[1., 3., 3.]).unwrap(), 1);
        assert_eq!(find("ArgMax", 1, &[3., 3., 1.]).unwrap(), 1);
        assert_eq!(find("ArgMin", 0, &[2., -0., 0.]).unwrap(), 1);
        assert_eq!(find("ArgMin", 0, &[1., f32::NAN, 0., f32::NAN]).unwrap(), 1);
        assert_eq!(find("ArgMax", 1, &[1., f32::NAN, 9., f32::NAN]).unwrap(), 3);
        assert!(find("ArgMax", 0, &[]).is_err());
    }
}
