//! com.microsoft DynamicQuantizeLSTM: an LSTM with 8-bit weights, whose X and hidden states are quantized
//! as they come, each with one scale.
//!
//! Inputs 8 to 11 are the scales and zero points of W and R, per direction or per column. Unlike an
//! LSTM's, the weights have their gates last.

use super::rnn::Rnn;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// com.microsoft DynamicQuantizeLSTM.
#[derive(Clone, Debug)]
pub struct DynamicQuantizeLstm {
    /// All that it shares with an LSTM.
    pub lstm: Rnn,
}

impl Operator for DynamicQuantizeLstm {
    fn parse(a: &mut Attrs) -> Result<DynamicQuantizeLstm> {
        Ok(DynamicQuantizeLstm { lstm: Rnn::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let directions = self.lstm.reverse.len() as i64;
        for i in 8..12 {
            let Some(dims) = cx.dims(i) else { continue };
            let first = dims.first().and_then(Dim::known);
            ensure!(
                matches!(dims.len(), 1 | 2) && first.is_none_or(|first| first == directions),
                InvalidModel,
                "input {i} must have shape [{directions}] or [{directions}, columns], got {dims:?}"
            );
        }
        self.lstm.infer(cx)
    }
}
