//! Bernoulli: 1 with the probability that the input says, else 0. Any type of number, or bool, comes out.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// Bernoulli.
#[derive(Clone, Debug)]
pub struct Bernoulli {
    /// Where the random numbers begin.
    pub seed: Option<f32>,
    dtype: Option<DType>,
}

impl Operator for Bernoulli {
    fn parse(a: &mut Attrs) -> Result<Bernoulli> {
        a.arity(1..=1, 1..=1)?;
        Ok(Bernoulli { seed: a.float("seed")?, dtype: a.dtype("dtype")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = self.dtype.unwrap_or(cx.dtype(0)?);
        cx.set_tensor(0, dtype, cx.dims(0).cloned());
        Ok(())
    }

    fn is_pure(&self) -> bool {
        false
    }
}
