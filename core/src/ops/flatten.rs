//! Flatten: a matrix whose rows are the axes before `axis`, its columns those from `axis` on.
//!
//! `axis` may be negative from opset 11 on, and may equal the rank. Tensors of every type.

use super::carry::carry;
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// Flatten.
#[derive(Clone, Debug)]
pub struct Flatten {
    axis: i64,
}

impl Operator for Flatten {
    fn parse(a: &mut Attrs) -> Result<Flatten> {
        a.arity(1..=1, 1..=1)?;
        Ok(Flatten { axis: a.int_or("axis", 1)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = match cx.dims(0) {
            Some(dims) => {
                let rank = dims.len() as i64;
                ensure!(
                    (-rank..=rank).contains(&self.axis),
                    InvalidModel,
                    "axis {} is outside -{rank}..={rank} for a tensor of rank {rank}",
                    self.axis
                );
                let axis = if self.axis < 0 { self.axis + rank } else { self.axis } as usize;
                let product = |dims: &[Dim]| dims.iter().fold(Dim::from(1), |n, d| n * d.clone());
                [product(&dims[..axis]), product(&dims[axis..])]
            }
            None => [cx.unknown_dim(), cx.unknown_dim()],
        };
        cx.set_tensor(0, cx.dtype(0)?, Some(dims.into_iter().collect()));
        carry(self, cx, |_| true)
    }
}
