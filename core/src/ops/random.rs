//! RandomNormal, RandomUniform, and the two whose shape is that of their input.
//!
//! Floats; bf16 from opset 22 on. Without a `seed` each run draws other numbers.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// Random numbers.
#[derive(Clone, Debug)]
pub struct Random {
    /// How they are distributed.
    pub distribution: Distribution,
    /// Where they begin.
    pub seed: Option<f32>,
    /// Their type; the input's where there is none.
    dtype: Option<DType>,
    /// The shape; the input's where there is none.
    shape: Option<Vec<i64>>,
}

/// How random numbers are distributed.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Distribution {
    Normal { mean: f32, scale: f32 },
    Uniform { low: f32, high: f32 },
}

impl Operator for Random {
    fn parse(a: &mut Attrs) -> Result<Random> {
        let like = a.op().ends_with("Like");
        a.arity(like as usize..=like as usize, 1..=1)?;
        let distribution = if a.op().starts_with("RandomNormal") {
            Distribution::Normal { mean: a.float_or("mean", 0.0)?, scale: a.float_or("scale", 1.0)? }
        } else {
            Distribution::Uniform { low: a.float_or("low", 0.0)?, high: a.float_or("high", 1.0)? }
        };
        let (mut dtype, mut shape) = (a.dtype("dtype")?, None);
        if !like {
            dtype = dtype.or(Some(DType::F32));
            let given = a.ints("shape")?;
            let given = a.required("shape", given)?;
            ensure!(
                given.iter().all(|&d| d >= 0),
                InvalidModel,
                "attribute 'shape' must not be negative: {given:?}"
            );
            shape = Some(given);
        }
        Ok(Random { distribution, seed: a.float("seed")?, dtype, shape })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = match self.dtype {
            Some(dtype) => dtype,
            None => cx.dtype(0)?,
        };
        let dims = match &self.shape {
            Some(shape) => Some(shape.iter().map(|&d| Dim::from(d)).collect::<Dims>()),
            None => cx.dims(0).cloned(),
        };
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }

    fn is_pure(&self) -> bool {
        false
    }
}
