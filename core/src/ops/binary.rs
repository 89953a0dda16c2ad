//! Arithmetic of two numbers: Add, Sub, Mul, Div, Mod, Pow, and the operators on bits.
//!
//! Broadcasting is that of `Align`. Integers wrap; their quotient truncates. Pow's exponent may have
//! another type than its base from opset 12 on; the result has the base's. BitShift takes signed integers
//! from 28 on.

use super::align::Align;
use super::symbolic::propagate;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// What is computed of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Function {
    Add,
    Sub,
    Mul,
    Div,
    Mod {
        /// The sign is that of the dividend, else that of the divisor.
        fmod: bool,
    },
    Pow,
    BitShift {
        left: bool,
    },
    BitwiseAnd,
    BitwiseOr,
    BitwiseXor,
}

/// Arithmetic of two tensors.
#[derive(Clone, Debug)]
pub struct Binary {
    /// What is computed.
    pub function: Function,
    /// How the second input lies against the first.
    pub align: Align,
}

impl Operator for Binary {
    fn parse(a: &mut Attrs) -> Result<Binary> {
        a.arity(2..=2, 1..=1)?;
        let function = match a.op() {
            "Add" => Function::Add,
            "Sub" => Function::Sub,
            "Mul" => Function::Mul,
            "Div" => Function::Div,
            "Mod" => Function::Mod { fmod: a.flag("fmod", false)? },
            "Pow" => Function::Pow,
            "BitShift" => match a.str("direction")?.as_deref() {
                Some("LEFT") => Function::BitShift { left: true },
                Some("RIGHT") => Function::BitShift { left: false },
                other => bail!(InvalidModel, "attribute 'direction' must be LEFT or RIGHT, got {other:?}"),
            },
            "BitwiseAnd" => Function::BitwiseAnd,
            "BitwiseOr" => Function::BitwiseOr,
            "BitwiseXor" => Function::BitwiseXor,
            name => bail!(Internal, "'{name}' is in the table but not in its family"),
        };
        Ok(Binary { function, align: Align::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        ensure!(
            self.function == Function::Pow || dtype == cx.dtype(1)?,
            InvalidModel,
            "both inputs must have one type, got {dtype} and {}",
            cx.dtype(1)?
        );
        let dims = self.align.infer(cx)?;
        cx.set_tensor(0, dtype, dims);
        if self.align == Align::Numpy {
            propagate(cx, [0, 1], dtype, |[a, b]| self.symbolic(a, b))?;
        }
        Ok(())
    }
}

impl Binary {
    fn symbolic(&self, a: &Dim, b: &Dim) -> Option<Dim> {
        match self.function {
            Function::Add => Some(a.clone() + b.clone()),
            Function::Sub => Some(a.clone() - b.clone()),
            Function::Mul => Some(a.clone() * b.clone()),
            Function::Div | Function::Mod { .. } => {
                if b.known() == Some(0) {
                    return None;
                }
                // Truncation and floor part ways below zero.
                let quotient = match (a.known(), b.known()) {
                    (Some(a), Some(b)) => Dim::from(a.checked_div(b)?),
                    _ if a.is_never_negative() && b.is_never_negative() => a.div_floor(b),
                    _ => return None,
                };
                match self.function {
                    Function::Div => Some(quotient),
                    _ if a.is_never_negative() && b.is_never_negative() => {
                        Some(a.clone() - quotient * b.clone())
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
