//! Comparisons and logic of two tensors: Equal, Greater, Less …; And, Or, Xor.
//!
//! Broadcasting is that of `Align`. Equal takes booleans always and strings from opset 19 on.

use super::align::Align;
use super::symbolic::{equal, propagate};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Dim, Result};

names! {
    /// What is asked of two elements.
    Question { Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor }
}

/// A comparison of two tensors.
#[derive(Clone, Debug)]
pub struct Compare {
    /// What is asked.
    pub question: Question,
    /// How the second input lies against the first.
    pub align: Align,
}

impl Operator for Compare {
    fn parse(a: &mut Attrs) -> Result<Compare> {
        a.arity(2..=2, 1..=1)?;
        Ok(Compare { question: Question::named(a.op())?, align: Align::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (a, b) = (cx.dtype(0)?, cx.dtype(1)?);
        ensure!(a == b, InvalidModel, "both inputs must have one type, got {a} and {b}");
        let dims = self.align.infer(cx)?;
        cx.set_tensor(0, DType::Bool, dims);
        if self.question == Question::Equal && self.align == Align::Numpy {
            propagate(cx, [0, 1], DType::Bool, |[a, b]| Some(Dim::from(equal(a, b)? as i64)))?;
        }
        Ok(())
    }
}
