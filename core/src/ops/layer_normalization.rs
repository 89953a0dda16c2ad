//! LayerNormalization and RMSNormalization: everything from an axis on to unit variance (and zero mean,
//! or without subtracting it), then scaled (and shifted).
//!
//! LayerNormalization is there from opset 17, RMSNormalization from 23; its scale may have another float
//! type, which then is the output's. `stash_type` is the type of the statistics that LayerNormalization
//! gives out; they are kept in f64.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer, normalize_axis};
use crate::{DType, Dim, Result};

/// LayerNormalization or RMSNormalization.
#[derive(Clone, Debug)]
pub struct LayerNormalization {
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether the mean is subtracted.
    pub centered: bool,
    axis: i64,
    stash: DType,
}

impl Operator for LayerNormalization {
    fn parse(a: &mut Attrs) -> Result<LayerNormalization> {
        let centered = a.op() == "LayerNormalization";
        a.arity(if centered { 2..=3 } else { 2..=2 }, if centered { 1..=3 } else { 1..=1 })?;
        let stash = a.dtype("stash_type")?.unwrap_or(DType::F32);
        ensure!(
            matches!(stash, DType::F32 | DType::F64 | DType::F16 | DType::BF16),
            InvalidModel,
            "stash_type must be a float type, got {stash}"
        );
        Ok(LayerNormalization {
            epsilon: a.float_or("epsilon", 1e-5)?,
            centered,
            axis: a.int_or("axis", -1)?,
            stash,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = cx.dims(0).cloned();
        let mut reduced = None;
        if let Some(x) = &dims {
            let axis = self.axis(x.len())?;
            let kept = |(i, d): (usize, &Dim)| if i < axis { d.clone() } else { Dim::from(1) };
            reduced = Some(x.iter().enumerate().map(kept).collect::<Dims>());
            for i in 1..cx.input_count() {
                if let Some(scale) = cx.dims(i) {
                    check_broadcast(i, scale, x)?;
                }
            }
        }
        let dtype = if self.centered { cx.dtype(0)? } else { cx.dtype(1)? };
        cx.set_tensor(0, dtype, dims);
        for i in 1..cx.output_count() {
            cx.set_tensor(i, self.stash, reduced.clone());
        }
        Ok(())
    }
}

impl LayerNormalization {
    /// The first normalized axis of a tensor of that rank.
    pub fn axis(&self, rank: usize) -> Result<usize> {
        normalize_axis(self.axis, rank)
    }
}

fn check_broadcast(i: usize, scale: &Dims, x: &Dims) -> Result<()> {
    let fits = |(s, x): (&Dim, &Dim)| match (s.known(), x.known()) {
        (Some(s), Some(x)) => s == 1 || s == x,
        _ => true,
    };
    ensure!(
        scale.len() <= x.len() && scale.iter().rev().zip(x.iter().rev()).all(fits),
        InvalidModel,
        "input {i} of shape {scale:?} does not broadcast to {x:?}"
    );
    Ok(())
}
