//! Every instruction set against three plain loops, to the bit.

use super::*;
use crate::{Isa, MatrixMut, OUTSIDE, Source};

/// Numbers that look random; every third byte is an extreme one.
fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    };
    (0..len)
        .map(|i| if i % 3 == 0 { [0, 255, 127, 128][next() as usize % 4] } else { next() as u8 })
        .collect()
}

fn wide(byte: u8, signed: bool) -> i32 {
    if signed { (byte as i8).into() } else { byte.into() }
}

/// A product and everything that goes with it.
struct Case {
    rows: usize,
    taps: usize,
    width: usize,
    cols: usize,
    a_signed: bool,
    b_signed: bool,
    zero: i32,
    zeros: Vec<i32>,
    bias: Vec<i32>,
    image: Vec<u8>,
    offsets: Option<Vec<u32>>,
    b: Vec<u8>,
}

impl Case {
    fn new([rows, taps, width, cols]: [usize; 4], variant: usize) -> Case {
        let seed = (rows * 31 + taps * 17 + width * 7 + cols * 3 + variant) as u64;
        let (a_signed, b_signed) = (variant & 1 != 0, variant & 2 != 0);
        let windows = taps > 1 || variant & 4 != 0;
        let len = if windows { (rows + 2) * width.max(1) } else { rows * taps * width };
        let offsets = windows.then(|| {
            let place = |i: usize| match i * 7 % 5 {
                0 => OUTSIDE,
                n => ((i * 13 + n) % (len - width + 1)) as u32,
            };
            (0..rows * taps).map(place).collect()
        });
        let zeros = match variant % 3 {
            0 => vec![if b_signed { 0 } else { 128 }],
            1 => vec![-3],
            _ => (0..cols as i32).map(|c| c * 5 % 256 - 128).collect(),
        };
        let bias = (0..cols.next_multiple_of(PANEL) as i32).map(|c| c * 1_000_003).collect();
        let (image, b) = (bytes(len, seed), bytes(taps * width * cols, seed + 1));
        let zero = if a_signed { -7 } else { 131 };
        Case { rows, taps, width, cols, a_signed, b_signed, zero, zeros, bias, image, offsets, b }
    }

    fn lhs(&self) -> Lhs<'_, u8> {
        match &self.offsets {
            None => Lhs::Rows { data: &self.image, stride: self.width },
            Some(offsets) => Lhs::Taps {
                image: &self.image,
                offsets,
                taps: self.taps,
                width: self.width,
                pad: self.zero as u8,
            },
        }
    }

    /// The right factor lies row by row where the variant is even, else column by column.
    fn packed(&self, by_columns: bool) -> PackedI8 {
        let [tap_step, depth_step, col_step] = match by_columns {
            false => [self.width * self.cols, self.cols, 1],
            true => [1, self.taps, self.taps * self.width],
        };
        let source = Source { data: &self.b, tap_step, depth_step, col_step };
        PackedI8::new(source, self.b_signed, [self.taps, self.width, self.cols], &self.zeros).unwrap()
    }

    fn b(&self, by_columns: bool, tap: usize, depth: usize, col: usize) -> i32 {
        let at = match by_columns {
            false => (tap * self.width + depth) * self.cols + col,
            true => (col * self.width + depth) * self.taps + tap,
        };
        wide(self.b[at], self.b_signed) - self.zeros[if self.zeros.len() == 1 { 0 } else { col }]
    }

    fn a(&self, row: usize, tap: usize, depth: usize) -> i32 {
        let at = match &self.offsets {
            None => (row * self.taps + tap) * self.width,
            Some(offsets) => match offsets[row * self.taps + tap] {
                OUTSIDE => return 0,
                offset => offset as usize,
            },
        };
        wide(self.image[at + depth], self.a_signed) - self.zero
    }

    fn expected(&self, by_columns: bool) -> Vec<i32> {
        let mut out = Vec::new();
        for row in 0..self.rows {
            for col in 0..self.cols {
                let mut sum = self.bias[col];
                for tap in 0..self.taps {
                    for depth in 0..self.width {
                        let product = self.a(row, tap, depth) * self.b(by_columns, tap, depth, col);
                        sum = sum.wrapping_add(product);
                    }
                }
                out.push(sum);
            }
        }
        out
    }

    fn job<'a>(&'a self, rhs: &'a PackedI8) -> Job<'a> {
        Job { lhs: self.lhs(), signed: self.a_signed, zero: self.zero, rhs, bias: Some(&self.bias) }
    }
}

const SIZES: [[usize; 4]; 22] = [
    [1, 1, 4, 16],
    [1, 1, 1, 1],
    [2, 1, 3, 5],
    [3, 1, 64, 17],
    [4, 1, 65, 33],
    [5, 1, 66, 64],
    [6, 1, 67, 80],
    [7, 1, 128, 96],
    [13, 1, 31, 112],
    [100, 1, 20, 48],
    [129, 1, 256, 65],
    [3, 1, 0, 7],
    [33, 1, 192, 40],
    [1, 9, 3, 32],
    [20, 9, 3, 24],
    [37, 9, 16, 70],
    [50, 4, 5, 16],
    [2, 25, 1, 3],
    [18, 3, 64, 33],
    [40, 9, 64, 64],
    [0, 1, 5, 5],
    [5, 1, 5, 0],
];

#[test]
fn sums_are_those_of_three_loops() {
    for sizes in SIZES {
        for variant in 0..8 {
            let case = Case::new(sizes, variant);
            let by_columns = variant % 2 == 1;
            let packed = case.packed(by_columns);
            let expected = case.expected(by_columns);
            for isa in Isa::supported() {
                let mut out = vec![-1; case.rows * case.cols];
                gemm_i8(isa, &case.job(&packed), &Sums, MatrixMut::dense(&mut out, case.cols));
                assert_eq!(out, expected, "{sizes:?}, variant {variant}, {}", isa.name());
            }
        }
    }
}

/// Weights few of which are so large that neighbors' products pass 16 bits.
fn with_few_large(mut case: Case) -> Case {
    let middle = if case.b_signed { 0 } else { 0x80 };
    for (i, b) in case.b.iter_mut().enumerate() {
        *b = match i % 97 {
            0 | 1 => [0x7f, 0x80][i % 194 / 97],
            _ => ((*b ^ middle) as i8 / 4) as u8,
        } ^ middle;
    }
    case
}

#[test]
fn bounded_panels_lose_nothing() {
    let mut bounded = 0;
    for sizes in SIZES {
        for variant in 0..8 {
            let case = with_few_large(Case::new(sizes, variant));
            let by_columns = variant % 2 == 1;
            let mut packed = case.packed(by_columns);
            packed.bound().unwrap();
            bounded += usize::from(packed.excess().is_some());
            let expected = case.expected(by_columns);
            for isa in Isa::supported() {
                let mut out = vec![-1; case.rows * case.cols];
                gemm_i8(isa, &case.job(&packed), &Sums, MatrixMut::dense(&mut out, case.cols));
                assert_eq!(out, expected, "{sizes:?}, variant {variant}, {}", isa.name());
            }
        }
    }
    assert!(bounded > SIZES.len() * 6, "only {bounded} of the factors could be bounded");
}

#[test]
fn parts_of_a_product_go_where_they_belong() {
    let case = Case::new([23, 1, 36, 75], 2);
    let packed = case.packed(false);
    let expected = case.expected(false);
    for isa in Isa::supported() {
        for (rows, cols) in [(0..5, 0..32), (5..23, 16..75), (22..23, 64..70), (3..3, 0..75), (1..9, 32..32)]
        {
            let stride = 100;
            let mut out = vec![7; 23 * stride];
            let whole = MatrixMut::with_stride(&mut out, 23, 75, stride);
            gemm_i8(isa, &case.job(&packed), &Sums, whole.block(rows.clone(), cols.clone()));
            for (i, &got) in out.iter().enumerate() {
                let (row, col) = (i / stride, i % stride);
                let inside = rows.contains(&row) && cols.contains(&col);
                assert_eq!(got, if inside { expected[row * 75 + col] } else { 7 }, "{isa:?} {row} {col}");
            }
        }
    }
}

#[test]
fn sums_become_floats_and_bytes() {
    for sizes in [[7, 1, 30, 37], [9, 9, 8, 80], [1, 1, 2, 1]] {
        let case = Case::new(sizes, 3);
        let packed = case.packed(true);
        let cols = packed.padded_cols();
        let mut scale: Vec<f32> = (0..cols).map(|c| 1e-5 * (c + 1) as f32).collect();
        let bias: Vec<f32> = (0..cols).map(|c| 3.7 - c as f32).collect();
        let sums = case.expected(true);
        let floats: Vec<f32> =
            (0..sums.len()).map(|i| sums[i] as f32 * scale[i % case.cols] + bias[i % case.cols]).collect();
        for isa in Isa::supported() {
            let mut out = vec![0f32; sums.len()];
            gemm_i8(
                isa,
                &case.job(&packed),
                &ToF32::new(&scale, Some(&bias)),
                MatrixMut::dense(&mut out, case.cols),
            );
            assert_eq!(out, floats, "{}", isa.name());
        }
        for extreme in [1e-5, f32::NAN, f32::INFINITY, 0.0, -1e38] {
            scale[0] = extreme;
            for [low, high, zero] in [[0, 255, 3], [-128, 127, -9], [5, 90, 7], [0, 255, 255]] {
                let round = |sum: i32, factor: f32| {
                    let x = (sum as f32 * factor).round_ties_even();
                    let steps = x.clamp((low - zero) as f32, (high - zero) as f32);
                    (zero + steps as i32) as u8
                };
                let expected: Vec<u8> =
                    (0..sums.len()).map(|i| round(sums[i], scale[i % case.cols])).collect();
                for isa in Isa::supported() {
                    let mut out = vec![0; sums.len()];
                    let epilogue = Requantize::new(&scale, zero, [low, high]);
                    gemm_i8(isa, &case.job(&packed), &epilogue, MatrixMut::dense(&mut out, case.cols));
                    assert_eq!(out, expected, "{} {extreme} {low} {high}", isa.name());
                }
            }
        }
    }
}
