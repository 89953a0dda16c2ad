//! QGemm on the CPU: C is added to the sum in i32, and the rest is one multiplication in f32.

use super::bytes::{Bytes, Rounding, multiply_bytes, scales, zero_points};
use super::gemm::Addend;
use super::matmul::Product;
use super::packed_i8::{RightFactor, by_column};
use super::{Io, Kernel, Lowering};
use crate::ops::qgemm::QGemm;
use crate::{DType, Result};
use edgewise_simd::gemm_i8::ToF32;

impl Kernel for QGemm {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let right = RightFactor::new(cx, 3, 5, self.right)?;
        Ok(Some(Box::new(Fast { plain: self.clone(), right })))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        let row = outputs.first()?.first().copied()?.max(1);
        super::products_per_output(outputs, inputs.first()?.iter().product::<usize>() / row)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b, y) = (io.input(0)?, io.input(3)?, io.output(0)?);
        let product = Product::new((a.shape(), self.left), (b.shape(), self.right))?;
        let (rows, cols) = (product.left_lines().0, product.right_lines().0);
        let (a_scale, b_scale) = (io.input(1)?.scalar_f32()?, scales(io, 4, cols, 1)?);
        let (a_zero, b_zero) = (zero_points(io, 2, rows, 1)?, zero_points(io, 5, cols, 1)?);
        let c = io.optional(6)?.map(|c| Addend::<i32>::new(c, y.shape())).transpose()?;
        let (a, b) = ((Bytes::new(a)?, &a_zero), (Bytes::new(b)?, &b_zero));
        let cx = io.context();
        let add = |sum: i32, row: usize, col: usize| match &c {
            Some(c) => sum.wrapping_add(c.at(row, col)),
            None => sum,
        };
        if y.dtype() == DType::F32 {
            return multiply_bytes(cx, &product, a, b, y.into_slice::<f32>()?, |row, col, sums, out| {
                for (col, (y, &sum)) in (col..).zip(out.iter_mut().zip(sums)) {
                    *y = add(sum, row, col) as f32 * (self.alpha * a_scale * b_scale.at(col));
                }
            });
        }
        let y_scale = io.optional(7)?.map_or(Ok(1.0), |s| s.scalar_f32())?;
        let (zero, rounding) = (zero_points(io, 8, 1, 1)?.at(0), Rounding::to(y.dtype())?);
        multiply_bytes(cx, &product, a, b, y.into_units::<u8>()?, |row, col, sums, out| {
            for (col, (y, &sum)) in (col..).zip(out.iter_mut().zip(sums)) {
                let factor = self.alpha * a_scale * b_scale.at(col) / y_scale;
                *y = rounding.round(add(sum, row, col) as f32 * factor, zero);
            }
        })
    }
}

/// On packed weights.
struct Fast {
    plain: QGemm,
    right: RightFactor,
}

impl Kernel for Fast {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let QGemm { left, right, alpha } = self.plain;
        let (a, b) = (io.input(0)?, io.input(3)?);
        let product = Product::new((a.shape(), left), (b.shape(), right))?;
        let (rows, cols) = (product.left_lines().0, product.right_lines().0);
        let a_zero = zero_points(io, 2, rows, 1)?;
        let fast = self.right.product(io, &product, (Bytes::new(a)?, &a_zero))?;
        let c = io.optional(6)?.map(|c| Addend::<i32>::new(c, &[rows, cols])).transpose()?;
        let (Some(fast), true) = (fast, c.as_ref().is_none_or(Addend::is_one_row)) else {
            return self.plain.run(io);
        };
        let (a_scale, b_scale) = (io.input(1)?.scalar_f32()?, scales(io, 4, cols, 1)?);
        let bias = c.map(|c| by_column(cols, |col| c.at(0, col)));
        let (cx, y) = (io.context(), io.output(0)?);
        if y.dtype() == DType::F32 {
            let scale = by_column(cols, |col| alpha * a_scale * b_scale.at(col));
            return fast.run(cx, bias.as_deref(), &ToF32::new(&scale, None), y.into_slice::<f32>()?);
        }
        let y_scale = io.optional(7)?.map_or(Ok(1.0), |s| s.scalar_f32())?;
        let (zero, rounding) = (zero_points(io, 8, 1, 1)?.at(0), Rounding::to(y.dtype())?);
        let factor = by_column(cols, |col| alpha * a_scale * b_scale.at(col) / y_scale);
        fast.run(cx, bias.as_deref(), &rounding.epilogue(&factor, zero), y.into_units::<u8>()?)
    }
}
