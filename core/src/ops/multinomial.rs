//! Multinomial: classes drawn from rows of unnormalized log-probabilities.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// Multinomial.
#[derive(Clone, Debug)]
pub struct Multinomial {
    /// Where the random numbers begin.
    pub seed: Option<f32>,
    samples: i64,
    dtype: DType,
}

impl Operator for Multinomial {
    fn parse(a: &mut Attrs) -> Result<Multinomial> {
        a.arity(1..=1, 1..=1)?;
        let dtype = a.dtype("dtype")?.unwrap_or(DType::I32);
        ensure!(
            matches!(dtype, DType::I32 | DType::I64),
            InvalidModel,
            "attribute 'dtype' must name i32 or i64, got {dtype}"
        );
        let samples = a.int_or("sample_size", 1)?;
        ensure!(samples >= 0, InvalidModel, "attribute 'sample_size' must not be negative, got {samples}");
        Ok(Multinomial { seed: a.float("seed")?, samples, dtype })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let batch = match cx.dims(0).map(|dims| &dims[..]) {
            None => cx.unknown_dim(),
            Some([batch, _]) => batch.clone(),
            Some(dims) => bail!(InvalidModel, "expected a matrix of log-probabilities, got {dims:?}"),
        };
        cx.set_tensor(0, self.dtype, Some(Dims::from_iter([batch, Dim::from(self.samples)])));
        Ok(())
    }

    fn is_pure(&self) -> bool {
        false
    }
}
