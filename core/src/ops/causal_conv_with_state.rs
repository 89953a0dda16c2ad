//! CausalConvWithState (ai.onnx, opset 27): a depthwise convolution that sees only what came before, and
//! hands the end of its input on to the next step.
//!
//! Inputs: X [batch, channels, length], weights [channels, 1, k], bias `[channels]`, past [batch, channels,
//! k - 1]. Outputs: Y, of X's shape, and the last k - 1 positions of past and X. f32, f16 or bf16.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// CausalConvWithState.
#[derive(Clone, Debug)]
pub struct CausalConvWithState {
    /// x * sigmoid(x) of every result.
    pub silu: bool,
}

impl Operator for CausalConvWithState {
    fn parse(a: &mut Attrs) -> Result<CausalConvWithState> {
        a.arity(2..=4, 1..=2)?;
        let silu = a.choice("activation", &[("none", false), ("silu", true), ("swish", true)])?;
        Ok(CausalConvWithState { silu })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let mut state = cx.dims(3).cloned();
        if let (Some(x), Some(w)) = (cx.dims(0), cx.dims(1)) {
            let ([batch, channels, _], [_, _, k]) = (x.as_slice(), w.as_slice()) else {
                bail!(InvalidModel, "input and weight must have three axes, got {x:?} and {w:?}")
            };
            ensure!(k.known() != Some(0), InvalidModel, "the kernel is empty");
            state = Some(Dims::from_iter([batch.clone(), channels.clone(), k.clone() - Dim::from(1)]));
        }
        let dtype = cx.dtype(0)?;
        cx.like_input()?;
        cx.set_tensor(1, dtype, state);
        Ok(())
    }
}
