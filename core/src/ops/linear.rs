//! Linear: what rewrites make of a product with a matrix of weights and what follows it.
//!
//! `activation(x · w + bias + sum)`: x is […, depth], w a matrix, bias a row and sum a tensor of the output's
//! shape, both of which may be left out. Models call it `edgewise.Linear`, with FusedGemm's attributes of an
//! activation and `transB`. With `narrow`, the weights are f16 or bf16 where everything else is f32.

use super::fused_activation::FusedActivation;
use super::matmul::{Flip, product_dims};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// A product with weights, and what follows it.
#[derive(Clone, Debug)]
pub struct Linear {
    /// Whether the weights lie column by column.
    pub transposed: bool,
    /// What the sums go through.
    pub activation: FusedActivation,
    /// Whether the weights are floats of 16 bits, and everything else f32.
    pub narrow: bool,
}

impl Operator for Linear {
    fn parse(a: &mut Attrs) -> Result<Linear> {
        a.arity(2..=4, 1..=1)?;
        let (transposed, narrow) = (a.flag("transB", false)?, a.flag("narrow", false)?);
        Ok(Linear { transposed, activation: FusedActivation::of_gemm(a)?, narrow })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.same_type([0, 2, 3])?;
        ensure!(dtype.is_float(), InvalidModel, "Linear takes floats, got {dtype}");
        let weights = cx.dtype(1)?;
        let fits = match self.narrow {
            true => dtype == DType::F32 && matches!(weights, DType::F16 | DType::BF16),
            false => weights == dtype,
        };
        ensure!(fits, InvalidModel, "weights of {weights} for rows of {dtype}");
        let w = cx.dims(1).map_or(2, |w| w.len());
        ensure!(w == 2, InvalidModel, "the weights must be a matrix, got {w} axes");
        let dims = product_dims(cx, (0, Flip::default()), (1, self.weights()))?;
        if let (Some(dims), Some(bias)) = (&dims, cx.dims(2)) {
            let cols = dims.last().and_then(|d| d.known());
            let fits = |d: &crate::Dim| cols.is_none() || d.known().is_none_or(|n| Some(n) == cols);
            ensure!(
                matches!(&bias[..], [d] if fits(d)),
                InvalidModel,
                "a bias of {bias:?} for outputs of {dims:?}"
            );
        }
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}

impl Linear {
    /// How the weights lie.
    pub fn weights(&self) -> Flip {
        Flip { matrix: self.transposed, batch: false }
    }
}
