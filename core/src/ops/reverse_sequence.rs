//! ReverseSequence: the first entries of every sample in reverse order, as many as its length says.
//!
//! Batch and time are the first two axes, in either order. Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// ReverseSequence.
#[derive(Clone, Debug)]
pub struct ReverseSequence {
    /// Whether time is the first axis and batch the second.
    pub time_first: bool,
}

impl Operator for ReverseSequence {
    fn parse(a: &mut Attrs) -> Result<ReverseSequence> {
        a.arity(2..=2, 1..=1)?;
        let (batch, time) = (a.int_or("batch_axis", 1)?, a.int_or("time_axis", 0)?);
        let right = matches!((batch, time), (0, 1) | (1, 0));
        ensure!(right, InvalidModel, "batch_axis and time_axis must be 0 and 1, got {batch} and {time}");
        Ok(ReverseSequence { time_first: time == 0 })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            ensure!(dims.len() >= 2, InvalidModel, "expected at least two axes, got {dims:?}");
            let batch = &dims[self.time_first as usize];
            if let Some(lens) = cx.dims(1) {
                let fits =
                    lens.len() == 1 && lens[0].known().zip(batch.known()).is_none_or(|(n, batch)| n == batch);
                ensure!(
                    fits,
                    InvalidModel,
                    "the lengths, of shape {lens:?}, must be one per sample of {dims:?}"
                );
            }
        }
        cx.like_input()?;
        carry(self, cx, |i| i == 0)
    }
}
