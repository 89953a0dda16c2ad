//! Where on the CPU.

use super::broadcast::{triple, zip3};
use super::{Io, Kernel};
use crate::ops::where_::Where;
use crate::{DType, Result, Shape, Truth};

impl Kernel for Where {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (condition, a, b) = (io.input(0)?, io.input(1)?, io.input(2)?);
        let y = io.output(0)?;
        let shape = Shape::from_slice(y.shape());
        let test = (condition.slice::<Truth>()?, condition.shape());
        if a.dtype() == DType::Str {
            let (a, b) = ((a.strings()?, a.shape()), (b.strings()?, b.shape()));
            let pick = triple(|c: &Truth, a: &String, b| if c.get() { a.clone() } else { String::clone(b) });
            return zip3(io.context(), (y.into_strings()?, &shape), test, a, b, &pick);
        }
        for_width!(a.dtype(), T => {
            let (a, b) = ((a.units::<T>(), a.shape()), (b.units::<T>(), b.shape()));
            let pick = triple(|c: &Truth, a: &T, b| if c.get() { *a } else { *b });
            zip3(io.context(), (y.into_units::<T>()?, &shape), test, a, b, &pick)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Tensor, Truth};

    #[test]
    fn all_three_inputs_broadcast_and_strings_pass() {
        let c = Tensor::new(&[2, 1], &[true, false].map(Truth::from)).unwrap();
        let a = Tensor::from_strings(&[2], vec!["a".into(), "b".into()]).unwrap();
        let b = Tensor::from_strings(&[], vec!["-".into()]).unwrap();
        let y = run(("", "Where", 9), &[], &[Some(c.into()), Some(a.into()), Some(b.into())], 1).unwrap();
        let y = y[0].tensor().unwrap();
        assert_eq!(
            (y.shape(), y.view().strings().unwrap()),
            (&[2, 2][..], &["a", "b", "-", "-"].map(String::from)[..])
        );
    }
}
