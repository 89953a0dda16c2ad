//! Transpose: axes in another order; without `perm` they are reversed. Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// Transpose.
#[derive(Clone, Debug)]
pub struct Transpose {
    perm: Option<Vec<i64>>,
}

impl Operator for Transpose {
    fn parse(a: &mut Attrs) -> Result<Transpose> {
        a.arity(1..=1, 1..=1)?;
        Ok(Transpose { perm: a.ints("perm")? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = match (cx.dims(0), &self.perm) {
            (Some(dims), _) => Some(self.order(dims.len())?.iter().map(|&i| dims[i].clone()).collect()),
            (None, Some(perm)) => Some(perm.iter().map(|_| cx.unknown_dim()).collect()),
            (None, None) => None,
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |_| true)
    }
}

impl Transpose {
    /// Which axis of the input becomes each axis of the output.
    pub fn order(&self, rank: usize) -> Result<Vec<usize>> {
        let Some(perm) = &self.perm else { return Ok((0..rank).rev().collect()) };
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        ensure!(
            sorted.iter().copied().eq(0..rank as i64),
            InvalidModel,
            "perm {perm:?} does not name each axis of a tensor of rank {rank} once"
        );
        Ok(perm.iter().map(|&i| i as usize).collect())
    }
}
