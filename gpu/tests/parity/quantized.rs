//! Quantization: integers agree to the bit.

use crate::harness::{Case, exact, random, tensor};
use edgewise_core::DType::*;
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

/// A tensor's shape, that of its scales, and attributes.
fn layouts() -> Vec<(Vec<usize>, Vec<usize>, Vec<(&'static str, Attr)>)> {
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
