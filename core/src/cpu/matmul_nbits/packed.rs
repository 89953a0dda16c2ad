//! MatMulNBits on weights that were packed at load.

use super::{Weights, Zeros, bias};
use crate::cpu::wide::zeros;
use crate::cpu::{Io, Kernel, Lowering, RunContext};
use crate::ops::matmul_nbits::MatMulNBits;
use crate::{DType, Float, Result, View};
use edgewise_simd::nbits::{self, Format, quantize};
use edgewise_simd::{Isa, MatrixMut};

/// The kernel for constant weights whose blocks are in order.
pub(super) fn lower(op: &MatMulNBits, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
    let (Some(codes), Some(scales)) = (cx.constant(1), cx.constant(2)) else { return Ok(None) };
    let has_groups = cx.constant(4).is_some();
    if has_groups || [3, 4, 5].into_iter().any(|i| cx.varies(i)) {
        return Ok(None);
    }
    let stored = Weights::of(op, codes, scales, cx.constant(3), None)?;
    let eight_bits = stored.takes_integers();
    let format = Format { n: op.n, k: op.k, bits: op.bits, block: op.block };
    let zeros = match &stored.zeros {
        Zeros::Middle => nbits::Zeros::Middle,
        Zeros::Codes(zeros) => nbits::Zeros::Codes(zeros),
        Zeros::Floats(zeros) => nbits::Zeros::Floats(zeros),
    };
    let weights = nbits::Weights::pack(format, stored.codes, &stored.scales, zeros)
        .map_err(|_| err!(OutOfMemory, "no memory for {}x{} packed weights", op.n, op.k))?;
    Ok(Some(Box::new(Packed { op: op.clone(), weights, bias: bias(op, cx.constant(5))?, eight_bits })))
}

struct Packed {
    op: MatMulNBits,
    weights: nbits::Weights,
    bias: Option<Vec<f32>>,
    /// Whether A is rounded to 8 bits.
    eight_bits: bool,
}

impl Kernel for Packed {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.op.operations(inputs, outputs)
    }

    fn packed(&self) -> &[usize] {
        &[1, 2, 3, 5]
    }

    fn scratch_bytes(&self, inputs: &[&[usize]], _: &[&[usize]]) -> Result<usize> {
        let rows = inputs.first().and_then(|a| Some(&a[..a.len().checked_sub(1)?]));
        let rows: usize = rows.map_or(0, |rows| rows.iter().product());
        let row_bytes = if self.eight_bits { self.weights.format().row_bytes() } else { 0 };
        rows.checked_mul(row_bytes).ok_or_else(|| err!(LimitExceeded, "{rows} rows are too many"))
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, k) = (io.input(0)?, self.op.k);
        ensure!(a.shape().last() == Some(&k), InvalidModel, "A must have {k} columns, got {:?}", a.shape());
        let (scratch, cx) = (io.scratch(), io.context());
        let y = io.output(0)?;
        if (a.dtype(), y.dtype()) == (DType::F32, DType::F32) {
            return self.multiply(cx, a.slice()?, y.into_slice()?, scratch);
        }
        let mut wide = zeros(&[y.len()])?;
        self.multiply(cx, &floats(a)?, &mut wide, scratch)?;
        for_float!(y.dtype(), T => {
            y.into_slice::<T>()?.iter_mut().zip(&wide).for_each(|(y, &x)| *y = T::from_f32(x));
            Ok(())
        })
    }
}

fn floats(a: View<'_>) -> Result<Vec<f32>> {
    let mut wide = zeros(a.shape())?;
    for_float!(a.dtype(), T => {
        wide.iter_mut().zip(a.slice::<T>()?).for_each(|(x, a)| *x = a.to_f32());
        Ok(wide)
    })
}

/// Multiplications of a tile: little enough that a run can be stopped in time.
const TILE: usize = 1 << 29;
/// Multiplications that are too few to be worth handing to another thread.
const SMALL: usize = 1 << 16;
/// Columns that tiles are cut at: a few panels.
const COLUMNS: usize = 4 * nbits::PANEL;

impl Packed {
    fn multiply(&self, cx: &RunContext<'_>, a: &[f32], y: &mut [f32], scratch: &mut [u8]) -> Result<()> {
        let (isa, n, k) = (Isa::current(), self.op.n, self.op.k);
        let rows = a.len() / k;
        if rows == 0 {
            return Ok(());
        }
        let row_bytes = self.weights.format().row_bytes();
        if self.eight_bits {
            let some = (SMALL / k).max(1);
            cx.pool.chunks(scratch, some * row_bytes, |i, bytes| {
                let first = i * some * k;
                quantize(isa, &self.weights, &a[first..][..bytes.len() / row_bytes * k], bytes);
                Ok(())
            })?;
        }
        let (tile_rows, tile_cols) = tile(cx.pool.threads(), [rows, n, k]);
        let mut tiles = MatrixMut::dense(y, n).tiles(tile_rows, tile_cols);
        cx.pool.chunks(&mut tiles, 1, |_, tiles| {
            cx.check()?;
            for tile in tiles {
                if self.eight_bits {
                    self.weights.multiply_quantized(isa, scratch, tile.reborrow());
                } else {
                    let mut panel = zeros(&[self.weights.panel_floats()])?;
                    self.weights.multiply(isa, a, tile.reborrow(), &mut panel);
                }
                if let Some(bias) = &self.bias {
                    let bias = &bias[tile.cols()];
                    for row in 0..tile.rows().len() {
                        tile.row(row).iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
                    }
                }
            }
            Ok(())
        })
    }
}

/// Rows and columns of a tile: all rows together, so that weights are read once, unless that is too much work
/// or leaves threads without any.
fn tile(threads: usize, [rows, n, k]: [usize; 3]) -> (usize, usize) {
    let pieces = if threads == 1 || rows * n * k < 2 * SMALL { 1 } else { 4 * threads };
    let cols = n.div_ceil(pieces).next_multiple_of(COLUMNS);
    let split = pieces.div_ceil(n.div_ceil(cols));
    let tile_rows = rows.div_ceil(split).next_multiple_of(8).min(rows);
    let fitting = (TILE / k / tile_rows).max(COLUMNS) / COLUMNS * COLUMNS;
    let tile_cols = cols.min(fitting);
    (tile_rows.min((TILE / k / tile_cols).max(8)), tile_cols)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::{In, Out, Pool};
    use crate::graph::Fact;
    use crate::{Tensor, ViewMut};
    use std::sync::atomic::AtomicBool;

    /// What the plain kernel and the packed one make of the same inputs.
    fn both(op: &MatMulNBits, inputs: &[Option<Tensor>], threads: usize) -> [Vec<f32>; 2] {
        let facts: Vec<Option<Fact>> = inputs.iter().map(|t| t.clone().map(Fact::constant)).collect();
        let facts: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
        let present: Vec<bool> = inputs.iter().map(Option::is_some).collect();
        let packed =
            lower(op, &Lowering { inputs: &facts, present: &present, beside: None }).unwrap().unwrap();
        let a = inputs[0].as_ref().unwrap();
        let shape = [a.shape()[0], op.n];
        let (pool, cancel) = (Pool::new(threads), AtomicBool::new(false));
        let cx = RunContext::new(&pool, &cancel);
        let kernels: [&dyn Kernel; 2] = [op, &*packed];
        kernels.map(|kernel| {
            let mut scratch = vec![0; kernel.scratch_bytes(&[a.shape()], &[]).unwrap()];
            let mut y = vec![f32::NAN; shape[0] * shape[1]];
            let ins = inputs.iter().enumerate().map(|(i, t)| match t {
                Some(t) if !kernel.packed().contains(&i) => In::Tensor(t.view()),
                _ => In::Absent,
            });
            let out = Out::Planned(ViewMut::over(DType::F32, &shape, bytemuck::cast_slice_mut(&mut y)));
            kernel.run(&mut Io::new(ins.collect(), vec![out], &mut scratch, &cx)).unwrap();
            y
        })
    }

    fn numbers(n: usize, by: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * by % 1009) as f32 - 504.0) / 97.0).collect()
    }

    #[test]
    fn the_packed_kernel_does_what_the_plain_one_does() {
        for (i, &(rows, n, k, block)) in
            [(1, 1, 1, 16), (3, 70, 100, 32), (130, 17, 64, 16), (9, 200, 600, 128)].iter().enumerate()
        {
            for (bits, eight_bits, zeros) in
                [(4, true, 0), (2, true, 1), (8, true, 1), (4, false, 1), (8, false, 2)]
            {
                let op = MatMulNBits { n, k, bits, block, eight_bits };
                let blocks = k.div_ceil(block);
                let bytes = |n: usize| (0..n).map(|i| (i * 7919 % 251) as u8).collect::<Vec<_>>();
                let zero_bytes = (blocks * bits).div_ceil(8);
                let inputs = [
                    Some(Tensor::new(&[rows, k], &numbers(rows * k, 7919)).unwrap()),
                    Some(
                        Tensor::new(&[n * blocks * block * bits / 8], &bytes(n * blocks * block * bits / 8))
                            .unwrap(),
                    ),
                    Some(Tensor::new(&[n * blocks], &numbers(n * blocks, 31)).unwrap()),
                    match zeros {
                        0 => None,
                        1 => Some(Tensor::new(&[n * zero_bytes], &bytes(n * zero_bytes)).unwrap()),
                        _ => Some(Tensor::new(&[n * blocks], &numbers(n * blocks, 17)).unwrap()),
                    },
                    None,
                    (i % 2 == 0).then(|| Tensor::new(&[n], &numbers(n, 3)).unwrap()),
                ];
                for threads in [1, 3] {
                    let [plain, packed] = both(&op, &inputs, threads);
                    if eight_bits {
                        assert_eq!(plain, packed, "{op:?} on {threads}");
                    } else {
                        let near = |(x, y): (&f32, &f32)| (x - y).abs() <= 1e-5 * k as f32 * (1.0 + x.abs());
                        assert!(plain.iter().zip(&packed).all(near), "{op:?}: {plain:?} and {packed:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn tiles_are_neither_too_large_nor_too_few() {
        for threads in [1, 2, 8] {
            for sizes @ [rows, n, k] in [
                [1, 1, 1],
                [1, 576, 576],
                [128, 576, 1536],
                [128, 49152, 576],
                [4096, 192, 8192],
                [1 << 20, 64, 1 << 16],
            ] {
                let (tile_rows, tile_cols) = tile(threads, sizes);
                assert!(tile_cols % COLUMNS == 0 && tile_rows > 0, "{sizes:?}");
                assert!(tile_rows * tile_cols * k <= TILE.max(8 * COLUMNS * k), "{sizes:?}");
                let count = rows.div_ceil(tile_rows) * n.div_ceil(tile_cols);
                assert!(
                    rows * n * k < 1 << 20 || count >= threads || rows * n < 1 << 10,
                    "{sizes:?}: {count}"
                );
            }
        }
    }
}
