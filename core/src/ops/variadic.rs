//! Max, Min, Mean and Sum of any number of tensors.
//!
//! They broadcast from opset 8 on; before, all shapes were equal. Max and Min take integers from 12 on.

use super::symbolic::propagate;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

names! {
    /// What becomes of the elements.
    Variadic { Max Min Mean Sum }
}

impl Operator for Variadic {
    fn parse(a: &mut Attrs) -> Result<Variadic> {
        a.arity(1.., 1..=1)?;
        a.ignore(&["consumed_inputs"]);
        Variadic::named(a.op())
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        for i in 1..cx.input_count() {
            let other = cx.dtype(i)?;
            ensure!(other == dtype, InvalidModel, "all inputs must have one type, got {dtype} and {other}");
        }
        let dims = cx.broadcast(0..cx.input_count())?;
        cx.set_tensor(0, dtype, dims);
        match (self, cx.input_count()) {
            (Variadic::Max, 2) => propagate(cx, [0, 1], dtype, |[a, b]| Some(a.larger(b))),
            (Variadic::Min, 2) => propagate(cx, [0, 1], dtype, |[a, b]| Some(a.smaller(b))),
            _ => Ok(()),
        }
    }
}
