//! ConstantOfShape on the CPU.

use super::movable::{Movable, for_movable};
use super::{Io, Kernel};
use crate::Result;
use crate::ops::constant_of_shape::ConstantOfShape;

impl Kernel for ConstantOfShape {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let y = io.output(0)?;
        for_movable!(self.value.dtype(), T => {
            let value = T::read(self.value.view())?;
            T::write(y, |y| {
                y.fill(value.first().cloned().unwrap_or_default());
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Result, Tensor, Value};

    fn constant(value: Option<Tensor>, shape: &[i64]) -> Result<Value> {
        let attrs: Vec<_> = value.map(|value| ("value", Attr::Tensor(value))).into_iter().collect();
        let shape = Tensor::new(&[shape.len()], shape)?;
        Ok(run(("", "ConstantOfShape", 25), &attrs, &[Some(shape.into())], 1)?.remove(0))
    }

    #[test]
    fn any_type_and_shape() {
        let int4 = Tensor::from_bytes(DType::I4, &[1], &[0x9]).unwrap();
        let y = constant(Some(int4), &[3]).unwrap();
        assert_eq!(y.tensor().unwrap().view().unpacked().unwrap(), [-7; 3]);
        let y = constant(None, &[]).unwrap();
        assert_eq!(y.tensor().unwrap().slice::<f32>().unwrap(), [0.]);
        assert!(constant(None, &[0, i64::MAX]).unwrap().tensor().unwrap().is_empty());
        assert!(constant(None, &[-1]).is_err());
        assert!(constant(None, &[i64::MAX, 2]).is_err());
        assert!(constant(None, &[i64::MAX, 2, 0]).is_err());
    }
}
