//! Max, Min, Mean and Sum on the CPU.
//!
//! The small floats gather in f32 and round once; NaN wins against every number.

use super::broadcast::{Broadcast, CHUNK};
use super::{Io, Kernel, vector};
use crate::ops::variadic::Variadic;
use crate::{DType, Num, Result, Shape, View};
use edgewise_simd::elementwise::Binary;

impl Kernel for Variadic {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let inputs = (0..io.input_count()).map(|i| io.input(i)).collect::<Result<Vec<_>>>()?;
        let dtype = super::map::output_dtype(io)?;
        if let (DType::F32, Some(function), 2) = (dtype, self.vector(), inputs.len()) {
            return vector::binary(io, function, |_, b| Ok(b.into()));
        }
        for_num!(dtype, T => match self {
            Variadic::Max => fold::<T>(io, &inputs, Num::max_of, |x| x),
            Variadic::Min => fold::<T>(io, &inputs, Num::min_of, |x| x),
            Variadic::Sum => fold::<T>(io, &inputs, Num::add, |x| x),
            Variadic::Mean => {
                let count = Num::from_i64(inputs.len() as i64);
                fold::<T>(io, &inputs, Num::add, |x| Num::div(x, count))
            }
        })
    }
}

impl Variadic {
    /// The function of two f32s that works on vectors, where there is one.
    pub(super) fn vector(&self) -> Option<Binary> {
        match self {
            Variadic::Max => Some(Binary::Max),
            Variadic::Min => Some(Binary::Min),
            Variadic::Mean | Variadic::Sum => None,
        }
    }
}

fn fold<T: Num>(
    io: &mut Io<'_>,
    inputs: &[View<'_>],
    join: impl Fn(T::Acc, T::Acc) -> T::Acc + Sync,
    finish: impl Fn(T::Acc) -> T::Acc + Sync,
) -> Result<()> {
    let y = io.output(0)?;
    let shape = Shape::from_slice(y.shape());
    let inputs = inputs
        .iter()
        .map(|x| Ok((x.slice::<T>()?, Broadcast::new(&shape, [x.shape()])?)))
        .collect::<Result<Vec<_>>>()?;
    let cx = io.context();
    cx.pool.chunks(y.into_slice::<T>()?, CHUNK, |i, y| {
        cx.check()?;
        let start = i * CHUNK;
        let mut sums = vec![T::Acc::zero(); y.len()];
        for (n, (x, walk)) in inputs.iter().enumerate() {
            let step = walk.step(0);
            for run in walk.runs(start..start + y.len()) {
                let sums = &mut sums[run.out.start - start..run.out.end - start];
                for (k, sum) in sums.iter_mut().enumerate() {
                    let x = x[run.at[0] + k * step].acc();
                    *sum = if n == 0 { x } else { join(*sum, x) };
                }
            }
        }
        y.iter_mut().zip(sums).for_each(|(y, sum)| *y = T::of_acc(finish(sum)));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;
    use half::f16;

    #[test]
    fn nan_wins_on_either_side() {
        let a = Tensor::new(&[3], &[f32::NAN, 1.0, -1.0]).unwrap();
        let b = Tensor::new(&[3], &[1.0, f32::NAN, 2.0]).unwrap();
        for (op, last) in [("Max", 2.0), ("Min", -1.0)] {
            let y = run(("", op, 13), &[], &[Some(a.clone().into()), Some(b.clone().into())], 1).unwrap();
            let y = y[0].tensor().unwrap().slice::<f32>().unwrap();
            assert!(y[0].is_nan() && y[1].is_nan() && y[2] == last, "{op}: {y:?}");
        }
    }

    #[test]
    fn half_floats_round_once() {
        let one = |x: f32| Some(Tensor::new(&[], &[f16::from_f32(x)]).unwrap().into());
        let y = run(("", "Sum", 13), &[], &[one(60000.0), one(60000.0), one(-60000.0)], 1).unwrap();
        assert_eq!(y[0].tensor().unwrap().slice::<f16>().unwrap(), [f16::from_f32(60000.0)]);
    }
}
