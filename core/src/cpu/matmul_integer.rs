//! MatMulInteger on the CPU. Sums that pass an i32 wrap.

use super::bytes::{Bytes, multiply_bytes, zero_points};
use super::matmul::Product;
use super::packed_i8::RightFactor;
use super::{Io, Kernel, Lowering};
use crate::Result;
use crate::ops::matmul::Flip;
use crate::ops::matmul_integer::MatMulInteger;
use edgewise_simd::gemm_i8::Sums;

impl Kernel for MatMulInteger {
    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        let right = RightFactor::new(cx, 1, 3, Flip::default())?;
        Ok(Some(Box::new(Fast { plain: self.clone(), right })))
    }

    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.first()?.last().copied()?)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b, y) = (io.input(0)?, io.input(1)?, io.output(0)?);
        let product = Product::new((a.shape(), Flip::default()), (b.shape(), Flip::default()))?;
        let (rows, cols) = (product.left_lines(), product.right_lines());
        let (a_zero, b_zero) = (zero_points(io, 2, rows.0, rows.1)?, zero_points(io, 3, cols.0, cols.1)?);
        multiply_bytes(
            io.context(),
            &product,
            (Bytes::new(a)?, &a_zero),
            (Bytes::new(b)?, &b_zero),
            y.into_slice::<i32>()?,
            |_, _, sums, out| out.copy_from_slice(sums),
        )
    }
}

/// On packed weights.
struct Fast {
    plain: MatMulInteger,
    right: RightFactor,
}

impl Kernel for Fast {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        self.plain.operations(inputs, outputs)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (a, b) = (io.input(0)?, io.input(1)?);
        let product = Product::new((a.shape(), Flip::default()), (b.shape(), Flip::default()))?;
        let rows = product.left_lines();
        let a = (Bytes::new(a)?, &zero_points(io, 2, rows.0, rows.1)?);
        let Some(fast) = self.right.product(io, &product, a)? else { return self.plain.run(io) };
        fast.run(io.context(), None, &Sums, io.output(0)?.into_slice::<i32>()?)
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::cpu::testing::run;

    fn product(a_zero: &[u8], b_zero: &[i8]) -> crate::Result<Vec<i32>> {
        let a = Tensor::new(&[2, 2], &[0u8, 255, 1, 2])?;
        let b = Tensor::new(&[1, 2, 2], &[-128i8, 127, 1, 0])?;
        let a_zero = Tensor::new(&[a_zero.len()], a_zero)?;
        let b_zero = Tensor::new(&[b_zero.len()], b_zero)?;
        let inputs = [a.into(), b.into(), a_zero.into(), b_zero.into()].map(Some);
        Ok(run(("", "MatMulInteger", 10), &[], &inputs, 1)?[0].tensor()?.slice::<i32>()?.to_vec())
    }

    #[test]
    fn zero_points_for_all_or_per_line() {
        assert_eq!(product(&[0], &[0]).unwrap(), [255, 0, -126, 127]);
        assert_eq!(product(&[255, 1], &[0, 127]).unwrap(), [-255 * -128, 0, 1, -127]);
        assert!(product(&[1, 2, 3], &[0]).is_err());
        assert!(product(&[], &[0]).is_err());
    }
}
