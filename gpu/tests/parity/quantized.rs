//! Quantization: integers agree to the bit.

use crate::harness::{Case, exact, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

/// Numbers at the limits, numbers that are none, and many that lie beside a half after division.
fn beside_halves(scale: f32) -> Tensor {
    let mut numbers = vec![
        0.0,
        -0.0,
        1e30,
        -1e30,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        1e-40,
        f32::MIN_POSITIVE,
        127.5,
        128.5,
    ];
    for steps in -70..70 {
        let half = (steps as f32 + 0.5) * scale;
        for apart in -2i32..=2 {
            numbers.push(f32::from_bits(half.to_bits().wrapping_add_signed(apart)));
        }
    }
    exact(&[numbers.len()], &numbers)
}

#[test]
fn quotients_are_rounded_as_ieee_division_has_them() {
    for scale in [1.0, 0.1, 0.007_843_138, 3.7, 1e-3, 1e30, 1e-39, 0.0, -0.3, f32::INFINITY, f32::NAN] {
        for zero in [U8, I8, U16, I16] {
            let inputs = [beside_halves(scale), tensor(F32, &[], &[scale]), tensor(zero, &[], &[7.0])];
            Case::new("QuantizeLinear", 21, &[], &inputs).check();
        }
        let inputs = [beside_halves(scale), tensor(F32, &[1], &[scale])];
        Case::new("QuantizeLinear", 13, &[], &inputs).check();
    }
}

/// Attributes by name.
type Attributes = Vec<(&'static str, Attr)>;

/// A tensor's shape, that of its scales, and attributes.
fn layouts() -> Vec<(Vec<usize>, Vec<usize>, Attributes)> {
    let axis = |i: i64| ("axis", Attr::Int(i));
    let block = |n: i64| ("block_size", Attr::Int(n));
    vec![
        (vec![2, 3, 5], vec![3], vec![]),
        (vec![2, 3, 5], vec![5], vec![axis(-1)]),
        (vec![7], vec![7], vec![axis(0)]),
        (vec![2, 6, 5], vec![2, 2, 5], vec![axis(1), block(3)]),
        (vec![2, 7], vec![2, 3], vec![axis(-1), block(3)]),
        (vec![5, 3], vec![2, 3], vec![axis(0), block(4)]),
        (vec![0, 3], vec![3], vec![axis(1)]),
    ]
}

#[test]
fn scales_lie_along_an_axis_or_in_blocks() {
    for (shape, scales, attrs) in layouts() {
        for (dtype, to) in [(F32, U8), (F32, I8), (F16, U8), (F32, I16), (BF16, U8)] {
            let steps = [0.3, 0.7, 1.1, 0.011, 2.0];
            let inputs = [
                random(dtype, &shape, 90.0),
                tensor(dtype, &scales, &steps),
                tensor(to, &scales, &[3.0, 9.0, 0.0]),
            ];
            Case::new("QuantizeLinear", 21, &attrs, &inputs).check();
            Case::new("QuantizeLinear", 21, &attrs, &inputs[..2]).check();
            let back = [random(to, &shape, 100.0), inputs[1].clone(), inputs[2].clone()];
            Case::new("DequantizeLinear", 21, &attrs, &back).check();
            Case::new("DequantizeLinear", 21, &attrs, &back[..2]).check();
        }
    }
    let sums = [random(I32, &[3, 5], 1e6), tensor(F32, &[5], &[0.3, 1e-4])];
    Case::new("DequantizeLinear", 13, &[], &sums).check();
}

#[test]
fn ranges_are_found_while_running() {
    let shapes: [&[usize]; 6] = [&[1], &[0], &[3, 5], &[77], &[40, 1000], &[200, 1001]];
    for shape in shapes {
        for most in [1e-3f32, 1.0, 300.0] {
            let x = random(F32, shape, most);
            Case::of("", "DynamicQuantizeLinear", 11, &[], &[Some(x.clone())], 3).check();
            Case::of("", "DynamicQuantizeLinear", 11, &[], &[Some(x)], 3).wanting(&[0]).check();
        }
    }
    for numbers in
        [&[5.0, 7.0, 9.0][..], &[-5.0, -7.0], &[0.0], &[f32::NAN, 2.0, -3.0], &[1.0, f32::INFINITY]]
    {
        let x = tensor(F32, &[6], numbers);
        Case::of("", "DynamicQuantizeLinear", 11, &[], &[Some(x)], 3).check();
    }
}

/// The types that are multiplied as integers.
const BYTES: [DType; 2] = [U8, I8];

/// All values of a byte, and those at the ends side by side.
fn bytes(dtype: DType, shape: &[usize]) -> Tensor {
    let low = if dtype == U8 { 0.0 } else { -128.0 };
    tensor(dtype, shape, &[low, low + 255.0, low + 77.0, low + 255.0, low, low + 130.0, low + 3.0])
}

/// Factors that no tile and no word divides, with lines for zero points.
const FACTORS: [(&[usize], &[usize]); 9] = [
    (&[3, 5], &[5, 7]),
    (&[65, 36], &[36, 66]),
    (&[1, 300], &[300, 70]),
    (&[2, 3, 5], &[2, 5, 4]),
    (&[3, 8], &[2, 8, 4]),
    (&[5], &[5, 2]),
    (&[0, 5], &[5, 3]),
    (&[3, 0], &[0, 2]),
    (&[1, 1], &[1, 1]),
];

#[test]
fn integer_products_agree() {
    for (a, b) in FACTORS {
        for left in BYTES {
            for right in BYTES {
                let (rows, cols) = (if a.len() == 1 { 1 } else { a[a.len() - 2] }, b[b.len() - 1]);
                let (a, b) = (bytes(left, a), bytes(right, b));
                let whole = [
                    Some(a.clone()),
                    Some(b.clone()),
                    Some(tensor(left, &[], &[7.0])),
                    Some(tensor(right, &[], &[100.0])),
                ];
                Case::of("", "MatMulInteger", 10, &[], &whole, 1).knowing(&[1, 3]).check();
                Case::of("", "MatMulInteger", 10, &[], &whole, 1).check_if_taken();
                Case::of("", "MatMulInteger", 10, &[], &whole[..2], 1).check();
                let lines = [Some(a), Some(b), Some(bytes(left, &[rows])), Some(bytes(right, &[cols]))];
                Case::of("", "MatMulInteger", 10, &[], &lines, 1).check_if_taken();
            }
        }
    }
}

#[test]
fn sums_of_products_become_numbers() {
    for (a, b) in FACTORS {
        for (left, right) in [(U8, I8), (I8, U8)] {
            let cols = b[b.len() - 1];
            for lines in [&[][..], &[cols]] {
                let mut inputs = vec![
                    Some(bytes(left, a)),
                    Some(bytes(right, b)),
                    Some(tensor(F32, &[], &[0.013])),
                    Some(tensor(F32, lines, &[0.02, 0.003, 0.7])),
                    Some(tensor(left, &[], &[9.0])),
                    Some(tensor(right, lines, &[3.0, 100.0])),
                ];
                let case = |inputs: &[Option<Tensor>]| {
                    let case = Case::of("com.microsoft", "MatMulIntegerToFloat", 1, &[], inputs, 1);
                    case.check_if_taken();
                    case.knowing(&[1, 2, 3, 4, 5, 6]).check();
                };
                case(&inputs);
                case(&inputs[..4]);
                inputs.push(Some(random(F32, &[cols], 3.0)));
                case(&inputs);
            }
        }
    }
}

#[test]
fn quantized_products_agree() {
    for (a, b) in FACTORS {
        for (left, right, to) in [(U8, U8, U8), (U8, I8, U8), (I8, I8, I8), (U8, I8, I8)] {
            let cols = b[b.len() - 1];
            for lines in [&[][..], &[cols]] {
                let inputs = [
                    bytes(left, a),
                    tensor(F32, &[], &[0.013]),
                    tensor(left, &[], &[9.0]),
                    bytes(right, b),
                    tensor(F32, lines, &[0.02, 0.003, 0.7]),
                    tensor(right, lines, &[3.0, 100.0]),
                    tensor(F32, &[], &[0.37]),
                    tensor(to, &[], &[11.0]),
                ];
                Case::new("QLinearMatMul", 10, &[], &inputs).knowing(&[1, 2, 4, 5, 6, 7]).check();
            }
        }
    }
}

#[test]
fn convolutions_of_bytes_agree() {
    let list = |name: &'static str, values: &[i64]| (name, Attr::Ints(values.to_vec()));
    let group = |n: i64| ("group", Attr::Int(n));
    let cases: [(&[usize], &[usize], Attributes); 7] = [
        (&[1, 3, 7, 9], &[16, 3, 3, 3], vec![list("pads", &[1, 1, 1, 1])]),
        (&[2, 8, 5, 5], &[70, 8, 1, 1], vec![]),
        (&[1, 4, 9, 9], &[8, 4, 3, 3], vec![list("dilations", &[2, 3]), list("pads", &[2, 3, 2, 3])]),
        (
            &[1, 6, 9, 10],
            &[6, 1, 3, 3],
            vec![group(6), list("strides", &[2, 2]), list("pads", &[1, 1, 1, 1])],
        ),
        (&[1, 8, 5, 5], &[20, 4, 2, 2], vec![group(2)]),
        (&[2, 3, 20], &[9, 3, 4], vec![list("strides", &[3])]),
        (&[0, 3, 4, 4], &[8, 3, 2, 2], vec![]),
    ];
    for (x, w, attrs) in &cases {
        for (of_x, of_w, to) in [(U8, U8, U8), (U8, I8, U8), (I8, I8, I8), (I8, U8, I8)] {
            let zeros = [tensor(of_x, &[], &[9.0]), tensor(of_w, &[], &[100.0])];
            let [x_zero, w_zero] = &zeros;
            let sums = [bytes(of_x, x), bytes(of_w, w), x_zero.clone(), w_zero.clone()];
            Case::new("ConvInteger", 10, attrs, &sums).knowing(&[1, 3]).check();
            Case::new("ConvInteger", 10, attrs, &sums).check_if_taken();
            Case::new("ConvInteger", 10, attrs, &sums[..2]).knowing(&[1]).check();
            let activation = ("activation", Attr::Str("Relu".into()));
            let numbers = [
                Some(bytes(of_x, x)),
                Some(bytes(of_w, w)),
                Some(tensor(F32, &[], &[0.013])),
                Some(tensor(F32, &w[..1], &[0.02, 0.003, 0.7])),
                Some(x_zero.clone()),
                None,
                Some(random(F32, &w[..1], 3.0)),
            ];
            let fused = [&attrs[..], &[activation]].concat();
            Case::of("edgewise", "ConvIntegerToFloat", 1, &fused, &numbers, 1).knowing(&[1, 3, 5, 6]).check();
            for lines in [&[][..], &w[..1]] {
                let mut inputs = vec![
                    bytes(of_x, x),
                    tensor(F32, &[], &[0.013]),
                    x_zero.clone(),
                    bytes(of_w, w),
                    tensor(F32, lines, &[0.02, 0.003, 0.7]),
                    tensor(of_w, lines, &[3.0, 100.0, 0.0]),
                    tensor(F32, &[], &[0.37]),
                    tensor(to, &[], &[11.0]),
                ];
                Case::new("QLinearConv", 10, attrs, &inputs).knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
                inputs.push(tensor(I32, &w[..1], &[1000.0, -70_000.0, 3.0]));
                Case::new("QLinearConv", 10, attrs, &inputs).knowing(&[1, 2, 3, 4, 5, 6, 7, 8]).check();
                let mut shape = x.to_vec();
                shape[1..].rotate_left(1);
                inputs[0] = bytes(of_x, &shape);
                let last = [&attrs[..], &[("channels_last", Attr::Int(1))]].concat();
                let inputs: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
                Case::of("com.microsoft", "QLinearConv", 1, &last, &inputs, 1)
                    .knowing(&[1, 2, 3, 4, 5, 6, 7, 8])
                    .check();
            }
        }
    }
}
