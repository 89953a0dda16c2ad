//! LRN, local response normalization: each element is divided by a power of the squares around it, along
//! the channels. The same from opset 1 to 28; bf16 from 13 on.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// LRN.
#[derive(Clone, Debug)]
pub struct Lrn {
    /// Weight of the mean square.
    pub alpha: f32,
    /// The power.
    pub beta: f32,
    /// Added to the weighted mean square.
    pub bias: f32,
    /// How many channels to sum over.
    pub size: usize,
}

impl Operator for Lrn {
    fn parse(a: &mut Attrs) -> Result<Lrn> {
        a.arity(1..=1, 1..=1)?;
        let size = a.int("size")?;
        let size = a.required("size", size)?;
        ensure!(size > 0, InvalidModel, "size must be positive, got {size}");
        Ok(Lrn {
            alpha: a.float_or("alpha", 1e-4)?,
            beta: a.float_or("beta", 0.75)?,
            bias: a.float_or("bias", 1.0)?,
            size: usize::try_from(size).unwrap_or(usize::MAX),
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(x) = cx.dims(0) {
            ensure!(x.len() >= 2, InvalidModel, "expected a batch and a channel axis, got shape {x:?}");
        }
        cx.like_input()
    }
}
