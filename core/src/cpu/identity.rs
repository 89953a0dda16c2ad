//! Identity on the CPU.

use super::{Io, Kernel};
use crate::Result;
use crate::ops::identity::Identity;

impl Kernel for Identity {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        match io.compound(0) {
            Ok(value) => io.set(0, value.clone()),
            Err(_) => {
                let x = io.input(0)?;
                io.make(0, x.dtype(), x.shape())?.copy_from(x)
            }
        }
    }

    fn is_alias(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{DType, Kind, Tensor, Value};

    #[test]
    fn every_kind_of_value_passes() {
        let nothing = Value::Optional(Kind::Tensor(DType::F32), None);
        let strings: Value = Tensor::from_strings(&[1], vec!["a".into()]).unwrap().into();
        let packed: Value = Tensor::zeros(DType::I4, &[3]).unwrap().into();
        let sequence = Value::Sequence(Kind::Tensor(DType::Str), vec![strings.clone()]);
        for value in [nothing, strings, packed, sequence] {
            let y = run(("", "Identity", 25), &[], &[Some(value.clone())], 1).unwrap();
            assert_eq!(format!("{:?}", y[0]), format!("{value:?}"));
        }
    }
}
