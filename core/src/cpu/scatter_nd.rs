//! ScatterND on the CPU.

use super::gather_nd::slice_places;
use super::scatter::scatter;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::scatter_nd::ScatterNd;

impl Kernel for ScatterNd {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (data, indices, updates) = (io.input(0)?, io.input(1)?, io.input(2)?);
        let y = io.output(0)?;
        let places = slice_places(data.shape(), indices, 0)?;
        scatter(io, self.reduction, data, &places, updates, y)
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{Result, Tensor};

    fn scatter(at: (&[usize], &[i64]), updates: (&[usize], &[&str])) -> Result<Vec<String>> {
        let strings = |x: &[&str]| x.iter().map(|s| s.to_string()).collect();
        let inputs = [
            Tensor::from_strings(&[2, 2], strings(&["a", "b", "c", "d"]))?,
            Tensor::new(at.0, at.1)?,
            Tensor::from_strings(updates.0, strings(updates.1))?,
        ];
        let y = run(("", "ScatterND", 18), &[], &inputs.map(|t| Some(t.into())), 1)?;
        Ok(y[0].tensor()?.view().strings()?.to_vec())
    }

    #[test]
    fn slices_are_replaced() {
        assert_eq!(scatter((&[1, 1], &[-1]), (&[1, 2], &["x", "y"])).unwrap(), ["a", "b", "x", "y"]);
        assert_eq!(scatter((&[1, 2], &[0, 1]), (&[1], &["x"])).unwrap(), ["a", "x", "c", "d"]);
        assert_eq!(scatter((&[0, 2], &[]), (&[0], &[])).unwrap(), ["a", "b", "c", "d"]);
        assert!(scatter((&[1, 1], &[2]), (&[1, 2], &["x", "y"])).is_err());
        assert!(scatter((&[1, 1], &[0]), (&[1, 1], &["x"])).is_err());
        assert!(scatter((&[1, 3], &[0, 0, 0]), (&[1], &["x"])).is_err());
    }
}
