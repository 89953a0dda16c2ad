//! MatMulNBits on the CPU: each row of weights is unpacked once and multiplied with every row of A, in f32.

use super::dot::dot;
use super::packed_bits::{code, row_bytes};
use super::{Io, Kernel};
use crate::ops::matmul_nbits::MatMulNBits;
use crate::tensor::element_count;
use crate::{DType, Float, Result};

impl Kernel for MatMulNBits {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.first()?.last().copied()?)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (n, k) = (self.n, self.k);
        let weights = Weights::of(self, io)?;
        let bias = io.optional(5)?.map(|bias| bias.to_f32s()).transpose()?;
        expect("bias", bias.as_ref().map_or(n, Vec::len), &[n])?;
        let a = io.input(0)?;
        ensure!(a.shape().last() == Some(&k), InvalidModel, "A must have {k} columns, got {:?}", a.shape());
        let a = a.to_f32s()?;
        let rows = a.len() / k;

        // Column by column of the result, so that a row of weights is unpacked once.
        const COLUMNS: usize = 8;
        let mut columns = vec![0f32; rows * n];
        let cx = io.context();
        cx.pool.chunks(&mut columns, rows * COLUMNS, |chunk, columns| {
            cx.check()?;
            let mut row = vec![0f32; k];
            for (j, column) in columns.chunks_mut(rows).enumerate() {
                let j = chunk * COLUMNS + j;
                weights.row(j, &mut row);
                let bias = bias.as_ref().map_or(0.0, |bias| bias[j]);
                for (y, a) in column.iter_mut().zip(a.chunks_exact(k)) {
                    *y = dot(a, &row) + bias;
                }
            }
            Ok(())
        })?;

        let y = io.output(0)?;
        for_float!(y.dtype(), T => {
            for (i, y) in y.into_slice::<T>()?.chunks_mut(n).enumerate() {
                for (j, y) in y.iter_mut().enumerate() {
                    *y = T::from_f32(columns[j * rows + i]);
                }
            }
            Ok(())
        })
    }
}

/// The stored matrix.
struct Weights<'a> {
    op: &'a MatMulNBits,
    /// Blocks of a row.
    blocks: usize,
    codes: &'a [u8],
    scales: Vec<f32>,
    /// One per block, packed ones too.
    zeros: Vec<f32>,
    /// The block whose scale each k has; in order where it is left out.
    groups: Option<Vec<usize>>,
}

impl<'a> Weights<'a> {
    fn of(op: &'a MatMulNBits, io: &Io<'a>) -> Result<Weights<'a>> {
        let blocks = op.k.div_ceil(op.block);
        let codes = io.input(1)?;
        expect("B", codes.len(), &[op.n, blocks, op.block / 8 * op.bits])?;
        let scales = io.input(2)?.to_f32s()?;
        expect("scales", scales.len(), &[op.n, blocks])?;
        let zeros = match io.optional(3)? {
            None => vec![(1 << (op.bits - 1)) as f32; scales.len()],
            Some(zeros) if zeros.dtype() == DType::U8 => {
                let bytes = row_bytes(blocks, op.bits);
                expect("zero points", zeros.len(), &[op.n, bytes])?;
                let rows = zeros.slice::<u8>()?.chunks_exact(bytes);
                rows.flat_map(|row| (0..blocks).map(|i| code(row, i, op.bits) as f32)).collect()
            }
            Some(zeros) => zeros.to_f32s()?,
        };
        expect("zero points", zeros.len(), &[op.n, blocks])?;
        let groups = io.optional(4)?.map(|groups| groups.to_i64s()).transpose()?;
        let groups = groups.map(|groups| {
            ensure!(groups.len() >= op.k, InvalidModel, "g_idx needs {} entries, got {}", op.k, groups.len());
            let block = |&g: &i64| usize::try_from(g).ok().filter(|&g| g < blocks);
            let groups: Option<Vec<usize>> = groups.iter().map(block).collect();
            groups.ok_or_else(|| err!(InvalidModel, "g_idx names a block outside 0..{blocks}"))
        });
        Ok(Weights { op, blocks, codes: codes.slice()?, scales, zeros, groups: groups.transpose()? })
    }

    /// Row `n` as numbers.
    fn row(&self, n: usize, out: &mut [f32]) {
        let bytes = self.codes.len() / self.op.n;
        let (codes, scales) = (&self.codes[n * bytes..][..bytes], &self.scales[n * self.blocks..]);
        let zeros = &self.zeros[n * self.blocks..];
        for (k, w) in out.iter_mut().enumerate() {
            let block = self.groups.as_ref().map_or(k / self.op.block, |groups| groups[k]);
            *w = (code(codes, k, self.op.bits) as f32 - zeros[block]) * scales[block];
        }
    }
}

fn expect(what: &str, got: usize, shape: &[usize]) -> Result<()> {
    let expected = element_count(shape)?;
    ensure!(got == expected, InvalidModel, "{what} must be {shape:?} with {expected} elements, got {got}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::cpu::testing::run;
    use crate::ops::Attr;
    use crate::{Result, Tensor};

    /// One row of 16 weights `codes`, scale 2, against A of ones.
    fn row_of_16(a: &[f32], codes: &[u8], zero: Option<u8>, bits: i64) -> Result<Vec<f32>> {
        let attrs = [("N", 1), ("K", a.len() as i64), ("bits", bits), ("block_size", 16)]
            .map(|(n, i)| (n, Attr::Int(i)));
        let inputs = [
            Some(Tensor::new(&[1, a.len()], a)?.into()),
            Some(Tensor::new(&[1, 1, codes.len()], codes)?.into()),
            Some(Tensor::new(&[1, 1], &[2f32])?.into()),
            zero.map(|z| Tensor::new(&[1, 1], &[z]).map(Into::into)).transpose()?,
        ];
        let y = run(("com.microsoft", "MatMulNBits", 1), &attrs, &inputs, 1)?;
        Ok(y[0].tensor()?.slice::<f32>()?.to_vec())
    }

    #[test]
    fn low_bits_come_first_and_the_last_block_may_be_short() {
        let mut codes = [0u8; 8];
        codes[..2].copy_from_slice(&[0x21, 0xf3]);
        assert_eq!(row_of_16(&[1.0, 10.0, 100.0], &codes, Some(0), 4).unwrap(), [2.0 * 321.0]);
        assert_eq!(row_of_16(&[1.0, 0.0, 0.0], &codes, None, 4).unwrap(), [2.0 * (1.0 - 8.0)]);
        assert_eq!(row_of_16(&[1.0, 10.0, 100.0], &[0b100111, 0, 0, 0], Some(1), 2).unwrap(), [2.0 * 102.0]);
    }

    #[test]
    fn weights_of_another_size_are_refused() {
        assert!(row_of_16(&[1.0; 17], &[0; 8], None, 4).is_err());
        assert!(row_of_16(&[1.0; 16], &[0; 8], None, 3).is_err());
    }
}
