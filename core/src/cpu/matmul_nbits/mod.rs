//! MatMulNBits on the CPU: plainly here, on [packed] weights where they are constants.
//!
//! Each row of weights is unpacked once and multiplied with every row of A: in f32, or in integers where A is
//! rounded to 8 bits.

mod packed;

use super::dot::dot;
use super::packed_bits::{code, row_bytes};
use super::{Io, Kernel, Lowering};
use crate::ops::matmul_nbits::MatMulNBits;
use crate::tensor::element_count;
use crate::{DType, Float, Result, View};

impl Kernel for MatMulNBits {
    fn operations(&self, inputs: &[&[usize]], outputs: &[&[usize]]) -> Option<u64> {
        super::products_per_output(outputs, inputs.first()?.last().copied()?)
    }

    fn lower(&self, cx: &Lowering<'_>) -> Result<Option<Box<dyn Kernel>>> {
        packed::lower(self, cx)
    }

    fn run(&self, io: &mut Io<'_>) -> Result<()> {
        let (n, k) = (self.n, self.k);
        let weights = Weights::of(self, io.input(1)?, io.input(2)?, io.optional(3)?, io.optional(4)?)?;
        let bias = bias(self, io.optional(5)?)?;
        let a = io.input(0)?;
        ensure!(a.shape().last() == Some(&k), InvalidModel, "A must have {k} columns, got {:?}", a.shape());
        let a = a.to_f32s()?;
        let rows = a.len() / k;
        let rounded: Vec<Rounded> = match weights.takes_integers() {
            true => a.chunks_exact(k).map(|row| Rounded::of(row, self.block)).collect(),
            false => Vec::new(),
        };

        // Column by column of the result, so that a row of weights is unpacked once.
        const COLUMNS: usize = 8;
        let mut columns = vec![0f32; rows * n];
        let cx = io.context();
        cx.pool.chunks(&mut columns, rows * COLUMNS, |chunk, columns| {
            cx.check()?;
            let mut row = vec![0f32; k];
            for (j, column) in columns.chunks_mut(rows).enumerate() {
                let j = chunk * COLUMNS + j;
                let bias = bias.as_ref().map_or(0.0, |bias| bias[j]);
                if weights.takes_integers() {
                    let codes = weights.integers(j);
                    let scales = &weights.scales[j * weights.blocks..][..weights.blocks];
                    for (y, a) in column.iter_mut().zip(&rounded) {
                        *y = a.times(&codes, scales, self.block) + bias;
                    }
                } else {
                    weights.row(j, &mut row);
                    for (y, a) in column.iter_mut().zip(a.chunks_exact(k)) {
                        *y = dot(a, &row) + bias;
                    }
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

fn bias(op: &MatMulNBits, bias: Option<View<'_>>) -> Result<Option<Vec<f32>>> {
    let bias = bias.map(|bias| bias.to_f32s()).transpose()?;
    expect("bias", bias.as_ref().map_or(op.n, Vec::len), &[op.n])?;
    Ok(bias)
}

/// A row of A in 8 bits.
struct Rounded {
    codes: Vec<i32>,
    /// One per block; an infinity or NaN where the block has one.
    scales: Vec<f32>,
}

impl Rounded {
    fn of(row: &[f32], block: usize) -> Rounded {
        let larger = |m: f32, x: &f32| if x.is_nan() || m.is_nan() { f32::NAN } else { m.max(x.abs()) };
        let (mut codes, mut scales) = (Vec::with_capacity(row.len()), Vec::new());
        for block in row.chunks(block) {
            let largest = block.iter().fold(0.0, larger);
            let inverse = if largest == 0.0 { 0.0 } else { 127.0 / largest };
            // A cast of NaN is 0.
            codes.extend(block.iter().map(|x| (x * inverse).round_ties_even().clamp(-127.0, 127.0) as i32));
            scales.push(largest / 127.0);
        }
        Rounded { codes, scales }
    }

    fn times(&self, codes: &[i32], scales: &[f32], block: usize) -> f32 {
        let blocks = self.codes.chunks(block).zip(codes.chunks(block));
        let sums = blocks.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<i32>());
        let scales = scales.iter().zip(&self.scales);
        sums.zip(scales).fold(0.0, |y, (sum, (scale, row_scale))| y + sum as f32 * scale * row_scale)
    }
}

/// The stored matrix.
struct Weights<'a> {
    op: &'a MatMulNBits,
    /// Blocks of a row.
    blocks: usize,
    codes: &'a [u8],
    scales: Vec<f32>,
    zeros: Zeros,
    /// The block whose scale each k has; in order where it is left out.
    groups: Option<Vec<usize>>,
}

/// Zero points, one per block.
enum Zeros {
    /// The middle of all codes.
    Middle,
    Codes(Vec<u8>),
    Floats(Vec<f32>),
}

impl<'a> Weights<'a> {
    fn of(
        op: &'a MatMulNBits,
        codes: View<'a>,
        scales: View<'_>,
        zeros: Option<View<'_>>,
        groups: Option<View<'_>>,
    ) -> Result<Weights<'a>> {
        let blocks = op.k.div_ceil(op.block);
        expect("B", codes.len(), &[op.n, blocks, op.block / 8 * op.bits])?;
        let scales = scales.to_f32s()?;
        expect("scales", scales.len(), &[op.n, blocks])?;
        let zeros = match zeros {
            None => Zeros::Middle,
            Some(zeros) if zeros.dtype() == DType::U8 => {
                let bytes = row_bytes(blocks, op.bits);
                expect("zero points", zeros.len(), &[op.n, bytes])?;
                let rows = zeros.slice::<u8>()?.chunks_exact(bytes);
                Zeros::Codes(rows.flat_map(|row| (0..blocks).map(|i| code(row, i, op.bits))).collect())
            }
            Some(zeros) => {
                let zeros = zeros.to_f32s()?;
                expect("zero points", zeros.len(), &[op.n, blocks])?;
                Zeros::Floats(zeros)
            }
        };
        let groups = groups.map(|groups| groups.to_i64s()).transpose()?;
        let groups = groups.map(|groups| {
            ensure!(groups.len() >= op.k, InvalidModel, "g_idx needs {} entries, got {}", op.k, groups.len());
            let block = |&g: &i64| usize::try_from(g).ok().filter(|&g| g < blocks);
            let groups: Option<Vec<usize>> = groups.iter().map(block).collect();
            groups.ok_or_else(|| err!(InvalidModel, "g_idx names a block outside 0..{blocks}"))
        });
        Ok(Weights { op, blocks, codes: codes.slice()?, scales, zeros, groups: groups.transpose()? })
    }

    /// Whether rows of 8-bit integers are what it is multiplied with.
    fn takes_integers(&self) -> bool {
        self.op.eight_bits && self.groups.is_none() && !matches!(self.zeros, Zeros::Floats(_))
    }

    /// The codes of row `n`.
    fn row_codes(&self, n: usize) -> impl Iterator<Item = u8> {
        let bytes = self.codes.len() / self.op.n;
        (0..self.op.k).map(move |k| code(&self.codes[n * bytes..][..bytes], k, self.op.bits))
    }

    /// Row `n` as numbers.
    fn row(&self, n: usize, out: &mut [f32]) {
        for (k, (w, code)) in out.iter_mut().zip(self.row_codes(n)).enumerate() {
            let block = self.groups.as_ref().map_or(k / self.op.block, |groups| groups[k]);
            let at = n * self.blocks + block;
            let zero = match &self.zeros {
                Zeros::Middle => self.middle() as f32,
                Zeros::Codes(zeros) => zeros[at].into(),
                Zeros::Floats(zeros) => zeros[at],
            };
            *w = (f32::from(code) - zero) * self.scales[at];
        }
    }

    /// Row `n` as integers, before scaling.
    fn integers(&self, n: usize) -> Vec<i32> {
        let zero = |k: usize| match &self.zeros {
            Zeros::Codes(zeros) => zeros[n * self.blocks + k / self.op.block].into(),
            _ => self.middle(),
        };
        self.row_codes(n).enumerate().map(|(k, code)| i32::from(code) - zero(k)).collect()
    }

    /// The code that stands for zero where none is given.
    fn middle(&self) -> i32 {
        1 << (self.op.bits - 1)
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
