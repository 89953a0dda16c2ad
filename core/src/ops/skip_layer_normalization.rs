//! SkipLayerNormalization and SkipSimplifiedLayerNormalization (com.microsoft): the sum of the input, a
//! skip connection and a bias, normalized over the last axis.
//!
//! Inputs: input, skip (of the input's shape, or of its last axes, to be repeated), gamma, then beta (not in
//! the simplified one, which does not subtract the mean), bias. Outputs: result, mean, 1 / deviation, sum.
//! f32, f16 or bf16.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Dim, Result};

/// SkipLayerNormalization or SkipSimplifiedLayerNormalization.
#[derive(Clone, Debug)]
pub struct SkipLayerNormalization {
    /// No mean is subtracted, and there is no beta.
    pub simplified: bool,
    /// Added to the variance.
    pub epsilon: f32,
}

impl Operator for SkipLayerNormalization {
    fn parse(a: &mut Attrs) -> Result<SkipLayerNormalization> {
        let simplified = a.op() == "SkipSimplifiedLayerNormalization";
        a.arity(3..=if simplified { 4 } else { 5 }, 1..=4)?;
        Ok(SkipLayerNormalization { simplified, epsilon: a.float_or("epsilon", 1e-12)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (dtype, dims) = (cx.dtype(0)?, cx.dims(0).cloned());
        let mut one = dims.clone();
        if let Some(one) = &mut one {
            let Some(last) = one.last_mut() else { bail!(InvalidModel, "input 0 must not be a scalar") };
            *last = Dim::from(1);
        }
        cx.set_tensor(0, dtype, dims.clone());
        cx.set_tensor(1, DType::F32, one.clone());
        cx.set_tensor(2, DType::F32, one);
        cx.set_tensor(3, dtype, dims);
        Ok(())
    }
}
