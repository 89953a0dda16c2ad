//! Products of bytes on edgewise-simd's kernels: what the quantized products share when they run fast.
//!
//! A right factor that is a constant is packed when the kernel is made, any other one when it runs. What the
//! kernels do not know (a zero point for each row, a transposed left factor) the plain operator does.

use super::bytes::{Bytes, PerLine, zero_points};
use super::matmul::Product;
use super::{Io, Lowering, RunContext};
use crate::ops::matmul::Flip;
use crate::{Result, View};
use edgewise_simd::gemm_i8::{Epilogue, Job, PANEL, PackedI8, gemm_i8};
use edgewise_simd::{Isa, Lhs, MatrixMut, Source};

/// Multiply-adds that make a thread worth waking, and after which a run that should stop does.
const LEAST: usize = 1 << 16;
const MOST: usize = 1 << 26;

/// The right factor of a node.
pub struct RightFactor {
    /// Which inputs it and its zero point are.
    b: usize,
    zero: usize,
    packed: Option<PackedI8>,
}

impl RightFactor {
    /// Packs it if it is a constant matrix of bytes, with a constant zero point or none.
    pub fn new(cx: &Lowering<'_>, b: usize, zero: usize, flip: Flip) -> Result<RightFactor> {
        let packed = match (cx.constant(b), cx.zero_points(zero)?) {
            (Some(matrix), Some(zeros)) => pack_constant(matrix, flip, &zeros)?,
            _ => None,
        };
        Ok(RightFactor { b, zero, packed })
    }

    /// Whether it is a constant and packed: then the model's own is not needed any more, as long as the left factor
    /// has one zero point and lies in rows.
    pub fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// The product that a node is about to compute, if the fast kernels know it.
    pub fn product<'a>(
        &'a self,
        io: &Io<'a>,
        product: &'a Product,
        (a, a_zero): (Bytes<'a>, &PerLine<i32>),
    ) -> Result<Option<FastProduct<'a>>> {
        let (Some(zero), true) = (a_zero.one(), product.has_left_rows()) else { return Ok(None) };
        let right = match &self.packed {
            Some(packed) => Right::Packed(packed),
            None => {
                let cols = product.right_lines();
                let zeros = zero_points(io, self.zero, cols.0, cols.1)?.into_values();
                if zeros.len() != 1 && zeros.len() != cols.0 {
                    return Ok(None);
                }
                Right::Bytes(Bytes::new(io.input(self.b)?)?, zeros)
            }
        };
        Ok(Some(FastProduct { product, a, zero, right }))
    }
}

fn pack_constant(b: View<'_>, flip: Flip, zeros: &[i32]) -> Result<Option<PackedI8>> {
    let (Ok(bytes), [batch @ .., rows, cols]) = (Bytes::new(b), b.shape()) else { return Ok(None) };
    let (depth, cols, steps) =
        if flip.matrix { (*cols, *rows, [1, *cols]) } else { (*rows, *cols, [*cols, 1]) };
    if flip.batch || batch.iter().any(|&n| n != 1) || !(zeros.len() == 1 || zeros.len() == cols) {
        return Ok(None);
    }
    pack(bytes, steps, [depth, cols], zeros).map(Some)
}

fn pack(
    b: Bytes<'_>,
    [depth_step, col_step]: [usize; 2],
    [depth, cols]: [usize; 2],
    zeros: &[i32],
) -> Result<PackedI8> {
    let source = Source { data: b.data, tap_step: 0, depth_step, col_step };
    PackedI8::new(source, b.signed, [1, depth, cols], zeros)
        .map_err(|_| err!(OutOfMemory, "no memory to pack weights of {depth}x{cols}"))
}

enum Right<'a> {
    Packed(&'a PackedI8),
    Bytes(Bytes<'a>, Vec<i32>),
}

/// Products that are about to be computed.
pub struct FastProduct<'a> {
    product: &'a Product,
    a: Bytes<'a>,
    zero: i32,
    right: Right<'a>,
}

impl FastProduct<'_> {
    /// Computes them.
    pub fn run<E: Epilogue>(
        &self,
        cx: &RunContext<'_>,
        bias: Option<&[i32]>,
        epilogue: &E,
        y: &mut [E::Out],
    ) -> Result<()>
    where
        E::Out: Send,
    {
        let sizes = self.product.sizes;
        if y.is_empty() {
            return Ok(());
        }
        if sizes.batch == 1 {
            return self.with_right(0, |rhs| {
                spread(cx, &self.job(0, rhs, bias), epilogue, MatrixMut::dense(y, sizes.cols))
            });
        }
        cx.pool.chunks(y, sizes.rows * sizes.cols, |i, y| {
            self.with_right(i, |rhs| {
                let job = self.job(i, rhs, bias);
                blocks(cx, &job, epilogue, MatrixMut::dense(y, sizes.cols))
            })
        })
    }

    fn with_right(&self, i: usize, then: impl FnOnce(&PackedI8) -> Result<()>) -> Result<()> {
        let sizes = self.product.sizes;
        match &self.right {
            Right::Packed(packed) => then(packed),
            Right::Bytes(b, zeros) => {
                let matrix = self.product.right(b.data, i, ());
                let b = Bytes { data: matrix.data, signed: b.signed };
                then(&pack(b, [matrix.row_step, matrix.col_step], [sizes.depth, sizes.cols], zeros)?)
            }
        }
    }

    fn job<'a>(&'a self, i: usize, rhs: &'a PackedI8, bias: Option<&'a [i32]>) -> Job<'a> {
        let left = self.product.left(self.a.data, i, ());
        let lhs = Lhs::Rows { data: left.data, stride: left.row_step };
        Job { lhs, signed: self.a.signed, zero: self.zero, rhs, bias }
    }
}

/// Computes a product on all threads, by rows where there are enough of them, else by columns.
pub fn spread<E: Epilogue>(
    cx: &RunContext<'_>,
    job: &Job<'_>,
    epilogue: &E,
    out: MatrixMut<'_, E::Out>,
) -> Result<()>
where
    E::Out: Send,
{
    let (rows, cols) = (out.rows().len(), out.cols().len());
    let work = rows.saturating_mul(cols).saturating_mul(job.rhs.taps() * job.rhs.width());
    let threads = cx.pool.threads().min(work / LEAST);
    if threads <= 1 {
        return blocks(cx, job, epilogue, out);
    }
    // Whole tiles of the kernels, and some more pieces than threads for those that are late.
    let (row_step, col_step) = if rows >= 12 * threads {
        (rows.div_ceil(4 * threads).next_multiple_of(12), cols)
    } else {
        (rows, cols.div_ceil(2 * threads).next_multiple_of(4 * PANEL))
    };
    let mut tiles = out.tiles(row_step, col_step);
    cx.pool.chunks(&mut tiles, 1, |_, tile| match tile {
        [tile] => blocks(cx, job, epilogue, tile.reborrow()),
        _ => Ok(()),
    })
}

/// Computes a product on this thread, looking now and then whether to stop.
pub fn blocks<E: Epilogue>(
    cx: &RunContext<'_>,
    job: &Job<'_>,
    epilogue: &E,
    mut out: MatrixMut<'_, E::Out>,
) -> Result<()> {
    let (rows, cols) = (out.rows(), out.cols());
    let row = cols.len().saturating_mul(job.rhs.taps() * job.rhs.width()).max(1);
    let step = (MOST / row / 12).max(1) * 12;
    for first in rows.clone().step_by(step) {
        cx.check()?;
        let rows = first..(first + step).min(rows.end);
        gemm_i8(Isa::current(), job, epilogue, out.reborrow().block(rows, cols.clone()));
    }
    Ok(())
}

/// A parameter by column as the kernels want it: for every column of whole panels.
pub fn by_column<T: Copy + Default>(cols: usize, at: impl Fn(usize) -> T) -> Vec<T> {
    (0..cols.next_multiple_of(PANEL)).map(|col| if col < cols { at(col) } else { T::default() }).collect()
}
