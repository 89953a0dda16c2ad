//! NonZero on the CPU.

use super::{Io, Kernel};
use crate::ops::non_zero::NonZero;
use crate::{Complex64, Complex128, DType, Num, Result, View, strides};

impl Kernel for NonZero {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        io.check()?;
        let places = places(x)?;
        let y = io.make(0, DType::I64, &[x.rank(), places.len()])?.into_slice::<i64>()?;
        let axes = x.shape().iter().zip(strides(x.shape()));
        for (row, (&d, step)) in y.chunks_mut(places.len().max(1)).zip(axes) {
            for (y, place) in row.iter_mut().zip(&places) {
                *y = (place / step % d) as i64;
            }
        }
        Ok(())
    }
}

fn places(x: View<'_>) -> Result<Vec<usize>> {
    fn of<T>(x: &[T], counts: impl Fn(&T) -> bool) -> Result<Vec<usize>> {
        Ok(x.iter().enumerate().filter(|(_, x)| counts(x)).map(|(i, _)| i).collect())
    }
    match x.dtype() {
        DType::Str => of(x.strings()?, |x| !x.is_empty()),
        DType::Bool => of(x.bytes(), |&x| x != 0),
        DType::C64 => of(x.slice::<Complex64>()?, |x| *x != Complex64::default()),
        DType::C128 => of(x.slice::<Complex128>()?, |x| *x != Complex128::default()),
        dtype => for_num!(dtype, T => of(x.slice::<T>()?, |x| *x != T::zero())),
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor};

    fn places(x: Tensor) -> Result<(Vec<usize>, Vec<i64>)> {
        let y = run(("", "NonZero", 13), &[], &[Some(x.into())], 1)?;
        let y = y[0].tensor()?;
        Ok((y.shape().to_vec(), y.slice()?.to_vec()))
    }

    #[test]
    fn nan_counts_and_negative_zero_does_not() {
        let x = Tensor::new(&[2, 2], &[-0.0, f32::NAN, 0.0, 1.0]).unwrap();
        assert_eq!(places(x).unwrap(), (vec![2, 2], vec![0, 1, 1, 1]));
        assert_eq!(places(Tensor::scalar(5i32)).unwrap(), (vec![0, 1], vec![]));
        assert_eq!(places(Tensor::new::<u8>(&[0, 2], &[]).unwrap()).unwrap(), (vec![2, 0], vec![]));
        let x = Tensor::from_strings(&[2], vec!["".into(), "0".into()]).unwrap();
        assert_eq!(places(x).unwrap(), (vec![1, 1], vec![1]));
    }
}
