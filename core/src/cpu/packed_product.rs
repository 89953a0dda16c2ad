//! Products of f32 by a right factor that was packed once.

use super::RunContext;
use super::panels::Panels;
use super::pool::even;
use crate::ops::fused_activation::FusedActivation;
use crate::{Result, View, ViewMut};
use edgewise_simd::elementwise::Unary;
use edgewise_simd::gemm_f32::{Finish, PANEL};
use edgewise_simd::{Lhs, MatrixMut};

/// Whether packing such a matrix does not blow it up: panels are filled up to 16 columns.
pub fn worth_packing((depth, cols): (usize, usize)) -> bool {
    cols >= PANEL / 2 || depth.saturating_mul(PANEL) <= 1 << 18
}

/// What there are instructions for.
pub fn vector_function(activation: FusedActivation) -> Option<Unary> {
    Some(match activation {
        FusedActivation::Clip { low, high } => Unary::Clip { low, high },
        FusedActivation::Gelu { tanh: false } => Unary::Gelu,
        FusedActivation::Gelu { tanh: true } => Unary::GeluTanh,
        FusedActivation::HardSigmoid { alpha, beta } => Unary::HardSigmoid { alpha, beta },
        FusedActivation::HardSwish => Unary::HardSwish,
        FusedActivation::LeakyRelu { alpha } => Unary::LeakyRelu { alpha },
        FusedActivation::Relu => Unary::Relu,
        FusedActivation::Sigmoid => Unary::Sigmoid,
        FusedActivation::Swish { alpha } => Unary::Swish { alpha },
        FusedActivation::Tanh => Unary::Tanh,
        _ => return None,
    })
}

/// The last step of a product.
#[derive(Clone, Copy)]
pub struct Last<'a> {
    /// What happens to the sums while they are in registers.
    pub finish: Finish<'a>,
    /// What the kernels have no instructions for, done afterwards.
    pub after: FusedActivation,
}

impl<'a> Last<'a> {
    /// A bias and an activation.
    pub fn new(bias: Option<&'a [f32]>, activation: FusedActivation) -> Last<'a> {
        let function = vector_function(activation);
        let after = if function.is_some() { FusedActivation::None } else { activation };
        Last { finish: Finish { bias, function, ..Finish::default() }, after }
    }

    /// Does what is to be done afterwards.
    pub fn finish_row(&self, row: &mut [f32]) {
        if self.after != FusedActivation::None {
            row.iter_mut().for_each(|x| *x = self.after.apply(*x));
        }
    }
}

/// Multiplications that a thread does at once: a few milliseconds on the slowest machines.
const PIECE: usize = 1 << 25;
/// A multiple of the tiles' height.
const HEIGHT: usize = 14;
/// Multiplications that are worth waking another thread for.
const SHARE: usize = 1 << 17;

/// `x · weights` into all of `y`: every row of `x` meets the same matrix, whatever the axes before.
pub fn multiply_rows(
    cx: &RunContext<'_>,
    x: View<'_>,
    weights: &Panels,
    last: &Last<'_>,
    y: ViewMut<'_>,
) -> Result<()> {
    let depth = weights.depth();
    ensure!(x.shape().last() == Some(&depth), InvalidInput, "{x:?} does not meet {depth} rows");
    let left = Lhs::Rows { data: x.slice()?, stride: depth };
    multiply_packed(cx, left, weights, last, MatrixMut::dense(y.into_slice()?, weights.cols()))
}

/// `left · right` into all of `out`, on all threads.
pub fn multiply_packed(
    cx: &RunContext<'_>,
    left: Lhs<'_, f32>,
    right: &Panels,
    last: &Last<'_>,
    out: MatrixMut<'_, f32>,
) -> Result<()> {
    let (rows, cols) = (out.rows().len(), out.cols().len());
    if rows == 0 || cols == 0 {
        return Ok(());
    }
    let (rows, cols) = tile((rows, right.depth(), cols), cx.pool.threads());
    cx.pool.chunks(&mut out.tiles(rows, cols), 1, |_, tiles| {
        for tile in tiles {
            cx.check()?;
            right.multiply(left, &last.finish, tile.reborrow());
            (0..tile.rows().len()).for_each(|row| last.finish_row(tile.row(row)));
        }
        Ok(())
    })
}

/// Rows and columns of the pieces that threads take.
fn tile((rows, depth, cols): (usize, usize, usize), threads: usize) -> (usize, usize) {
    let work = |rows: usize, cols: usize| rows.saturating_mul(cols).saturating_mul(depth.max(1));
    let wanted = if threads == 1 { 1 } else { (work(rows, cols) / SHARE).clamp(1, 4 * threads) };
    let pieces = wanted.max(work(rows, cols).div_ceil(PIECE));
    // Large pieces may not become larger.
    let threads = if pieces > wanted { 1 } else { threads };
    if rows >= 8 * pieces || cols <= 2 * PANEL {
        return (HEIGHT * even(rows.div_ceil(HEIGHT), pieces, threads), cols);
    }
    // Single panels are slow.
    let panels = cols.div_ceil(PANEL);
    (rows, even(panels, pieces.min(panels / 2), threads) * PANEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_tiles_and_bounded() {
        assert_eq!(tile((10, 8, 20), 4), (14, 20));
        assert_eq!(tile((512, 512, 512), 1), (140, 512));
        assert_eq!(tile((1, 4096, 4096), 1), (1, 4096));
        assert_eq!(tile((1, 4096, 4096), 2), (1, 512));
        assert_eq!(tile((196, 64, 384), 2), (98, 384));
        assert_eq!(tile((49, 960, 160), 2), (49, 80));
        assert_eq!(tile((usize::MAX, 1 << 40, 16), 3).0 % 14, 0);
    }
}
