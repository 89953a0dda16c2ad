//! MatMulIntegerToFloat and DynamicQuantizeMatMul on the CPU: the sum is multiplied with the product of the
//! scales, then the bias is added, in f32.

use super::bytes::{Bytes, PerLine, multiply_bytes, scales, zero_points};
use super::matmul::Product;
use super::packed_i8::{RightFactor, by_column};
use super::{Io, Kernel, Lowering};
use crate::ops::matmul::Flip;
use crate::ops::matmul_integer_to_float::MatMulIntegerToFloat;
use crate::quant::{Quantized, u8_params};
use crate::{Buffer, DType, Float, Result, View};
use edgewise_simd::gemm_i8::ToF32;

impl Kernel for MatMulIntegerToFloat {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let zero = if self.dynamic { 3 } else { 5 };
        let right = RightFactor::new(cx, 1, zero, Flip::default())?;
        Ok(Some(Box::new(Fast { plain: self.clone(), right })))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.first()?.last().copied()?)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(1)?);
        let product = Product::new((a.shape(), Flip::default()), (b.shape(), Flip::default()))?;
        let (rows, cols) = (product.left_lines(), product.right_lines());
        if self.dynamic {
            let (scale, zero, bytes) = quantize(a)?;
            let a_zero = PerLine::new("zero point", vec![zero.into()], rows.0, rows.1)?;
            let a = Bytes { data: bytes.as_ref(), signed: false };
            let a_scale = PerLine::new("scale", vec![scale], rows.0, rows.1)?;
            let b_scale = scales(io, 2, cols.0, cols.1)?;
            let b_zero = zero_points(io, 3, cols.0, cols.1)?;
            return scaled(io, &product, (a, &a_zero), (Bytes::new(b)?, &b_zero), [&a_scale, &b_scale], 4);
        }
        let (a_scale, b_scale) = (scales(io, 2, rows.0, rows.1)?, scales(io, 3, cols.0, cols.1)?);
        let (a_zero, b_zero) = (zero_points(io, 4, rows.0, rows.1)?, zero_points(io, 5, cols.0, cols.1)?);
        let (a, b) = ((Bytes::new(a)?, &a_zero), (Bytes::new(b)?, &b_zero));
        scaled(io, &product, a, b, [&a_scale, &b_scale], 6)
    }
}

/// On packed weights.
struct Fast {
    plain: MatMulIntegerToFloat,
    right: RightFactor,
}

impl Kernel for Fast {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(1)?);
        let product = Product::new((a.shape(), Flip::default()), (b.shape(), Flip::default()))?;
        let (rows, cols) = (product.left_lines(), product.right_lines());
        let dynamic = self.plain.dynamic;
        let (b_scale, bias) = if dynamic { (2, 4) } else { (3, 6) };
        let b_scale = scales(io, b_scale, cols.0, cols.1)?;
        if !b_scale.fits_each(cols.0) || io.output_dtype(0) != Some(DType::F32) {
            return self.plain.run(io);
        }
        let quantized;
        let (a, a_scale, a_zero) = if dynamic {
            quantized = quantize(a)?;
            let (scale, zero, bytes) = &quantized;
            (Bytes { data: bytes.as_ref(), signed: false }, Some(*scale), PerLine::of_all(i32::from(*zero)))
        } else {
            let zero = zero_points(io, 4, rows.0, rows.1)?;
            (Bytes::new(a)?, scales(io, 2, rows.0, rows.1)?.one(), zero)
        };
        let (Some(a_scale), Some(fast)) = (a_scale, self.right.product(io, &product, (a, &a_zero))?) else {
            return self.plain.run(io);
        };
        let bias = io.optional(bias)?.map(|b| b.to_f32s()).transpose()?;
        let bias = bias.map(|b| PerLine::new("bias", b, cols.0, 1)).transpose()?;
        let bias = bias.map(|bias| by_column(cols.0, |col| bias.at(col)));
        let scale = by_column(cols.0, |col| a_scale * b_scale.at(col));
        let y = io.output(0)?.into_slice::<f32>()?;
        fast.run(io.context(), None, &ToF32::new(&scale, bias.as_deref()), y)
    }
}

/// The scale, the zero point and the bytes of floats.
fn quantize(x: View<'_>) -> Result<(f32, u8, Buffer)> {
    let x = x.slice::<f32>()?;
    let (scale, zero) = u8_params(x);
    let mut bytes = Buffer::zeroed(x.len())?;
    for (byte, &x) in bytes.as_mut().iter_mut().zip(x) {
        *byte = u8::quantize(x, scale, zero);
    }
    Ok((scale, zero, bytes))
}

/// Output 0; the bias is input `bias`.
fn scaled(
    io: &mut Io<'_>,
    product: &Product,
    a: (Bytes<'_>, &PerLine<i32>),
    b: (Bytes<'_>, &PerLine<i32>),
    [a_scale, b_scale]: [&PerLine<f32>; 2],
    bias: usize,
) -> Result<()> {
    let bias = io.optional(bias)?.map(|b| b.to_f32s()).transpose()?;
    let bias = bias.map(|b| PerLine::new("bias", b, product.right_lines().0, 1)).transpose()?;
    let y = io.output(0)?;
    for_float!(y.dtype(), T => {
        multiply_bytes(io.context(), product, a, b, y.into_slice::<T>()?, |row, col, sums, out| {
            let a_scale = a_scale.at(product.left_row(row));
            for (i, (y, &sum)) in out.iter_mut().zip(sums).enumerate() {
                let scale = a_scale * b_scale.at(product.right_col(row, col + i));
                let x = sum as f32 * scale;
                *y = T::from_f32(bias.as_ref().map_or(x, |b| x + b.at(col + i)));
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;

    #[test]
    fn zeros_and_empty_rows_quantize() {
        for rows in [0, 2] {
            let a = Tensor::new(&[rows, 2], &vec![0f32; 2 * rows]).unwrap();
            let b = Tensor::new(&[2, 1], &[127i8, -128]).unwrap();
            let scale = Tensor::scalar(2f32);
            let bias = Tensor::new(&[1], &[0.5f32]).unwrap();
            let inputs = [Some(a.into()), Some(b.into()), Some(scale.into()), None, Some(bias.into())];
            let y = run(("com.microsoft", "DynamicQuantizeMatMul", 1), &[], &inputs, 1).unwrap();
            assert_eq!(y[0].tensor().unwrap().slice::<f32>().unwrap(), vec![0.5; rows]);
        }
    }
}
