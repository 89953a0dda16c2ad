//! PackedSwiGLU, an operator of our own: SwiGLU of two tensors that lie side by side in one.
//!
//! A row holds `a`, then `b`, of equal lengths; the result is swish(a) · b. Models call it `edgewise.PackedSwiGLU`,
//! with SwiGLU's attribute `alpha`. Rewrites make it where one product makes both.

use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{Dim, Result};

/// SwiGLU of the halves of each row.
#[derive(Clone, Debug)]
pub struct PackedSwiGLU {
    /// Scales what goes into the sigmoid.
    pub alpha: f32,
}

impl Operator for PackedSwiGLU {
    fn parse(a: &mut Attrs) -> Result<PackedSwiGLU> {
        a.arity(1..=1, 1..=1)?;
        Ok(PackedSwiGLU { alpha: a.float_or("alpha", 1.0)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        ensure!(dtype.is_float(), InvalidModel, "PackedSwiGLU takes floats, got {dtype}");
        let mut dims = cx.dims(0).cloned();
        if let Some(dims) = &mut dims {
            let Some(last) = dims.last_mut() else { bail!(InvalidModel, "input 0 must not be a scalar") };
            ensure!(
                last.known().is_none_or(|last| last % 2 == 0),
                InvalidModel,
                "rows of {last} elements have no halves"
            );
            *last = last.div_floor(&Dim::from(2));
        }
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}
