//! Every product against a plain loop, on every instruction set, for sizes that fit nothing.

use super::*;
use crate::{Isa, MatrixMut};

/// A generator of numbers that look random.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as u32
    }

    fn float(&mut self) -> f32 {
        self.next() as f32 / (1u64 << 30) as f32 - 1.0
    }
}

/// A matrix as ONNX stores it, with codes and zero points in the open.
struct Matrix {
    format: Format,
    /// [n, padded k].
    codes: Vec<u8>,
    scales: Vec<f32>,
    zero_codes: Option<Vec<u8>>,
    zero_floats: Option<Vec<f32>>,
}

impl Matrix {
    fn draw(format: Format, zeros: usize, draw: &mut Draw) -> Matrix {
        let all = format.n * format.blocks();
        let mask = 0xff >> (8 - format.bits);
        Matrix {
            format,
            codes: (0..format.n * format.padded_k()).map(|_| draw.next() as u8 & mask).collect(),
            scales: (0..all).map(|_| draw.float()).collect(),
            zero_codes: (zeros == 1).then(|| (0..all).map(|_| draw.next() as u8 & mask).collect()),
            zero_floats: (zeros == 2).then(|| (0..all).map(|_| draw.float() * 5.0).collect()),
        }
    }

    fn packed(&self) -> Weights {
        let per = 8 / self.format.bits;
        let byte = |codes: &[u8]| {
            codes.iter().enumerate().fold(0, |byte, (i, code)| byte | code << (i * self.format.bits))
        };
        let bytes: Vec<u8> = self.codes.chunks(per).map(byte).collect();
        let zeros = match (&self.zero_codes, &self.zero_floats) {
            (Some(zeros), _) => Zeros::Codes(zeros),
            (_, Some(zeros)) => Zeros::Floats(zeros),
            _ => Zeros::Middle,
        };
        Weights::pack(self.format, &bytes, &self.scales, zeros).unwrap()
    }

    fn zero(&self, at: usize) -> f32 {
        match (&self.zero_codes, &self.zero_floats) {
            (Some(zeros), _) => zeros[at].into(),
            (_, Some(zeros)) => zeros[at],
            _ => self.format.middle().into(),
        }
    }

    /// A row times a column, in f64 of the weights as f32.
    fn float(&self, row: &[f32], column: usize) -> f64 {
        let weight = |k: usize| {
            let at = column * self.format.blocks() + k / self.format.block;
            let code = f32::from(self.codes[column * self.format.padded_k() + k]);
            f64::from((code - self.zero(at)) * self.scales[at])
        };
        row.iter().enumerate().map(|(k, &x)| f64::from(x) * weight(k)).sum()
    }

    /// A row times a column as accuracy level 4 says, in the order of the kernel.
    fn quantized(&self, row: &[f32], column: usize) -> f32 {
        let (block, padded) = (self.format.block, self.format.padded_k());
        let codes = self.codes[column * padded..].chunks(block);
        let mut y = 0f32;
        for (b, (x, codes)) in row.chunks(block).zip(codes).enumerate() {
            let at = column * self.format.blocks() + b;
            let largest =
                x.iter().fold(0f32, |m, x| if x.is_nan() || m.is_nan() { f32::NAN } else { m.max(x.abs()) });
            let inverse = if largest == 0.0 { 0.0 } else { 127.0 / largest };
            let mut sum = 0i32;
            for (&x, &code) in x.iter().zip(codes) {
                let x = (x * inverse).round_ties_even();
                let x = if x.is_nan() { 0 } else { x.clamp(-127.0, 127.0) as i32 };
                sum += x * (i32::from(code) - self.zero(at) as i32);
            }
            y += sum as f32 * self.scales[at] * (largest / 127.0);
        }
        y
    }
}

fn quantized(isa: Isa, weights: &Weights, rows: &[f32]) -> Vec<u8> {
    let format = weights.format();
    let mut bytes = vec![7; rows.len() / format.k * format.row_bytes()];
    quantize(isa, weights, rows, &mut bytes);
    bytes
}

/// Both products of all rows at once.
fn products(isa: Isa, weights: &Weights, rows: &[f32]) -> [Vec<f32>; 2] {
    let Format { n, k, .. } = *weights.format();
    let mut float = vec![f32::NAN; rows.len() / k * n];
    let mut panel = vec![f32::NAN; weights.panel_floats()];
    weights.multiply(isa, rows, MatrixMut::dense(&mut float, n), &mut panel);
    let mut integer = Vec::new();
    if weights.has_integers() {
        integer.resize(float.len(), f32::NAN);
        let rows = quantized(isa, weights, rows);
        weights.multiply_quantized(isa, &rows, MatrixMut::dense(&mut integer, n));
    }
    [float, integer]
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }).collect()
}

/// Sizes that fit nothing, every width, every kind of zero point.
fn matrices() -> impl Iterator<Item = (Matrix, Vec<f32>)> {
    let mut draw = Draw(5);
    let sizes =
        [(1, 1, 16), (5, 7, 16), (17, 33, 16), (16, 64, 32), (40, 100, 32), (33, 130, 64), (3, 300, 256)];
    let all = [2, 4, 8].into_iter().flat_map(|bits| (0..3).map(move |zeros| (bits, zeros)));
    let all = all.flat_map(move |kind| sizes.into_iter().map(move |size| (kind, size)));
    all.enumerate().map(move |(i, ((bits, zeros), (n, k, block)))| {
        let matrix = Matrix::draw(Format { n, k, bits, block }, zeros, &mut draw);
        let rows = [1, 2, 3, 7, 13, 23][i % 6];
        (matrix, (0..rows * k).map(|_| draw.float()).collect())
    })
}

#[test]
fn products_are_those_of_the_plain_loops() {
    for (matrix, rows) in matrices() {
        let (weights, Format { n, k, .. }) = (matrix.packed(), matrix.format);
        let places = || rows.chunks(k).flat_map(|row| (0..n).map(move |column| (row, column)));
        for isa in Isa::supported() {
            let [float, integer] = products(isa, &weights, &rows);
            for ((row, column), y) in places().zip(float) {
                let expected = matrix.float(row, column);
                let off = (f64::from(y) - expected).abs();
                assert!(off < 1e-4 * k as f64, "{isa:?} {:?}: {y}, not {expected}", matrix.format);
            }
            let expected: Vec<f32> = match weights.has_integers() {
                true => places().map(|(row, column)| matrix.quantized(row, column)).collect(),
                false => Vec::new(),
            };
            assert_eq!(bits(&integer), bits(&expected), "{isa:?} {:?}", matrix.format);
        }
    }
}

#[test]
fn a_row_alone_gives_the_same_bits_as_among_others() {
    for (matrix, rows) in matrices() {
        let (weights, Format { n, k, .. }) = (matrix.packed(), matrix.format);
        for isa in Isa::supported() {
            let together = products(isa, &weights, &rows);
            for (r, row) in rows.chunks(k).enumerate() {
                for (alone, together) in products(isa, &weights, row).iter().zip(&together) {
                    let len = alone.len();
                    assert_eq!(bits(alone), bits(&together[r * len..][..len]), "{isa:?} {:?}", matrix.format);
                }
            }
            // And so do blocks of it.
            let mut blocks = vec![f32::NAN; together[0].len()];
            let mut panel = vec![0.0; weights.panel_floats()];
            for block in MatrixMut::dense(&mut blocks, n).tiles(5, PANEL) {
                weights.multiply(isa, &rows, block, &mut panel);
            }
            assert_eq!(bits(&blocks), bits(&together[0]), "{isa:?} {:?}", matrix.format);
            if weights.has_integers() {
                let rows = quantized(isa, &weights, &rows);
                for block in MatrixMut::dense(&mut blocks, n).tiles(3, PANEL) {
                    weights.multiply_quantized(isa, &rows, block);
                }
                assert_eq!(bits(&blocks), bits(&together[1]), "{isa:?} {:?}", matrix.format);
            }
        }
    }
}

#[test]
fn blocks_without_a_scale() {
    let matrix = Matrix::draw(Format { n: 3, k: 48, bits: 4, block: 16 }, 0, &mut Draw(1));
    let weights = matrix.packed();
    let mut rows = vec![0f32; 48 * 6];
    for (row, x) in [0.0, f32::INFINITY, f32::NAN, f32::MAX, 1e-40, -1e-38].into_iter().enumerate() {
        rows[row * 48 + 20] = x;
        rows[row * 48 + 25] = -x / 2.0;
    }
    let expected: Vec<f32> =
        rows.chunks(48).flat_map(|row| (0..3).map(|column| matrix.quantized(row, column))).collect();
    assert_eq!(expected[..3], [0.0; 3]);
    assert!(expected[3..9].iter().all(|y| y.is_nan()));
    for isa in Isa::supported() {
        assert_eq!(bits(&products(isa, &weights, &rows)[1]), bits(&expected), "{isa:?}");
    }
}

#[test]
fn sums_of_the_largest_products_fit() {
    for (bits, block) in [(2, 16), (2, 256), (4, 16), (4, 32), (4, 64), (4, 256)] {
        let mut matrix = Matrix::draw(Format { n: 18, k: 256, bits, block }, 0, &mut Draw(3));
        matrix.codes.fill((1 << bits) - 1);
        // All as large as can be: positive, negative, and in turn.
        let signs = [[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]];
        let rows: Vec<f32> = (0..7).flat_map(|row| signs[row % 3].repeat(128)).collect();
        let expected: Vec<f32> =
            rows.chunks(256).flat_map(|row| (0..18).map(|column| matrix.quantized(row, column))).collect();
        for isa in Isa::supported() {
            let integer = &products(isa, &matrix.packed(), &rows)[1];
            assert_eq!(self::bits(integer), self::bits(&expected), "{bits} bits, blocks of {block}, {isa:?}");
        }
    }
}

#[test]
fn every_code_lies_in_its_lane() {
    let format = Format { n: 1, k: 16, bits: 4, block: 16 };
    let codes = [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe];
    let weights = Weights::pack(format, &codes, &[2.0], Zeros::Middle).unwrap();
    let bytes = super::integer::bytes(weights.panel(0));
    assert_eq!(bytes[..4], [0x40, 0x51, 0x62, 0x73]);
    assert_eq!(bytes[64..68], [0xc8, 0xd9, 0xea, 0xfb]);
    assert_eq!(bytes[128..132], 2f32.to_ne_bytes());
    assert_eq!(weights.bytes(), 3 * 64);
}

#[test]
fn nothing_times_something_is_nothing() {
    let matrix = Matrix::draw(Format { n: 3, k: 20, bits: 8, block: 16 }, 1, &mut Draw(2));
    for isa in Isa::supported() {
        assert_eq!(products(isa, &matrix.packed(), &[]), [vec![], vec![]]);
    }
}
