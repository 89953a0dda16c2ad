//! Reshape on the CPU, and what all operators share that only rename the axes.

use super::{Io, Kernel};
use crate::Result;
use crate::ops::reshape::Reshape;

impl Kernel for Reshape {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        relabel(io)
    }

    fn is_alias(&self) -> bool {
        true
    }
}

/// Output 0 is input 0 under another shape.
pub fn relabel(io: &mut Io<'_>) -> Result<()> {
    let x = io.input(0)?;
    io.output(0)?.copy_from(x)
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{DType, Result, Tensor};

    fn reshape(from: &[usize], to: &[i64], allow_zero: i64) -> Result<Vec<usize>> {
        let x = Tensor::zeros(DType::F32, from)?;
        let shape = Tensor::new(&[to.len()], to)?;
        let attrs = [("allowzero", Attr::Int(allow_zero))];
        let y = run(("", "Reshape", 14), &attrs, &[Some(x.into()), Some(shape.into())], 1)?;
        Ok(y[0].tensor()?.shape().to_vec())
    }

    #[test]
    fn minus_one_and_zero_have_their_meanings() {
        assert_eq!(reshape(&[2, 3, 4], &[0, -1], 0).unwrap(), [2, 12]);
        assert_eq!(reshape(&[0, 3], &[3, 0], 1).unwrap(), [3, 0]);
        assert_eq!(reshape(&[1], &[], 0).unwrap(), [0usize; 0]);
        assert_eq!(reshape(&[0, 5], &[0, -1], 0).unwrap(), [0, 0]);
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for (from, to, allow_zero) in [
            (&[2, 3][..], &[-1, -1][..], 0),
            (&[2, 3], &[4, -1], 0),
            (&[2, 3], &[7], 0),
            (&[2, 3], &[-2, 3], 0),
            (&[6], &[6, 0], 0),
            (&[0], &[0, -1], 1),
            (&[2], &[i64::MAX, i64::MAX], 0),
        ] {
            assert!(reshape(from, to, allow_zero).is_err(), "{from:?} to {to:?}");
        }
    }
}
