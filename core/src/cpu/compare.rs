//! Comparisons and logic on the CPU. NaN equals nothing and is neither less nor greater.

use super::broadcast::{Pair, pair, zip};
use super::{Io, Kernel};
use crate::ops::compare::{Compare, Question};
use crate::{DType, Element, Result, Shape, Truth};

impl Kernel for Compare {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let dtype = io.input(0)?.dtype();
        match self.question {
            Question::Equal if dtype == DType::Str => self.zip_strings(io),
            Question::Equal if dtype == DType::Bool => self.zip(io, |a: &Truth, b| a.get() == b.get()),
            Question::Equal => for_num!(dtype, T => self.zip::<T>(io, |a, b| a == b)),
            Question::Greater => for_num!(dtype, T => self.zip::<T>(io, |a, b| a > b)),
            Question::GreaterOrEqual => for_num!(dtype, T => self.zip::<T>(io, |a, b| a >= b)),
            Question::Less => for_num!(dtype, T => self.zip::<T>(io, |a, b| a < b)),
            Question::LessOrEqual => for_num!(dtype, T => self.zip::<T>(io, |a, b| a <= b)),
            Question::And => self.zip(io, |a: &Truth, b| a.get() && b.get()),
            Question::Or => self.zip(io, |a: &Truth, b| a.get() || b.get()),
            Question::Xor => self.zip(io, |a: &Truth, b| a.get() != b.get()),
        }
    }
}

impl Compare {
    fn zip<T: Element>(&self, io: &mut Io<'_>, f: impl Fn(&T, &T) -> bool + Sync) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(1)?);
        let f = pair(|a, b| Truth::from(f(a, b)));
        self.zip_slices(io, (a.slice()?, a.shape()), (b.slice()?, b.shape()), &f)
    }

    fn zip_strings(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(1)?);
        let f = pair(|a, b| Truth::from(a == b));
        self.zip_slices(io, (a.strings()?, a.shape()), (b.strings()?, b.shape()), &f)
    }

    fn zip_slices<T: Sync>(
        &self,
        io: &mut Io<'_>,
        a: (&[T], &[usize]),
        b: (&[T], &[usize]),
        f: &Pair<'_, T, T, Truth>,
    ) -> Result<()> {
        let y = io.output(0)?;
        let shape = Shape::from_slice(y.shape());
        let b_shape = self.align.second(a.1, b.1)?;
        zip(io.context(), (y.into_slice()?, &shape), a, (b.0, &b_shape), f)
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Tensor, Truth};

    fn compare(op: &str, a: Tensor, b: Tensor) -> Vec<bool> {
        let y = run(("", op, 19), &[], &[Some(a.into()), Some(b.into())], 1).unwrap();
        y[0].tensor().unwrap().slice::<Truth>().unwrap().iter().map(|t| t.get()).collect()
    }

    #[test]
    fn nan_is_unlike_everything() {
        let nan = || Tensor::new(&[2], &[f64::NAN, -0.0]).unwrap();
        let zero = || Tensor::new(&[], &[0.0f64]).unwrap();
        assert_eq!(compare("Equal", nan(), zero()), [false, true]);
        assert_eq!(compare("LessOrEqual", nan(), zero()), [false, true]);
        assert_eq!(compare("Greater", nan(), nan()), [false, false]);
    }

    #[test]
    fn strings_and_empty_tensors_compare() {
        let strings =
            |s: &[&str]| Tensor::from_strings(&[s.len()], s.iter().map(|s| s.to_string()).collect()).unwrap();
        assert_eq!(compare("Equal", strings(&["a", "b"]), strings(&["b"])), [false, true]);
        assert!(compare("Equal", strings(&[]), strings(&["b"])).is_empty());
    }
}
