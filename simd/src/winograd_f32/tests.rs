use super::*;
use crate::elementwise::Unary;
use crate::gemm_f32::Addend;

/// Numbers between -1 and 1 without a pattern.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

fn axis(input: usize, before: usize, after: usize) -> Axis {
    Axis { input, kernel: 3, stride: 1, dilation: 1, before, output: input + before + after - 2 }
}

struct Case {
    rows: Axis,
    cols: Axis,
    ins: usize,
    outs: usize,
    image: Vec<f32>,
    weights: Vec<f32>,
}

impl Case {
    fn new(rows: Axis, cols: Axis, [ins, outs]: [usize; 2]) -> Case {
        let (image, weights) = (numbers(rows.input * cols.input * ins, 1), numbers(9 * ins * outs, 2));
        Case { rows, cols, ins, outs, image, weights }
    }

    fn job(&self) -> Job<'_> {
        Job { image: &self.image, rows: self.rows, cols: self.cols, finish: Finish::default() }
    }

    /// As the definition says, in f64.
    fn sums(&self) -> Vec<f64> {
        let Case { rows, cols, ins, outs, .. } = *self;
        let mut all = vec![0.0; rows.output * cols.output * outs];
        for (i, sum) in all.iter_mut().enumerate() {
            let (pixel, out) = (i / outs, i % outs);
            for tap in 0..9 {
                let (y, x) = (pixel / cols.output + tap / 3, pixel % cols.output + tap % 3);
                let Some(cell) = self.job().cell(y, x) else { continue };
                for c in 0..ins {
                    let (a, b) = (self.image[cell * ins + c], self.weights[(out * ins + c) * 9 + tap]);
                    *sum += f64::from(a) * f64::from(b);
                }
            }
        }
        all
    }

    /// In two parts, of which the second begins after so many rows of tiles, and so many tiles at a time.
    fn run(&self, isa: Isa, tiles: Tiles, job: &Job<'_>, (split, most): (usize, usize)) -> Option<Vec<f32>> {
        let weights = Winograd::new(isa, &self.weights, [self.outs, self.ins], tiles).unwrap();
        assert_eq!((weights.tiles(), weights.ins(), weights.outs()), (tiles, self.ins, self.outs));
        let mut out = vec![f32::NAN; self.rows.output * self.cols.output * self.outs];
        // What was there before must not matter.
        let mut scratch = vec![f32::NAN; weights.scratch(most)];
        let split = (split * weights.step()).min(self.rows.output);
        let (top, bottom) = out.split_at_mut(split * self.cols.output * self.outs);
        let mut finite = true;
        for (rows, out) in [(0..split, top), (split..self.rows.output, bottom)] {
            // Where the first part reaches the end, the second begins nowhere.
            if !rows.is_empty() {
                finite &= weights.convolve(isa, job, rows, (most, &mut scratch), out);
            }
        }
        finite.then_some(out)
    }
}

const TILES: [Tiles; 2] = [Tiles::Four, Tiles::Six];

/// The largest difference, in parts of the largest number.
fn error(out: &[f32], expected: &[f64]) -> f64 {
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |m, x| m.max(x.abs()));
    out.iter().zip(expected).fold(0.0, |m: f64, (&x, y)| m.max((f64::from(x) - y).abs())) / largest
}

#[test]
fn sums_are_those_of_the_definition() {
    let of = [
        (axis(1, 1, 1), axis(1, 1, 1), [1, 1]),
        (axis(9, 1, 1), axis(7, 1, 1), [5, 3]),
        (axis(3, 0, 0), axis(8, 0, 0), [16, 17]),
        (axis(2, 6, 4), axis(1, 2, 9), [20, 16]),
        (axis(13, 1, 0), axis(10, 0, 2), [35, 64]),
        (axis(4, 1, 1), axis(70, 1, 1), [3, 48]),
    ];
    for (rows, cols, channels) in of {
        let case = Case::new(rows, cols, channels);
        let expected = case.sums();
        for tiles in TILES {
            for isa in Isa::supported() {
                let whole = case.run(isa, tiles, &case.job(), (0, 60)).unwrap();
                assert_eq!(whole.len(), expected.len());
                let error = error(&whole, &expected);
                assert!(error < 3e-6, "{isa:?} {tiles:?} {rows:?} {cols:?} {channels:?}: {error}");
                // However it is cut.
                for (split, most) in [(1, 1), (2, 5), (9, 16)] {
                    let cut = case.run(isa, tiles, &case.job(), (split, most)).unwrap();
                    assert_eq!(cut, whole, "{isa:?} {tiles:?} {rows:?} {cols:?} {channels:?} {split} {most}");
                }
            }
        }
    }
}

/// What decision 0013 says of the digits that are lost.
#[test]
fn many_channels_cost_few_digits() {
    let case = Case::new(axis(14, 1, 1), axis(14, 1, 1), [256, 48]);
    let expected = case.sums();
    for (tiles, most) in [(Tiles::Four, 1e-6), (Tiles::Six, 5e-6)] {
        for isa in Isa::supported() {
            let error = error(&case.run(isa, tiles, &case.job(), (0, 49)).unwrap(), &expected);
            println!("{isa:?}, {tiles:?}: {error:.1e} of the largest sum");
            assert!(error < most, "{isa:?}, {tiles:?}: {error}");
        }
    }
}

#[test]
fn finishes() {
    let case = Case::new(axis(6, 1, 1), axis(7, 1, 1), [4, 21]);
    let (bias, more) = (numbers(21, 3), numbers(6 * 7 * 24, 4));
    let finish = |function| Finish {
        alpha: 0.5,
        bias: Some(&bias),
        addend: Some(Addend { data: &more, stride: 24, beta: 2.0 }),
        function: Some(function),
    };
    for (function, of) in [
        (Unary::LeakyRelu { alpha: 0.25 }, (|x| if x < 0.0 { 0.25 * x } else { x }) as fn(f64) -> f64),
        (Unary::Clip { low: -0.5, high: 1.5 }, |x| x.clamp(-0.5, 1.5)),
    ] {
        let job = Job { finish: finish(function), ..case.job() };
        let all = |(i, sum): (usize, f64)| {
            let (pixel, out) = (i / 21, i % 21);
            of(0.5 * sum + f64::from(bias[out]) + 2.0 * f64::from(more[pixel * 24 + out]))
        };
        let expected: Vec<f64> = case.sums().into_iter().enumerate().map(all).collect();
        for (isa, tiles) in Isa::supported().flat_map(|isa| TILES.map(|tiles| (isa, tiles))) {
            let out = case.run(isa, tiles, &job, (1, 3)).unwrap();
            assert!(error(&out, &expected) < 2e-6, "{isa:?} {tiles:?} {function:?}");
        }
    }
}

#[test]
fn what_is_not_finite_is_told() {
    for (isa, tiles) in Isa::supported().flat_map(|isa| TILES.map(|tiles| (isa, tiles))) {
        let plain = Case::new(axis(9, 1, 1), axis(9, 1, 1), [18, 19]);
        let told = |case: &Case| case.run(isa, tiles, &case.job(), (1, 2)).is_none();
        assert!(!told(&plain));
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38, -3e38] {
            // Any cell and any channel, and also where every weight is zero.
            for at in [0, 17, 9 * 18, 40 * 18 + 9, 81 * 18 - 1] {
                for zero in [false, true] {
                    let mut case = Case::new(plain.rows, plain.cols, [18, 19]);
                    case.image[at] = x;
                    if zero && !x.is_finite() {
                        case.weights.fill(0.0);
                    }
                    assert!(told(&case), "{isa:?} {tiles:?} {x} at {at}");
                }
            }
            let mut case = Case::new(plain.rows, plain.cols, [18, 19]);
            case.weights[9 * 18 * 18 + 13] = x;
            case.image.iter_mut().for_each(|cell| *cell *= 10.0);
            assert!(told(&case), "{isa:?} {tiles:?} a weight of {x}");
        }
    }
}

#[test]
#[should_panic(expected = "too small")]
fn images_must_be_there() {
    let mut case = Case::new(axis(4, 1, 1), axis(4, 1, 1), [2, 2]);
    case.image.pop();
    case.run(Isa::Scalar, Tiles::Six, &case.job(), (0, 1));
}

#[test]
#[should_panic]
fn addends_must_be_there() {
    let case = Case::new(axis(4, 1, 1), axis(4, 1, 1), [2, 2]);
    let addend = Some(Addend { data: &case.image[..31], stride: 2, beta: 1.0 });
    let job = Job { finish: Finish { addend, ..Finish::default() }, ..case.job() };
    case.run(Isa::Scalar, Tiles::Six, &job, (0, 1));
}
