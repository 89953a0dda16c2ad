//! Gemm, and FusedGemm of com.microsoft, which adds an activation: alpha · A · B + beta · C of matrices.
//!
//! C broadcasts to the result; before opset 7 it did so where `broadcast` said it, and since 11 it may be
//! left out. Integers of 32 and 64 bits since 9, bf16 since 13.

use super::fused_activation::FusedActivation;
use super::matmul::{Flip, product_dims};
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};

/// Gemm or FusedGemm.
#[derive(Clone, Debug)]
pub struct Gemm {
    /// How A lies.
    pub left: Flip,
    /// How B lies.
    pub right: Flip,
    /// What the product is multiplied with.
    pub alpha: f32,
    /// What C is multiplied with.
    pub beta: f32,
    /// What the sum goes through.
    pub activation: FusedActivation,
}

impl Operator for Gemm {
    fn parse(a: &mut Attrs) -> Result<Gemm> {
        a.arity(2..=3, 1..=1)?;
        let fused = a.op() == "FusedGemm";
        if !fused && a.version() < 7 {
            // A C of the full shape broadcasts to it too.
            a.ignore(&["broadcast"]);
        }
        Ok(Gemm {
            left: Flip { matrix: a.flag("transA", false)?, batch: false },
            right: Flip { matrix: a.flag("transB", false)?, batch: false },
            alpha: a.float_or("alpha", 1.0)?,
            beta: a.float_or("beta", 1.0)?,
            activation: if fused { FusedActivation::of_gemm(a)? } else { FusedActivation::None },
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let dims = matrix_product(cx, (0, self.left), (1, self.right))?;
        if let (Some(c), Some(dims)) = (cx.dims(2), &dims) {
            check_addend(c, dims)?;
        }
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}

/// The dims of the product of two inputs that must be matrices; `None` where a rank is unknown.
pub fn matrix_product(cx: &mut Infer<'_>, left: (usize, Flip), right: (usize, Flip)) -> Result<Option<Dims>> {
    for dims in [left.0, right.0].into_iter().filter_map(|i| cx.dims(i)) {
        ensure!(dims.len() == 2, InvalidModel, "expected a matrix, got {dims:?}");
    }
    product_dims(cx, left, right)
}

/// Refuses an addend that does not broadcast to the product.
pub fn check_addend(c: &[Dim], product: &[Dim]) -> Result<()> {
    let fits = |(c, p): (&Dim, &Dim)| match (c.known(), p.known()) {
        (Some(c), Some(p)) => c == p || c == 1,
        _ => true,
    };
    ensure!(
        c.len() <= product.len() && c.iter().rev().zip(product.iter().rev()).all(fits),
        InvalidModel,
        "C of {c:?} does not broadcast to the product of {product:?}"
    );
    Ok(())
}
