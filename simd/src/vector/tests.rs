//! Every operation of every set that this machine has, against the scalar one.

use super::*;

const NUMBERS: [f32; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.5,
    2.5,
    -2.5,
    3.7,
    -3.7,
    1e-30,
    -1e30,
    1e30,
    255.4,
    -128.6,
    127.5,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::MIN_POSITIVE,
    1e9,
    -1e9,
    8388609.0,
    0.1,
];
const INTEGERS: [i32; 16] = [
    0,
    1,
    -1,
    127,
    -128,
    255,
    256,
    i32::MAX,
    i32::MIN,
    0x7f80_ff01,
    -559038737,
    1 << 24,
    16777217,
    0x7f7f_7f7f,
    -0x7f7f_7f80,
    77,
];

/// The bits that every operation gives for a pair of rows of numbers and of integers.
struct Everything<'a>(&'a [f32], &'a [f32], &'a [i32], &'a [i32]);

impl Task for Everything<'_> {
    type Output = Vec<Vec<u32>>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<Vec<u32>> {
        let Everything(x, y, i, j) = self;
        let mut out: Vec<Vec<u32>> = vec![Vec::new(); 48];
        for at in (0..x.len()).step_by(S::LANES) {
            let (a, b) = (s.load_some(&x[at..]), s.load_some(&y[at..]));
            let zero = s.splat(0.0);
            let floats = [
                s.add(a, b),
                s.sub(a, b),
                s.mul(a, b),
                s.div(a, b),
                s.min(a, b),
                s.max(a, b),
                s.sqrt(a),
                s.round(a),
                s.select(s.lt(a, b), a, b),
                s.select(s.is_nan(a), b, a),
                s.of_bits(s.bits(a)),
                s.abs(a),
                s.neg(a),
                s.splat(1.25),
                s.to_f32(s.to_i32(s.select(s.lt(s.mul(a, a), s.splat(1e17)), a, zero))),
            ];
            for (row, v) in out.iter_mut().zip(floats) {
                let mut lanes = vec![0f32; S::LANES.min(x.len() - at)];
                s.store_some(v, &mut lanes);
                row.extend(lanes.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }));
            }
        }
        for at in (0..i.len()).step_by(S::LANES) {
            let (a, b) = (s.load_i(&i[at..]), s.load_i(&j[at..]));
            let integers = [
                s.add_i(a, b),
                s.sub_i(a, b),
                s.mul_i(a, b),
                s.min_i(a, b),
                s.max_i(a, b),
                s.and(a, b),
                s.or(a, b),
                s.xor(a, b),
                s.shl::<3>(a),
                s.shr::<5>(a),
                s.shr_by(a, 0),
                s.shr_by(a, 31),
                s.dot(a, a, b),
                match S::SIGNED_DOT {
                    false => s.dot_native(a, a, b),
                    // Bytes less 128, and 128 times those of `b`.
                    true => {
                        let half = s.splat_i(0x8080_8080_u32 as i32);
                        s.dot_native(s.dot(a, half, b), s.xor(a, half), b)
                    }
                },
                s.dot_small(a, s.and(a, s.splat_i(0x7f7f_7f7f)), b),
                s.bits(s.to_f32(a)),
                s.splat_i(-7),
            ];
            for (row, v) in out[20..].iter_mut().zip(integers) {
                let mut lanes = vec![0; S::LANES];
                s.store_i(v, &mut lanes);
                row.extend(lanes.iter().map(|&x| x as u32));
            }
        }
        out
    }
}

#[test]
fn every_set_agrees_with_the_scalar_one_to_the_bit() {
    let x: Vec<f32> = (0..576).map(|n| NUMBERS[n / 24]).collect();
    let y: Vec<f32> = (0..576).map(|n| NUMBERS[n % 24]).collect();
    let i: Vec<i32> = (0..256).map(|n| INTEGERS[n / 16]).collect();
    let j: Vec<i32> = (0..256).map(|n| INTEGERS[n % 16]).collect();
    let expected = dispatch(Isa::Scalar, Everything(&x[..571], &y[..571], &i, &j));
    for isa in Isa::supported() {
        let got = dispatch(isa, Everything(&x[..571], &y[..571], &i, &j));
        for (op, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let wrong = got.iter().zip(expected).position(|(a, b)| a != b);
            assert_eq!(wrong, None, "{isa:?}, operation {op}");
        }
    }
}

/// What takes a factor from a lane, against what takes it from all.
struct Lanes<const LANE: i32>;

impl<const LANE: i32> Task for Lanes<LANE> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if LANE as usize >= S::LANES {
            return;
        }
        let (x, i): (Vec<f32>, Vec<i32>) =
            (0..16).map(|at| (1.7 * at as f32 - 9.1, INTEGERS[(at * 5 + 13) % 16])).unzip();
        let (a, i) = (s.load(&x), s.load_i(&i));
        let (one, byte) = (s.splat(x[LANE as usize]), s.splat_i(INTEGERS[(LANE as usize * 5 + 13) % 16]));
        let bits = |x: S::I| {
            let mut lanes = vec![0; S::LANES];
            s.store_i(x, &mut lanes);
            lanes
        };
        let (b, c) = (s.splat(0.3), s.load_some(&x[3..]));
        let (got, expected) = (s.mul_add_lane::<LANE>(a, b, c), s.mul_add(one, b, c));
        assert_eq!(bits(s.bits(got)), bits(s.bits(expected)));
        for j in INTEGERS {
            let j = s.add_i(s.splat_i(j), i);
            assert_eq!(bits(s.dot_lane::<LANE>(i, i, j)), bits(s.dot_native(i, byte, j)));
            let small = s.and(j, s.splat_i(0x7f7f_7f7f));
            assert_eq!(bits(s.dot_small_lane::<LANE>(i, small, i)), bits(s.dot_small(i, small, byte)));
        }
    }
}

#[test]
fn a_lane_is_as_good_as_a_vector_of_it() {
    for isa in Isa::supported() {
        dispatch(isa, Lanes::<0>);
        dispatch(isa, Lanes::<1>);
        dispatch(isa, Lanes::<2>);
        dispatch(isa, Lanes::<3>);
    }
}

/// `zip4` and `narrow`, alone and one after the other.
struct Bytes;

impl Task for Bytes {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let byte = |row: usize, at: usize| (row * 67 + at * 5) as u8;
        let lanes = |v: S::I| {
            let mut lanes = vec![0; S::LANES];
            s.store_i(v, &mut lanes);
            lanes
        };
        let rows = [0, 1, 2, 3].map(|row| {
            let word = |i: usize| i32::from_le_bytes([0, 1, 2, 3].map(|j| byte(row, 4 * i + j)));
            s.load_i(&(0..S::LANES).map(word).collect::<Vec<_>>())
        });
        // Where what a lane of a vector holds came from.
        let at = |v: usize, lane: usize| if S::LANES == 1 { v } else { lane / 4 * 16 + v * 4 + lane % 4 };
        let zipped = s.zip4(rows).map(lanes);
        for (v, zipped) in zipped.iter().enumerate() {
            for (lane, quad) in zipped.iter().enumerate() {
                assert_eq!(quad.to_le_bytes(), [0, 1, 2, 3].map(|row| byte(row, at(v, lane))));
            }
        }
        let number = |signed: bool, i: usize| (i * 41 % 256) as i32 - if signed { 128 } else { 0 };
        let vectors = |signed: bool, zipped: bool| {
            [0, 1, 2, 3].map(|v| {
                let place = |lane| if zipped { at(v, lane) } else { v * S::LANES + lane };
                s.load_i(&(0..S::LANES).map(|lane| number(signed, place(lane))).collect::<Vec<_>>())
            })
        };
        let bytes = |v: S::I| lanes(v).iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
        let all = |signed| (0..4 * S::LANES).map(|i| number(signed, i) as u8).collect::<Vec<_>>();
        assert_eq!(bytes(s.narrow::<false, false>(vectors(false, false))), all(false));
        assert_eq!(bytes(s.narrow::<false, true>(vectors(false, true))), all(false));
        assert_eq!(bytes(s.narrow::<true, false>(vectors(true, false))), all(true));
        assert_eq!(bytes(s.narrow::<true, true>(vectors(true, true))), all(true));
    }
}

#[test]
fn bytes_are_zipped_and_narrowed() {
    Isa::supported().for_each(|isa| dispatch(isa, Bytes));
}

struct Ends(usize);

impl Task for Ends {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let n = self.0;
        let (bytes, signed) = ([200u8; 40], [-100i8; 40]);
        let lanes = |v: S::I| {
            let mut lanes = vec![0; S::LANES];
            s.store_i(v, &mut lanes);
            lanes
        };
        let expected = |x: i32| (0..S::LANES).map(|i| if i < n { x } else { 0 }).collect::<Vec<_>>();
        assert_eq!(lanes(s.load_u8(&bytes[..n])), expected(200));
        assert_eq!(lanes(s.load_i8(&signed[..n])), expected(-100));
        assert_eq!(lanes(s.load_i_some(&[9; 40][..n])), expected(9));
        let mut to = vec![7u8; n + 1];
        s.store_bytes(s.splat_i(-2), &mut to[..n]);
        assert_eq!(to[n], 7);
        assert!(to[..n.min(S::LANES)].iter().all(|&b| b == 254));
        let row = vec![2.0; S::LANES];
        assert_eq!((s.sum(s.load(&row)), s.largest(s.load(&row))), (2.0 * S::LANES as f32, 2.0));
    }
}

#[test]
fn ends_of_rows_are_neither_read_nor_written_past() {
    for isa in Isa::supported() {
        (0..20).for_each(|n| dispatch(isa, Ends(n)));
    }
}
