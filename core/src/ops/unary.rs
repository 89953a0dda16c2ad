//! Functions of one number: Abs, Acos … Tanh, and Not and BitwiseNot.
//!
//! Opset 1 had `consumed_inputs`. Abs, Sign and Neg take integers as well (from 6, 9 and 6 on), Erf did from
//! 9 to 12; Not takes booleans, BitwiseNot integers, all others floats.

use super::symbolic::propagate;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

names! {
    /// One function of one number.
    Unary {
        Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Floor Log Neg Reciprocal Round Sign Sin
        Sinh Sqrt Tan Tanh Not BitwiseNot
    }
}

impl Operator for Unary {
    fn parse(a: &mut Attrs) -> Result<Unary> {
        a.arity(1..=1, 1..=1)?;
        a.ignore(&["consumed_inputs"]);
        Unary::named(a.op())
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.like_input()?;
        match self {
            Unary::Neg => propagate(cx, [0], cx.dtype(0)?, |[x]| Some(-x.clone())),
            _ => Ok(()),
        }
    }
}
