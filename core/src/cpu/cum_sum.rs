//! CumSum and CumProd on the CPU. Floats run in f64 and every element is rounded once; integers wrap.

use super::{Io, Kernel};
use crate::graph::normalize_axis;
use crate::ops::cum_sum::CumSum;
use crate::{Num, Result};

impl Kernel for CumSum {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let axis = normalize_axis(io.input(1)?.scalar_i64()?, x.rank())?;
        let len = x.shape()[axis];
        let inner: usize = x.shape()[axis + 1..].iter().product();
        let (y, cx) = (io.output(0)?, io.context());
        for_num!(x.dtype(), T => {
            let (x, y) = (x.slice::<T>()?, y.into_slice::<T>()?);
            let block = (len * inner).max(1);
            cx.pool.chunks(y, block, |o, y| {
                cx.check()?;
                let x = &x[o * block..][..y.len()];
                for i in 0..inner {
                    let places = (0..len).map(|j| (if self.reverse { len - 1 - j } else { j }) * inner + i);
                    let run = Run { places, exclusive: self.exclusive };
                    match (T::FLOAT, self.product) {
                        (true, false) => run.along(0.0, |at| x[at].to_f64(), |a, b| a + b, |at, s| y[at] = T::from_f64(s)),
                        (true, true) => run.along(1.0, |at| x[at].to_f64(), |a, b| a * b, |at, s| y[at] = T::from_f64(s)),
                        (false, false) => run.along(T::zero(), |at| x[at], T::add, |at, s| y[at] = s),
                        (false, true) => run.along(T::one(), |at| x[at], T::mul, |at, s| y[at] = s),
                    }
                }
                Ok(())
            })
        })
    }
}

/// One line of elements, in the order in which they are summed.
struct Run<I> {
    places: I,
    exclusive: bool,
}

impl<I: Iterator<Item = usize>> Run<I> {
    fn along<A: Copy>(
        self,
        mut so_far: A,
        get: impl Fn(usize) -> A,
        join: impl Fn(A, A) -> A,
        mut put: impl FnMut(usize, A),
    ) {
        for at in self.places {
            let with = join(so_far, get(at));
            put(at, if self.exclusive { so_far } else { with });
            so_far = with;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use crate::ops::Attr;

    #[test]
    fn sums_and_products_run_both_ways() {
        for (op, exclusive, reverse, expected) in [
            ("CumSum", 0, 0, [1, 3, 6]),
            ("CumSum", 1, 0, [0, 1, 3]),
            ("CumSum", 1, 1, [5, 3, 0]),
            ("CumProd", 0, 1, [6, 6, 3]),
            ("CumProd", 1, 0, [1, 1, 2]),
        ] {
            let attrs = [("exclusive", Attr::Int(exclusive)), ("reverse", Attr::Int(reverse))];
            let inputs = [Tensor::new(&[3], &[1i32, 2, 3]).unwrap(), Tensor::scalar(-1i64)];
            let y = run(("", op, 26), &attrs, &inputs.map(|t| Some(t.into())), 1).unwrap();
            assert_eq!(y[0].tensor().unwrap().slice::<i32>().unwrap(), expected, "{op}");
        }
    }

    #[test]
    fn small_floats_round_each_sum_once() {
        let x: Vec<half::f16> = [2048., 1., 1.].map(half::f16::from_f32).to_vec();
        let inputs = [Tensor::new(&[3], &x).unwrap(), Tensor::scalar(0i32)];
        let y = run(("", "CumSum", 14), &[], &inputs.map(|t| Some(t.into())), 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<half::f16>().unwrap()[2].to_f32(), 2050.);
    }
}
