//! DynamicQuantizeLSTM on the CPU: the products with 8-bit weights. The rest is in
//! [`recurrence`](super::recurrence).
//!
//! The scale of X is that of the whole sequence, the scale of a hidden state that of the whole batch.

use super::product::{self, Matrix};
use super::recurrence::Products;
use super::{Io, Kernel, RunContext};
use crate::ops::dynamic_quantize_lstm::DynamicQuantizeLstm;
use crate::quant::{Quantized, u8_params};
use crate::{Result, View, for_quantized};
use std::ops::Range;

impl Kernel for DynamicQuantizeLstm {
    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let sizes = self.lstm.checked_sizes(io)?;
        let columns = 4 * sizes.hidden;
        let count = (sizes.directions, columns);
        let (w, r) = (io.input(1)?, io.input(2)?);
        ensure!(w.dtype() == r.dtype(), InvalidModel, "W is {} and R is {}", w.dtype(), r.dtype());
        for_quantized!(w.dtype(), W => {
            let w = Weights::<W>::new(w, io.input(8)?, io.optional(9)?, sizes.input, count)?;
            let r = Weights::<W>::new(r, io.input(10)?, io.optional(11)?, sizes.hidden, count)?;
            self.lstm.run_layer::<f32>(io, sizes, &Both { w, r })
        })
    }
}

/// The weights of all directions: rows of the input or hidden size, columns of all gates.
struct Weights<'a, W> {
    data: &'a [W],
    depth: usize,
    columns: usize,
    /// Per direction and column.
    scales: Vec<f32>,
    zeros: Vec<i32>,
}

impl<'a, W: Quantized> Weights<'a, W> {
    fn new(
        data: View<'a>,
        scale: View<'_>,
        zero: Option<View<'_>>,
        depth: usize,
        (directions, columns): (usize, usize),
    ) -> Result<Weights<'a, W>> {
        let zeros: Vec<i32> = match zero {
            Some(zero) => zero.slice::<W>()?.iter().map(|z| z.wide()).collect(),
            None => vec![0; directions],
        };
        Ok(Weights {
            data: data.slice()?,
            depth,
            columns,
            scales: per_column(scale.slice::<f32>()?, directions, columns)?,
            zeros: per_column(&zeros, directions, columns)?,
        })
    }

    /// `out = a · W`, for some columns, `a` quantized with one scale.
    fn product(
        &self,
        cx: &RunContext<'_>,
        direction: usize,
        a: &[f32],
        columns: Range<usize>,
        out: &mut [f32],
    ) -> Result<()> {
        let (scale, zero) = u8_params(a);
        let a: Vec<u8> = a.iter().map(|&x| u8::quantize(x, scale, zero)).collect();
        let first = direction * self.columns + columns.start;
        let data = &self.data[(direction * self.depth * self.columns + columns.start).min(self.data.len())..];
        let (scales, zeros) = (&self.scales[first..], &self.zeros[first..]);
        let rows = out.len().checked_div(columns.len()).unwrap_or(0);
        product::multiply(
            cx,
            product::Sizes { batch: 1, rows, depth: self.depth, cols: columns.len() },
            out,
            |_| {
                let widen = |x: u8, _| x.wide() - zero.wide();
                Matrix { data: &a, row_step: self.depth, col_step: 1, widen }
            },
            |_| {
                let widen = |x: W, column: usize| x.wide() - zeros[column];
                Matrix { data, row_step: self.columns, col_step: 1, widen }
            },
            |_, col, sums: &[i32], out| {
                for ((y, &sum), w_scale) in out.iter_mut().zip(sums).zip(&scales[col..]) {
                    *y = sum as f32 * (scale * w_scale);
                }
            },
        )
    }
}

/// One value per direction and column, given that or one per direction.
fn per_column<T: Copy>(given: &[T], directions: usize, columns: usize) -> Result<Vec<T>> {
    if given.len() == directions {
        return Ok(given.iter().flat_map(|&x| std::iter::repeat_n(x, columns)).collect());
    }
    ensure!(
        given.len() == directions * columns,
        InvalidModel,
        "expected {directions} or {} scales and zero points, got {}",
        directions * columns,
        given.len()
    );
    Ok(given.to_vec())
}

struct Both<'a, W> {
    w: Weights<'a, W>,
    r: Weights<'a, W>,
}

impl<W: Quantized> Products<f32> for Both<'_, W> {
    fn input(&self, cx: &RunContext<'_>, direction: usize, x: &[f32], out: &mut [f32]) -> Result<()> {
        self.w.product(cx, direction, x, 0..self.w.columns, out)
    }

    fn recurrent(
        &self,
        cx: &RunContext<'_>,
        direction: usize,
        h: &[f32],
        columns: Range<usize>,
        out: &mut [f32],
    ) -> Result<()> {
        self.r.product(cx, direction, h, columns, out)
    }
}
