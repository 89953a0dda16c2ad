//! Kernels, transformed once.

use super::lines::weights;
use crate::gemm_f32::{PANEL, PackedF32};
use crate::{Isa, Simd, Task, dispatch_plain};
use std::collections::TryReserveError;

/// Sizes of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// 4 × 4 cells for 2 × 2 pixels.
    Four,
    /// 6 × 6 cells for 4 × 4 pixels.
    Six,
}

impl Tiles {
    /// Cells along a side.
    pub fn cells(self) -> usize {
        match self {
            Tiles::Four => 4,
            Tiles::Six => 6,
        }
    }
}

/// The weights of a convolution: a matrix for each cell of a tile.
#[derive(Clone, Debug)]
pub struct Winograd {
    tiles: Tiles,
    matrices: Vec<PackedF32>,
}

impl Winograd {
    /// Of weights that lie as output channels × input channels × 3 × 3.
    ///
    /// # Panics
    /// If there are others than so many.
    pub fn new(
        isa: Isa,
        data: &[f32],
        [outs, ins]: [usize; 2],
        tiles: Tiles,
    ) -> Result<Winograd, TryReserveError> {
        assert_eq!(Some(data.len()), outs.checked_mul(ins).and_then(|n| n.checked_mul(9)));
        let mut matrices = vec![PackedF32::default(); tiles.cells() * tiles.cells()];
        let mut lines = Vec::with_capacity(matrices.len());
        for matrix in &mut matrices {
            lines.push(matrix.blank(ins, outs)?);
        }
        match tiles {
            Tiles::Four => dispatch_plain(isa, Transform::<4> { data, outs, ins, lines }),
            Tiles::Six => dispatch_plain(isa, Transform::<6> { data, outs, ins, lines }),
        }
        Ok(Winograd { tiles, matrices })
    }

    /// The size of tiles.
    pub fn tiles(&self) -> Tiles {
        self.tiles
    }

    /// Input channels.
    pub fn ins(&self) -> usize {
        self.matrices[0].depth()
    }

    /// Output channels.
    pub fn outs(&self) -> usize {
        self.matrices[0].cols()
    }

    pub(super) fn matrices(&self) -> &[PackedF32] {
        &self.matrices
    }
}

struct Transform<'a, const N: usize> {
    data: &'a [f32],
    outs: usize,
    ins: usize,
    lines: Vec<&'a mut [[f32; PANEL]]>,
}

impl<const N: usize> Task for Transform<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let size = 9 * self.ins;
        for (panel, first) in (0..self.outs).step_by(PANEL).enumerate() {
            let outs = PANEL.min(self.outs - first);
            let mut kernels = [[0.0; PANEL]; 9];
            for input in 0..self.ins {
                for out in 0..outs {
                    let kernel = &self.data[(first + out) * size + 9 * input..][..9];
                    kernels.iter_mut().zip(kernel).for_each(|(to, &x)| to[out] = x);
                }
                let line = panel * self.ins + input;
                for lane in (0..PANEL).step_by(S::LANES) {
                    transform::<S, N>(s, &kernels, lane, line, &mut self.lines);
                }
            }
        }
    }
}

/// A vector's worth of kernels.
#[inline(always)]
fn transform<S: Simd, const N: usize>(
    s: S,
    kernels: &[[f32; PANEL]; 9],
    lane: usize,
    line: usize,
    to: &mut [&mut [[f32; PANEL]]],
) {
    let mut half = [[s.splat(0.0); 3]; N];
    for j in 0..3 {
        let column =
            [s.load(&kernels[j][lane..]), s.load(&kernels[3 + j][lane..]), s.load(&kernels[6 + j][lane..])];
        for (half, x) in half.iter_mut().zip(weights::<S, N>(s, column)) {
            half[j] = x;
        }
    }
    for (i, half) in half.into_iter().enumerate() {
        for (j, x) in weights::<S, N>(s, half).into_iter().enumerate() {
            s.store(x, &mut to[i * N + j][line][lane..]);
        }
    }
}
