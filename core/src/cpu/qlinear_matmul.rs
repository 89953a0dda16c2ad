//! QLinearMatMul on the CPU. Bytes sum in i32 and are requantized; floats of 8 bits sum in f32.

use super::bytes::{Bytes, PerLine, Rounding, multiply_bytes, scales, zero_points};
use super::matmul::Product;
use super::packed_i8::{RightFactor, by_column};
use super::product::multiply;
use super::{Io, Kernel, Lowering};
use crate::ops::matmul::Flip;
use crate::ops::qlinear_matmul::QLinearMatMul;
use crate::quant::multiplier;
use crate::{DType, E4M3Fn, E4M3FnUz, E5M2, E5M2FnUz, Result};

impl Kernel for QLinearMatMul {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let right = RightFactor::new(cx, 3, 5, Flip::default())?;
        Ok(Some(Box::new(Fast { plain: self.clone(), right })))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.first()?.last().copied()?)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(3)?);
        let product = Product::new((a.shape(), Flip::default()), (b.shape(), Flip::default()))?;
        let (rows, cols) = (product.left_lines(), product.right_lines());
        let y = io.output(0)?;
        let matrices = y.len() / (rows.0 * cols.0).max(1);
        let scales = (
            scales(io, 1, rows.0, rows.1)?,
            scales(io, 4, cols.0, cols.1)?,
            scales(io, 6, rows.0, matrices)?,
        );
        // What a sum, made by an output row and a column, is multiplied with.
        let factor = |row: usize, col: usize| {
            let a = scales.0.at(product.left_row(row));
            multiplier(a, scales.1.at(product.right_col(row, col)), scales.2.at(row))
        };
        if [a.dtype(), b.dtype(), y.dtype()].iter().any(|dtype| dtype.is_float()) {
            return small_floats(io, &product, matrices, y, &factor);
        }
        let (a_zero, b_zero) = (zero_points(io, 2, rows.0, rows.1)?, zero_points(io, 5, cols.0, cols.1)?);
        let y_zero = zero_points(io, 7, rows.0, matrices)?;
        let rounding = Rounding::to(y.dtype())?;
        multiply_bytes(
            io.context(),
            &product,
            (Bytes::new(a)?, &a_zero),
            (Bytes::new(b)?, &b_zero),
            y.into_units::<u8>()?,
            |row, col, sums, out| {
                let zero = y_zero.at(row);
                for (i, (y, &sum)) in out.iter_mut().zip(sums).enumerate() {
                    *y = rounding.round(sum as f32 * factor(row, col + i), zero);
                }
            },
        )
    }
}

/// On packed weights.
struct Fast {
    plain: QLinearMatMul,
    right: RightFactor,
}

impl Kernel for Fast {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(3)?);
        let product = Product::new((a.shape(), Flip::default()), (b.shape(), Flip::default()))?;
        let (rows, cols) = (product.left_lines(), product.right_lines());
        // Of the result's rows a parameter for each is rare; the plain operator refuses wrong numbers of them.
        let (y_scale, y_zero) = (io.input(6)?, io.input(7)?);
        let bytes = [a.dtype(), b.dtype(), y_zero.dtype()].iter().all(|dtype| !dtype.is_float());
        if !bytes || y_scale.len() != 1 || y_zero.len() != 1 {
            return self.plain.run(io);
        }
        let (y_scale, y_zero) = (scales(io, 6, 1, 1)?.at(0), zero_points(io, 7, 1, 1)?.at(0));
        let (a_scale, b_scale) = (scales(io, 1, rows.0, rows.1)?, scales(io, 4, cols.0, cols.1)?);
        let a = (Bytes::new(a)?, &zero_points(io, 2, rows.0, rows.1)?);
        let fast = self.right.product(io, &product, a)?;
        let (Some(a_scale), true, Some(fast)) = (a_scale.one(), b_scale.fits_each(cols.0), fast) else {
            return self.plain.run(io);
        };
        let factor = by_column(cols.0, |col| multiplier(a_scale, b_scale.at(col), y_scale));
        let y = io.output(0)?;
        let rounding = Rounding::to(y.dtype())?;
        fast.run(io.context(), None, &rounding.epilogue(&factor, y_zero), y.into_units::<u8>()?)
    }
}

/// Where any of the tensors is one of floats.
fn small_floats(
    io: &Io<'_>,
    product: &Product,
    matrices: usize,
    y: crate::ViewMut<'_>,
    factor: &(impl Fn(usize, usize) -> f32 + Sync),
) -> Result<()> {
    let (rows, cols) = (product.left_lines(), product.right_lines());
    let zeros = |i: usize, (lines, matrices): (usize, usize)| {
        PerLine::new("zero point", io.input(i)?.to_f32s()?, lines, matrices)
    };
    let (a_zero, b_zero) = (zeros(2, rows)?, zeros(5, cols)?);
    let y_zero = zeros(7, (rows.0, matrices))?;
    let (a, b) = (io.input(0)?.to_f32s()?, io.input(3)?.to_f32s()?);
    let dtype = y.dtype();
    let round: &(dyn Fn(f32, f32) -> u8 + Sync) = match dtype {
        DType::F8E4M3FN => &|x, zero| E4M3Fn::from_f32(x + zero, true).0,
        DType::F8E4M3FNUZ => &|x, zero| E4M3FnUz::from_f32(x + zero, true).0,
        DType::F8E5M2 => &|x, zero| E5M2::from_f32(x + zero, true).0,
        DType::F8E5M2FNUZ => &|x, zero| E5M2FnUz::from_f32(x + zero, true).0,
        _ => {
            let rounding = Rounding::to(dtype)?;
            &move |x, zero| rounding.round(x, zero as i32)
        }
    };
    let step = product.sizes.rows;
    multiply(
        io.context(),
        product.sizes,
        y.into_units::<u8>()?,
        |i| {
            let zero = &a_zero;
            product.left(&a, i, move |x, row| x - zero.at(product.left_row(i * step + row)))
        },
        |i| {
            let zero = &b_zero;
            product.right(&b, i, move |x, col| x - zero.at(product.right_col(i * step, col)))
        },
        |row, col, sums, out| {
            for (i, (y, &sum)) in out.iter_mut().zip(sums).enumerate() {
                *y = round(sum * factor(row, col + i), y_zero.at(row));
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::{E4M3Fn, Tensor, Value};

    fn product<T: crate::Element>(a: &[T], b: &[T], zero: T, y_scale: f32) -> Tensor {
        let value = |t: Tensor| Some(Value::from(t));
        let (one, zero) = (value(Tensor::scalar(1f32)), value(Tensor::scalar(zero)));
        let inputs = [
            value(Tensor::new(&[1, a.len()], a).unwrap()),
            one.clone(),
            zero.clone(),
            value(Tensor::new(&[b.len(), 1], b).unwrap()),
            one,
            zero.clone(),
            value(Tensor::scalar(y_scale)),
            zero,
        ];
        run(("", "QLinearMatMul", 21), &[], &inputs, 1).unwrap()[0].tensor().unwrap().clone()
    }

    #[test]
    fn results_round_to_even_and_saturate() {
        assert_eq!(product(&[5i8], &[1], 0, 2.0).slice::<i8>().unwrap(), [2]);
        assert_eq!(product(&[-128i8; 3], &[127; 3], 0, 1.0).slice::<i8>().unwrap(), [-128]);
        assert_eq!(product(&[255u8; 3], &[255; 3], 3, 1.0).slice::<u8>().unwrap(), [255]);
        assert_eq!(product::<u8>(&[], &[], 9, 1.0).slice::<u8>().unwrap(), [9]);
    }

    #[test]
    fn small_floats_multiply_and_saturate() {
        let f8 = |x: f32| E4M3Fn::from_f32(x, true);
        let y = product(&[f8(2.0), f8(400.0)], &[f8(1.5), f8(400.0)], f8(0.0), 1.0);
        assert_eq!(y.slice::<E4M3Fn>().unwrap()[0].to_f32(), 448.0);
        let y = product(&[f8(2.0)], &[f8(1.5)], f8(0.0), 2.0);
        assert_eq!(y.slice::<E4M3Fn>().unwrap()[0].to_f32(), 1.5);
    }
}
