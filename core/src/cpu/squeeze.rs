//! Squeeze, Unsqueeze and ExpandDims on the CPU.

use super::reshape::relabel;
use super::{Io, Kernel};
use crate::Result;
use crate::ops::squeeze::Squeeze;

impl Kernel for Squeeze {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        relabel(io)
    }

    fn is_alias(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{DType, Result, Tensor};

    fn shape(op: &str, from: &[usize], axes: Option<&[i64]>) -> Result<Vec<usize>> {
        let x = Tensor::zeros(DType::I4, from)?;
        let axes = axes.map(|axes| Tensor::new(&[axes.len()], axes).unwrap().into());
        let y = run(("", op, 25), &[], &[Some(x.into()), axes], 1)?;
        Ok(y[0].tensor()?.shape().to_vec())
    }

    #[test]
    fn axes_go_and_come() {
        assert_eq!(shape("Squeeze", &[1, 3, 1, 0], None).unwrap(), [3, 0]);
        assert_eq!(shape("Squeeze", &[1, 3, 1], Some(&[-1])).unwrap(), [1, 3]);
        assert_eq!(shape("Unsqueeze", &[3], Some(&[-1, 0])).unwrap(), [1, 3, 1]);
        assert_eq!(shape("Unsqueeze", &[], Some(&[0, 1])).unwrap(), [1, 1]);
    }

    #[test]
    fn wrong_axes_are_refused() {
        for (op, axes) in [
            ("Squeeze", Some(&[1i64][..])),
            ("Squeeze", Some(&[2])),
            ("Unsqueeze", Some(&[0, 0])),
            ("Unsqueeze", Some(&[-5])),
            ("Unsqueeze", None),
        ] {
            assert!(shape(op, &[1, 3], axes).is_err(), "{op} {axes:?}");
        }
    }
}
