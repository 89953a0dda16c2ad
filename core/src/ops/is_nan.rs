//! IsNaN and IsInf: which elements are no ordinary numbers.
//!
//! Floats of every width, the 8-bit ones from opset 20 on. IsInf can be told to see one sign only.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// IsNaN or IsInf.
#[derive(Clone, Debug)]
pub enum IsNaN {
    /// NaN.
    NaN,
    /// An infinity of a sign that is asked for.
    Inf {
        /// Whether negative infinity counts.
        negative: bool,
        /// Whether positive infinity counts.
        positive: bool,
    },
}

impl Operator for IsNaN {
    fn parse(a: &mut Attrs) -> Result<IsNaN> {
        a.arity(1..=1, 1..=1)?;
        Ok(match a.op() {
            "IsNaN" => IsNaN::NaN,
            _ => IsNaN::Inf {
                negative: a.flag("detect_negative", true)?,
                positive: a.flag("detect_positive", true)?,
            },
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.set_tensor(0, DType::Bool, cx.dims(0).cloned());
        Ok(())
    }
}
