//! Reshape: the same elements under another shape.
//!
//! The shape is an attribute in opset 1 and an input from 5 on. A -1 is whatever is left; a 0 keeps the
//! input's size, unless `allowzero` (from 14 on) gives it its own meaning. Tensors of every type.

use super::carry::carry;
use super::ints::Ints;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// Reshape.
#[derive(Clone, Debug)]
pub struct Reshape {
    shape: Ints,
    allow_zero: bool,
}

impl Operator for Reshape {
    fn parse(a: &mut Attrs) -> Result<Reshape> {
        a.arity(1..=2, 1..=1)?;
        a.ignore(&["consumed_inputs"]);
        let shape = Ints::parse(a, "shape", 1, 5)?;
        let allow_zero = a.version() >= 14 && a.flag("allowzero", false)?;
        ensure!(!shape.is_absent(), InvalidModel, "the new shape is missing");
        Ok(Reshape { shape, allow_zero })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = match (self.shape.symbolic(cx), self.shape.len(cx)) {
            (Some(wanted), _) => Some(self.dims(cx, &wanted)?),
            (None, Some(rank)) => Some(cx.unknown_dims(rank)?),
            (None, None) => None,
        };
        cx.set_tensor(0, cx.dtype(0)?, dims);
        carry(self, cx, |i| i == 0)
    }
}

impl Reshape {
    fn dims(&self, cx: &mut Infer<'_>, wanted: &[Dim]) -> Result<Dims> {
        let have = cx.dims(0);
        let mut out = Dims::new();
        let mut rest = None;
        for (i, d) in wanted.iter().enumerate() {
            out.push(match d.known() {
                Some(-1) => {
                    ensure!(rest.is_none(), InvalidModel, "the new shape {wanted:?} has more than one -1");
                    rest = Some(i);
                    Dim::from(1)
                }
                Some(0) if !self.allow_zero => match have {
                    Some(have) => have.get(i).cloned().ok_or_else(|| {
                        err!(
                            InvalidModel,
                            "the new shape {wanted:?} keeps axis {i} of a tensor of rank {}",
                            have.len()
                        )
                    })?,
                    None => cx.unknown_dim(),
                },
                Some(n) if n < 0 => bail!(InvalidModel, "the new shape {wanted:?} has a negative size"),
                _ => d.clone(),
            });
        }
        let product = |dims: &Dims| dims.iter().fold(Dim::from(1), |n, d| n * d.clone());
        let (total, named) = (have.map(product), product(&out));
        if let Some(i) = rest {
            ensure!(
                !self.allow_zero || out.iter().all(|d| d.known() != Some(0)),
                InvalidModel,
                "the new shape {wanted:?} has both a 0 and a -1, so the -1 could be anything"
            );
            out[i] = match &total {
                Some(total) => total.div_floor(&named),
                None => cx.unknown_dim(),
            };
        }
        let (have_count, out_count) = (total.as_ref().and_then(Dim::known), product(&out).known());
        if let (Some(have_count), Some(out_count)) = (have_count, out_count) {
            ensure!(
                have_count == out_count,
                InvalidModel,
                "a tensor of shape {:?} with {have_count} elements cannot take the shape {wanted:?}",
                have.map(|dims| &dims[..]).unwrap_or_default()
            );
        }
        Ok(out)
    }
}
