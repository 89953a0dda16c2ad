//! Shape on the CPU.

use super::{Io, Kernel};
use crate::Result;
use crate::ops::shape::Shape;

impl Kernel for Shape {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let x = io.input(0)?;
        let sizes = &x.shape()[self.axes(x.rank())];
        for (y, &size) in io.output(0)?.into_slice::<i64>()?.iter_mut().zip(sizes) {
            *y = size as i64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Tensor};

    #[test]
    fn parts_are_clamped() {
        let x = Tensor::zeros(DType::Str, &[2, 0, 4]).unwrap();
        let shape = |start, end| {
            let attrs = [("start", Attr::Int(start)), ("end", Attr::Int(end))];
            let y = run(("", "Shape", 15), &attrs, &[Some(x.clone().into())], 1).unwrap();
            y[0].tensor().unwrap().slice::<i64>().unwrap().to_vec()
        };
        assert_eq!(shape(0, 99), [2, 0, 4]);
        assert_eq!(shape(-2, -1), [0]);
        assert_eq!(shape(i64::MIN, i64::MAX), [2, 0, 4]);
        assert!(shape(2, 1).is_empty());
    }
}
