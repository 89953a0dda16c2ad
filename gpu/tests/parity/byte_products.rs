//! Products of bytes: equal to the bit, whatever is known of them and however they are divided.

use crate::harness::{Case, exact, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

/// Bytes over all of their range, always the same ones.
pub fn bytes(dtype: DType, shape: &[usize], seed: u32) -> Tensor {
    let byte = |i: u32| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 21) as u8;
    let bytes: Vec<u8> = (0..shape.iter().product::<usize>() as u32).map(byte).collect();
    Tensor::from_bytes(dtype, shape, &bytes).unwrap()
}

/// A zero point.
pub fn zero(dtype: DType, zero: f32) -> Tensor {
    tensor(dtype, &[], &[zero])
}

fn one(scale: f32) -> Tensor {
    exact(&[], &[scale])
}

/// Shapes of both factors: a row, few rows, tiles and parts of them, depths that are no words, batches.
const SHAPES: [(&[usize], &[usize]); 12] = [
    (&[1, 64], &[64, 16]),
    (&[4, 7], &[7, 3]),
    (&[5, 130], &[130, 65]),
    (&[33, 64], &[64, 68]),
    (&[2, 3, 20], &[20, 9]),
    (&[7], &[7, 5]),
    (&[6, 8], &[8]),
    (&[2, 1, 9, 12], &[3, 12, 8]),
    (&[2, 6, 9], &[2, 9, 7]),
    (&[0, 3], &[3, 4]),
    (&[3, 0], &[0, 5]),
    (&[1, 300], &[300, 1001]),
];

#[test]
fn matrices_of_bytes_multiply() {
    let mut seed = 0;
    for (a, b) in SHAPES {
        for (left, right, zeros) in [(U8, I8, [128.0, 0.0]), (I8, U8, [-128.0, 255.0]), (U8, U8, [0.0, 7.0])]
        {
            seed += 1;
            let inputs =
                [bytes(left, a, seed), bytes(right, b, 77), zero(left, zeros[0]), zero(right, zeros[1])];
            let case = Case::new("MatMulInteger", 10, &[], &inputs);
            case.clone().knowing(&[1, 2, 3]).check();
            case.clone().knowing(&[1, 3]).check();
            case.knowing(&[3]).check();
        }
        Case::new("MatMulInteger", 10, &[], &[bytes(I8, a, 5), bytes(I8, b, 6)]).check();
    }
}

#[test]
fn products_are_quantized_again() {
    for (a, b) in SHAPES {
        for (y, y_zero, y_scale) in [(U8, 255.0, 3.0f32), (I8, -128.0, 0.5), (U8, 3.0, 1e-6), (I8, 0.0, 90.0)]
        {
            let columns = if b.len() > 1 { b[b.len() - 1] } else { 1 };
            let scales: Vec<f32> = (0..columns).map(|i| 0.01 + 0.001 * i as f32).collect();
            let inputs = [
                bytes(U8, a, 3),
                one(0.37),
                zero(U8, 100.0),
                bytes(I8, b, 9),
                exact(&[columns], &scales),
                zero(I8, -3.0),
                one(y_scale),
                zero(y, y_zero),
            ];
            let case = Case::new("QLinearMatMul", 10, &[], &inputs);
            case.clone().knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
            case.knowing(&[1, 2, 4, 5, 6, 7]).check();
        }
    }
}

#[test]
fn sums_beyond_24_bits_are_rounded_to_nearest() {
    let (a, b) = (exact(&[6, 600], &[255u8; 3600]), exact(&[600, 4], &[127i8; 2400]));
    for y_scale in [1e5f32, 76_500.3, 333_333.34, 1.0] {
        let y = zero(U8, 1.0);
        let inputs =
            [a.clone(), one(1.0), zero(U8, 1.0), b.clone(), one(1.0), zero(I8, 0.0), one(y_scale), y];
        Case::new("QLinearMatMul", 10, &[], &inputs).knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
    }
    let inputs =
        [a, b, one(1.1), one(0.9), zero(U8, 3.0), zero(I8, 1.0), exact(&[4], &[0.1f32, -7.7, 1e9, 0.0])];
    let inputs = inputs.map(Some);
    let case = Case::of("com.microsoft", "MatMulIntegerToFloat", 1, &[], &inputs, 1).exactly();
    case.clone().knowing(&[1, 2, 3, 4, 5, 6]).check();
    case.knowing(&[1, 3, 5, 6]).check();
}

#[test]
fn products_become_floats() {
    for (a, b) in SHAPES {
        let columns = if b.len() > 1 { b[b.len() - 1] } else { 1 };
        let scales: Vec<f32> = (0..columns).map(|i| 0.01 + 0.001 * i as f32).collect();
        let scales = || exact(&[columns], &scales);
        let zeros = tensor(I8, &[columns], &[0.0, -3.0, 127.0]);
        let bias = random(F32, &[columns], 30.0);
        let inputs = [
            Some(bytes(U8, a, 3)),
            Some(bytes(I8, b, 9)),
            Some(one(0.03)),
            Some(scales()),
            Some(zero(U8, 130.0)),
            Some(zeros.clone()),
            Some(bias.clone()),
        ];
        let case = Case::of("com.microsoft", "MatMulIntegerToFloat", 1, &[], &inputs, 1).exactly();
        case.clone().knowing(&[1, 2, 3, 4, 5, 6]).check();
        case.knowing(&[3, 5, 6]).check();
        let inputs =
            [Some(random(F32, a, 3.0)), Some(bytes(I8, b, 9)), Some(scales()), Some(zeros), Some(bias)];
        let case = Case::of("com.microsoft", "DynamicQuantizeMatMul", 1, &[], &inputs, 1).exactly();
        case.knowing(&[1, 2, 3, 4]).check();
    }
}

#[test]
fn matrices_may_be_flipped_and_have_an_addend() {
    for (rows, depth, columns) in [(1, 64, 10), (3, 13, 5), (40, 32, 70), (2, 1280, 1000)] {
        for (left, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let attrs =
                [("transA", Attr::Int(left)), ("transB", Attr::Int(right)), ("alpha", Attr::Float(0.7))];
            let a = if left == 1 { [depth, rows] } else { [rows, depth] };
            let b = if right == 1 { [columns, depth] } else { [depth, columns] };
            let bias: Vec<i32> = (0..columns as i32).map(|i| i * 1001 - 7000).collect();
            let inputs = [
                Some(bytes(U8, &a, 3)),
                Some(one(0.02)),
                Some(zero(U8, 3.0)),
                Some(bytes(I8, &b, 4)),
                Some(one(0.1)),
                Some(zero(I8, 0.0)),
                Some(exact(&[1, columns], &bias)),
                Some(one(0.9)),
                Some(zero(U8, 130.0)),
            ];
            let known = [1, 2, 3, 4, 5, 6, 7, 8];
            Case::of("com.microsoft", "QGemm", 1, &attrs, &inputs, 1).knowing(&known).check();
            Case::of("com.microsoft", "QGemm", 1, &attrs, &inputs, 1).knowing(&[1, 2, 4, 5, 6, 7, 8]).check();
            let floats = &inputs[..7];
            Case::of("com.microsoft", "QGemm", 1, &attrs, floats, 1).knowing(&known[..6]).exactly().check();
        }
    }
}
