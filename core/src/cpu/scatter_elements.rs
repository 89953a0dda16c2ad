//! ScatterElements and Scatter on the CPU.

use super::gather_elements::element_places;
use super::scatter::scatter;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::scatter_elements::ScatterElements;

impl Kernel for ScatterElements {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (data, indices, updates) = (io.input(0)?, io.input(1)?, io.input(2)?);
        let y = io.output(0)?;
        let places = element_places(data.shape(), indices, self.axis)?;
        scatter(io, self.reduction, data, &places, updates, y)
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Element, Result, Tensor, Truth};

    fn scatter<T: Element>(reduction: &str, data: &[T], at: &[i64], updates: &[T]) -> Result<Vec<T>> {
        let inputs = [Tensor::new(&[data.len()], data)?, Tensor::new(&[at.len()], at)?];
        let inputs = [&inputs[..], &[Tensor::new(&[updates.len()], updates)?]].concat();
        let inputs: Vec<_> = inputs.into_iter().map(|t| Some(t.into())).collect();
        let attrs = [("reduction", Attr::Str(reduction.into()))];
        let y = run(("", "ScatterElements", 18), &attrs, &inputs, 1)?;
        Ok(y[0].tensor()?.slice()?.to_vec())
    }

    #[test]
    fn updates_replace_or_join() {
        assert_eq!(scatter("none", &[1i8, 2, 3], &[-1, 0, 0], &[7, 8, 9]).unwrap(), [9, 2, 7]);
        assert_eq!(scatter("add", &[1u8, 250], &[1, 1], &[5, 5]).unwrap(), [1, 4]);
        assert_eq!(scatter("mul", &[2f32, 3.], &[0, 0], &[2., 2.]).unwrap(), [8., 3.]);
        assert!(scatter("max", &[2f32], &[0], &[f32::NAN]).unwrap()[0].is_nan());
        assert_eq!(scatter("min", &[Truth(1)], &[0], &[Truth(0)]).unwrap(), [Truth(0)]);
        assert_eq!(scatter("add", &[1i64], &[], &[]).unwrap(), [1]);
        assert!(scatter("none", &[1i64], &[1], &[0]).is_err());
        assert!(scatter("none", &[1i64], &[0], &[0, 0]).is_err());
    }
}
