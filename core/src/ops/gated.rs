//! Activations of two inputs: PRelu, SwiGLU, and com.microsoft's BiasGelu and FastGelu.
//!
//! PRelu's slope broadcasts to its input; before opset 7 it had one element, or one per channel (axis 1). It
//! takes integers of 32 and 64 bits from 9 on. SwiGLU's inputs have one shape. The biases broadcast.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result, Shape};

/// One activation of two inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gated {
    /// x, or slope · x below 0.
    PRelu {
        /// Opset 6 and earlier: one slope per channel.
        by_channel: bool,
    },
    /// swish(a) · b
    SwiGLU {
        /// Scales what goes into the sigmoid.
        alpha: f32,
    },
    /// gelu(a + b)
    BiasGelu,
    /// The approximation of gelu(a + b); b may be left out.
    FastGelu,
}

impl Operator for Gated {
    fn parse(a: &mut Attrs) -> Result<Gated> {
        let op = match a.op() {
            "PRelu" => {
                a.ignore(&["consumed_inputs"]);
                Gated::PRelu { by_channel: a.version() < 7 }
            }
            "SwiGLU" => Gated::SwiGLU { alpha: a.float_or("alpha", 1.0)? },
            "BiasGelu" => Gated::BiasGelu,
            _ => Gated::FastGelu,
        };
        a.arity(if op == Gated::FastGelu { 1..=2 } else { 2..=2 }, 1..=1)?;
        Ok(op)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.like_input()?;
        let (Some(a), Some(b)) = (cx.dims(0), cx.dims(1)) else { return Ok(()) };
        if let (Gated::PRelu { by_channel: true }, Some(a), Some(b)) =
            (self, cx.input(0)?.shape(), cx.input(1)?.shape())
        {
            return self.second_shape(&a, &b).map(drop);
        }
        let same = |(a, b): (&Dim, &Dim)| a.known().is_none() || b.known().is_none() || a == b;
        let wrong = match self {
            Gated::SwiGLU { .. } => a.len() != b.len() || !a.iter().zip(b).all(same),
            _ => {
                let one = Dim::from(1);
                b.len() > a.len()
                    || !a.iter().rev().zip(b.iter().rev()).all(|(a, b)| *b == one || same((a, b)))
            }
        };
        ensure!(!wrong, InvalidModel, "the second input's shape {b:?} does not fit the first one's, {a:?}");
        Ok(())
    }
}

impl Gated {
    /// The shape, of input 1, that broadcasts to input 0's as numpy does.
    pub fn second_shape(&self, a: &[usize], b: &[usize]) -> Result<Shape> {
        let mut shape = Shape::from_slice(b);
        if *self == (Gated::PRelu { by_channel: true }) && b.len() == 1 && b[0] != 1 {
            ensure!(
                a.get(1) == Some(&b[0]),
                InvalidModel,
                "PRelu has {} slopes for an input of shape {a:?}",
                b[0]
            );
            shape.resize(a.len() - 1, 1);
        }
        Ok(shape)
    }
}
