//! SimplifiedLayerNormalization (onnxruntime's, in the domain of ai.onnx): division by the root mean square
//! over the axes from `axis` on, times a scale.
//!
//! Y has the scale's type; the second output, 1 / root mean square, has that of `stash_type`. Floats of
//! every width.

use super::{Attrs, Operator};
use crate::graph::{Infer, normalize_axis};
use crate::{DType, Dim, Result};

/// SimplifiedLayerNormalization.
#[derive(Clone, Debug)]
pub struct SimplifiedLayerNormalization {
    axis: i64,
    stash: DType,
    /// Added to the mean square.
    pub epsilon: f32,
}

impl Operator for SimplifiedLayerNormalization {
    fn parse(a: &mut Attrs) -> Result<SimplifiedLayerNormalization> {
        a.arity(2..=2, 1..=2)?;
        let axis = a.int_or("axis", -1)?;
        let stash = a.dtype("stash_type")?.unwrap_or(DType::F32);
        ensure!(
            matches!(stash, DType::F32 | DType::F64),
            InvalidModel,
            "stash_type must be f32 or f64, got {stash}"
        );
        Ok(SimplifiedLayerNormalization { axis, stash, epsilon: a.float_or("epsilon", 1e-5)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = cx.dims(0).cloned();
        let mut deviation = dims.clone();
        if let Some(deviation) = &mut deviation {
            let axis = self.axis(deviation.len())?;
            deviation[axis..].fill(Dim::from(1));
        }
        cx.set_tensor(0, cx.dtype(1)?, dims);
        cx.set_tensor(1, self.stash, deviation);
        Ok(())
    }
}

impl SimplifiedLayerNormalization {
    /// The first axis that is normalized.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        normalize_axis(self.axis, rank)
    }
}
