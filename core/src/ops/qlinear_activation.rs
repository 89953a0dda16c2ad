//! com.microsoft's QLinearSigmoid and QLinearLeakyRelu: functions of an 8-bit tensor. Zero points may be
//! left out.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// A function of an 8-bit tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QLinearActivation {
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// x, or alpha · x below 0.
    LeakyRelu {
        /// The slope there.
        alpha: f32,
    },
}

impl Operator for QLinearActivation {
    fn parse(a: &mut Attrs) -> Result<QLinearActivation> {
        a.arity(4..=5, 1..=1)?;
        Ok(match a.op() {
            "QLinearSigmoid" => QLinearActivation::Sigmoid,
            _ => QLinearActivation::LeakyRelu { alpha: a.float_or("alpha", 0.01)? },
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.like_input()
    }
}
