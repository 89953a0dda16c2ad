//! Every instruction set against sums in f64, and against itself: bits depend on nothing but a row and a
//! column.

use super::*;
use crate::elementwise::Unary;
use crate::narrow::{BF16, F16, narrow, widen};
use crate::{OUTSIDE, Source, dispatch};

/// Numbers between -1 and 1, the same for the same seed.
fn numbers(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_769) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

struct Case {
    rows: usize,
    depth: usize,
    cols: usize,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Case {
    fn new(rows: usize, depth: usize, cols: usize) -> Case {
        Case { rows, depth, cols, a: numbers(rows * depth, 1), b: numbers(depth * cols, 2) }
    }

    fn packed(&self) -> PackedF32 {
        let source = Source { data: &self.b, tap_step: 0, depth_step: self.cols, col_step: 1 };
        PackedF32::new(source, [1, self.depth, self.cols]).unwrap()
    }

    fn left(&self) -> Lhs<'_, f32> {
        Lhs::Rows { data: &self.a, stride: self.depth }
    }

    fn run(&self, isa: Isa, finish: &Finish<'_>) -> Vec<f32> {
        let mut out = vec![f32::NAN; self.rows * self.cols];
        gemm_f32(isa, self.left(), &self.packed(), finish, MatrixMut::dense(&mut out, self.cols));
        out
    }

    /// The sums, and the sums of magnitudes that bound their errors.
    fn exact(&self) -> (Vec<f64>, Vec<f64>) {
        let sum = |i: usize, of: fn(f64) -> f64| {
            let (row, col) = (i / self.cols, i % self.cols);
            (0..self.depth)
                .map(|k| of(f64::from(self.a[row * self.depth + k]) * f64::from(self.b[k * self.cols + col])))
                .sum()
        };
        let all = 0..self.rows * self.cols;
        (all.clone().map(|i| sum(i, |x| x)).collect(), all.map(|i| sum(i, f64::abs)).collect())
    }
}

const SIZES: [(usize, usize, usize); 16] = [
    (1, 1, 1),
    (1, 7, 16),
    (2, 33, 70),
    (3, 5, 17),
    (4, 64, 48),
    (5, 100, 33),
    (6, 3, 31),
    (9, 16, 96),
    (14, 27, 32),
    (15, 8, 15),
    (23, 50, 80),
    (29, 2500, 20),
    (57, 31, 144),
    (70, 4200, 9),
    (130, 65, 40),
    (1, 5000, 130),
];

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn sums_are_as_close_as_their_order_allows() {
    for (rows, depth, cols) in SIZES {
        let case = Case::new(rows, depth, cols);
        let (exact, magnitudes) = case.exact();
        for isa in Isa::supported() {
            for (i, &got) in case.run(isa, &Finish::default()).iter().enumerate() {
                let bound = magnitudes[i] * depth as f64 * f64::from(f32::EPSILON);
                let error = (f64::from(got) - exact[i]).abs();
                assert!(error <= bound, "{isa:?} {rows}×{depth}×{cols} at {i}: {got} for {}", exact[i]);
            }
        }
    }
}

#[test]
fn every_sum_is_one_chain_whatever_is_around_it() {
    // The same chain without tiles; the sets that round once agree with one another.
    struct Chain<'a>(&'a Case);
    impl Task for Chain<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Vec<f32> {
            let Case { rows, depth, cols, a, b } = self.0;
            let mut out = Vec::new();
            for i in 0..rows * cols {
                let mut sum = s.splat(0.0);
                for k in 0..*depth {
                    let x = s.splat(a[i / cols * depth + k]);
                    sum = s.mul_add(x, s.splat(b[k * cols + i % cols]), sum);
                }
                let mut one = [0.0];
                s.store_some(sum, &mut one);
                out.push(one[0]);
            }
            out
        }
    }
    for (rows, depth, cols) in SIZES {
        let case = Case::new(rows, depth, cols);
        for isa in Isa::supported() {
            let expected = bits(&dispatch(isa, Chain(&case)));
            let name = format!("{isa:?} {rows}×{depth}×{cols}");
            assert_eq!(bits(&case.run(isa, &Finish::default())), expected, "{name}");
            // In blocks, as threads take them.
            for (rows_each, cols_each) in [(1, 16), (5, 32), (64, 48)] {
                let mut out = vec![f32::NAN; rows * cols];
                let packed = case.packed();
                for block in MatrixMut::dense(&mut out, cols).tiles(rows_each, cols_each) {
                    gemm_f32(isa, case.left(), &packed, &Finish::default(), block);
                }
                assert_eq!(bits(&out), expected, "{name} in blocks of {rows_each}×{cols_each}");
            }
        }
    }
}

/// Panels of `W` against panels of the same numbers in f32, in one piece and in blocks, with a finish.
fn check_stored<W: Stored>(rows: usize, depth: usize, cols: usize, weights: &[W]) {
    let mut case = Case::new(rows, depth, cols);
    widen(Isa::Scalar, weights, &mut case.b);
    let bias = numbers(cols, 5);
    let finish = Finish { bias: Some(&bias), function: Some(Unary::Relu), ..Finish::default() };
    let source = Source { data: weights, tap_step: 0, depth_step: cols, col_step: 1 };
    let packed = Packed::new(source, [1, depth, cols]).unwrap();
    assert_eq!(packed.bytes(), depth * cols.div_ceil(PANEL) * PANEL * size_of::<W>());
    for isa in Isa::supported() {
        for (rows_each, cols_each) in
            [(rows.max(1), cols.next_multiple_of(PANEL).max(16)), (1, 16), (5, 48), (64, 32)]
        {
            let mut out = vec![0.0; rows * cols];
            for block in MatrixMut::dense(&mut out, cols).tiles(rows_each, cols_each) {
                gemm_f32(isa, case.left(), &packed, &finish, block);
            }
            let name = format!("{isa:?} {rows}×{depth}×{cols} in blocks of {rows_each}×{cols_each}");
            let numbers =
                |x: &[f32]| x.iter().map(|x| if x.is_nan() { 1 } else { x.to_bits() }).collect::<Vec<_>>();
            assert_eq!(numbers(&out), numbers(&case.run(isa, &finish)), "{name}");
        }
    }
}

#[test]
fn panels_of_16_bits_give_what_the_same_numbers_in_f32_give() {
    for (rows, depth, cols) in SIZES {
        let weights = numbers(depth * cols, 2);
        let (mut halves, mut upper) = (vec![F16(0); depth * cols], vec![BF16(0); depth * cols]);
        narrow(Isa::Scalar, &weights, &mut halves);
        narrow(Isa::Scalar, &weights, &mut upper);
        check_stored(rows, depth, cols, &halves);
        check_stored(rows, depth, cols, &upper);
    }
}

#[test]
fn every_16_bits_there_are_may_be_a_weight() {
    // All codes: numbers too small for an exponent, infinities and NaN among them.
    let codes: Vec<u16> = (0..=u16::MAX).map(|i| i.wrapping_mul(40_503)).collect();
    for rows in [1, 2, 3, 7, 16] {
        check_stored(rows, 32, 2048, F16::of_bits(&codes));
        check_stored(rows, 32, 2048, BF16::of_bits(&codes));
        check_stored(rows, 2048, 32, F16::of_bits(&codes));
    }
}

#[test]
fn factors_of_16_bits_may_lie_anyhow() {
    let codes: Vec<u16> = (0..21 * 40).collect();
    let transposed: Vec<u16> = (0..21 * 40).map(|i| codes[i % 40 * 21 + i / 40]).collect();
    let packed = |data: &[u16], [tap_step, depth_step, col_step]: [usize; 3], taps: usize| {
        Packed::new(
            Source { data: F16::of_bits(data), tap_step, depth_step, col_step },
            [taps, 40 / taps, 21],
        )
        .unwrap()
    };
    let plain = packed(&codes, [0, 21, 1], 1);
    for (steps, taps) in [([0, 1, 40], 1), ([10, 1, 40], 4), ([5, 1, 40], 8)] {
        assert_eq!(packed(&transposed, steps, taps).lines(), plain.lines(), "{steps:?}");
    }
    assert!(plain.lines().len() == 80 && plain.lines()[79].0[5..].iter().all(|x| x.0 == 0));
}

#[test]
fn factors_may_lie_anyhow() {
    let case = Case::new(13, 40, 21);
    let transposed: Vec<f32> = (0..21 * 40).map(|i| case.b[i % 40 * 21 + i / 40]).collect();
    let wide: Vec<f32> = (0..13 * 1024)
        .map(|i| if i % 1024 < 40 { case.a[i / 1024 * 40 + i % 1024] } else { f32::NAN })
        .collect();
    let packed = |data: &[f32], [tap_step, depth_step, col_step]: [usize; 3], taps: usize| {
        PackedF32::new(Source { data, tap_step, depth_step, col_step }, [taps, 40 / taps, 21]).unwrap()
    };
    for (steps, taps) in [([0, 1, 40], 1), ([10, 1, 40], 4), ([5, 1, 40], 8)] {
        assert_eq!(packed(&transposed, steps, taps).lines(), case.packed().lines(), "{steps:?}");
    }
    // The depth as a convolution's weights have it: taps inside, and within them every fifth.
    let inside: Vec<f32> = (0..21 * 40).map(|i| transposed[i / 40 * 40 + i % 5 * 8 + i % 40 / 5]).collect();
    assert_eq!(packed(&inside, [1, 5, 40], 5).lines(), case.packed().lines());
    let packed = packed(&transposed, [0, 1, 40], 1);
    for isa in Isa::supported() {
        let expected = case.run(isa, &Finish::default());
        let mut out = vec![f32::NAN; 13 * 25];
        let left = Lhs::Rows { data: &wide[..12 * 1024 + 40], stride: 1024 };
        let to = MatrixMut::with_stride(&mut out, 13, 21, 25);
        gemm_f32(isa, left, &packed, &Finish::default(), to);
        for (out, expected) in out.chunks(25).zip(expected.chunks(21)) {
            assert_eq!(&out[..21], expected);
            assert!(out[21..].iter().all(|x| x.is_nan()), "{isa:?} wrote past a row");
        }
    }
}

#[test]
fn rows_that_evict_one_another_and_taps_are_the_same_rows() {
    for width in [3, 20, 1024, 2100] {
        let (taps, rows, cells) = (5, 20, 9);
        let image = numbers(cells * width, 3);
        let offsets: Vec<u32> = (0..rows * taps)
            .map(|i| if i % 7 == 3 { OUTSIDE } else { ((i * 5 + i / 4) % cells * width) as u32 })
            .collect();
        let pad = 0.25;
        let unrolled: Vec<f32> = offsets
            .iter()
            .flat_map(|&at| match at {
                OUTSIDE => vec![pad; width],
                at => image[at as usize..][..width].to_vec(),
            })
            .collect();
        let case =
            Case { rows, depth: taps * width, cols: 70, a: unrolled, b: numbers(taps * width * 70, 4) };
        let packed = case.packed();
        for isa in Isa::supported() {
            let mut out = vec![f32::NAN; rows * 70];
            let left = Lhs::Taps { image: &image, offsets: &offsets, taps, width, pad };
            for block in MatrixMut::dense(&mut out, 70).tiles(16, 70) {
                gemm_f32(isa, left, &packed, &Finish::default(), block);
            }
            assert_eq!(bits(&out), bits(&case.run(isa, &Finish::default())), "{isa:?}, {width} channels");
        }
    }
}

#[test]
fn finishes() {
    for (rows, depth, cols) in [(30, 20, 67), (3, 2, 5), (28, 4, 64), (2, 0, 20)] {
        let case = Case::new(rows, depth, cols);
        let (bias, more) = (numbers(cols, 5), numbers(rows * (cols + 3), 6));
        let plain = |beta: f32| Addend { data: &more, stride: cols + 3, beta };
        let of = |function| Finish { function: Some(function), ..Finish::default() };
        let finishes = [
            Finish { bias: Some(&bias), ..of(Unary::Relu) },
            Finish { bias: Some(&bias), addend: Some(plain(1.0)), ..Finish::default() },
            Finish { alpha: 0.5, addend: Some(plain(-2.0)), ..of(Unary::Clip { low: -0.5, high: 0.5 }) },
            of(Unary::LeakyRelu { alpha: 0.1 }),
            Finish { bias: Some(&bias), ..of(Unary::HardSwish) },
        ];
        for isa in Isa::supported() {
            let sums = case.run(isa, &Finish::default());
            for finish in finishes {
                let expected = |i: usize| {
                    let (row, col) = (i / cols, i % cols);
                    let mut x = finish.alpha * sums[i] + finish.bias.map_or(0.0, |b| b[col]);
                    x += finish.addend.map_or(0.0, |a| a.beta * a.data[row * a.stride + col]);
                    match finish.function {
                        Some(Unary::Relu) => x.max(0.0),
                        Some(Unary::Clip { low, high }) => x.max(low).min(high),
                        Some(Unary::LeakyRelu { alpha }) if x < 0.0 => alpha * x,
                        Some(Unary::HardSwish) => x * (x * (1.0 / 6.0) + 0.5).clamp(0.0, 1.0),
                        _ => x,
                    }
                };
                for (i, got) in case.run(isa, &finish).into_iter().enumerate() {
                    assert_eq!(got, expected(i), "{isa:?} {rows}×{depth}×{cols} at {i}: {finish:?}");
                }
            }
        }
    }
}

#[test]
fn infinities_stay_in_their_columns_and_nan_passes_every_activation() {
    let (rows, depth, cols) = (15, 6, 19);
    let mut case = Case::new(rows, depth, cols);
    case.a[2 * depth] = f32::INFINITY;
    case.a[14 * depth + 5] = f32::NAN;
    case.b[cols + 18] = f32::NEG_INFINITY;
    for isa in Isa::supported() {
        for function in [None, Some(Unary::Relu), Some(Unary::LeakyRelu { alpha: 0.1 })] {
            let out = case.run(isa, &Finish { function, ..Finish::default() });
            for (i, x) in out.iter().enumerate() {
                assert_eq!(
                    x.is_nan(),
                    i / cols == 14 || i == 2 * cols + 18 && opposite(&case),
                    "{isa:?} at {i}: {x}"
                );
            }
        }
    }
    fn opposite(case: &Case) -> bool {
        // ∞ from the row's own infinity, ±∞ from the column's.
        (case.b[18] > 0.0) == (case.a[2 * 6 + 1] > 0.0)
    }
}

#[test]
fn empty_products() {
    for isa in Isa::supported() {
        assert_eq!(Case::new(3, 0, 20).run(isa, &Finish::default()), [0.0; 60]);
        assert!(Case::new(0, 5, 20).run(isa, &Finish::default()).is_empty());
        assert!(Case::new(3, 5, 0).run(isa, &Finish::default()).is_empty());
    }
    // Of no depth, whatever else there is said to be.
    for size in [[usize::MAX, 0, usize::MAX], [0, usize::MAX, usize::MAX]] {
        let source = Source { data: &[], tap_step: 1, depth_step: 1, col_step: 1 };
        let packed = PackedF32::new(source, size).unwrap();
        assert_eq!((packed.depth(), packed.cols(), packed.lines().len()), (0, usize::MAX, 0));
    }
}

#[test]
#[should_panic(expected = "ends before")]
fn rows_must_be_there() {
    let case = Case::new(3, 5, 4);
    let left = Lhs::Rows { data: &case.a[1..], stride: 5 };
    gemm_f32(Isa::Scalar, left, &case.packed(), &Finish::default(), MatrixMut::dense(&mut [0.0; 12], 4));
}

#[test]
#[should_panic(expected = "past the end")]
fn taps_must_be_within_the_image() {
    let case = Case::new(1, 6, 4);
    let left = Lhs::Taps { image: &case.a[..5], offsets: &[0, 3], taps: 2, width: 3, pad: 0.0 };
    gemm_f32(Isa::Scalar, left, &case.packed(), &Finish::default(), MatrixMut::dense(&mut [0.0; 4], 4));
}
