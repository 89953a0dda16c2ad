//! Matrix products.

use crate::harness::{Case, random, tensor};
use edgewise_core::DType::*;
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

/// Factors that no tile divides, and some that are hardly there.
const FACTORS: [(&[usize], &[usize]); 14] = [
    (&[3, 5], &[5, 7]),
    (&[65, 17], &[17, 66]),
    (&[64, 64], &[64, 64]),
    (&[1, 300], &[300, 70]),
    (&[2, 3, 5], &[2, 5, 4]),
    (&[2, 3, 5], &[5, 4]),
    (&[3, 5], &[2, 5, 4]),
    (&[2, 1, 3, 5], &[4, 5, 2]),
    (&[5], &[5]),
    (&[5], &[2, 5, 3]),
    (&[2, 3, 5], &[5]),
    (&[0, 5], &[5, 3]),
    (&[3, 0], &[0, 2]),
    (&[1, 1], &[1, 1]),
];

#[test]
fn products_broadcast() {
    for (a, b) in FACTORS {
        for dtype in [F32, F16] {
            Case::new("MatMul", 13, &[], &[random(dtype, a, 1.0), random(dtype, b, 2.0)]).check();
        }
    }
    let nasty = tensor(F32, &[2, 3], &[f32::INFINITY, 1.0, 2.0, f32::NAN, 1e30, -1e30]);
    Case::new("MatMul", 13, &[], &[nasty, random(F32, &[3, 2], 1.0)]).check();
}

#[test]
fn factors_may_lie_either_way() {
    for flips in 0..16 {
        let flag = |bit: i64| Attr::Int(flips >> bit & 1);
        let attrs = [
            ("transA", flag(0)),
            ("transB", flag(1)),
            ("transBatchA", flag(2)),
            ("transBatchB", flag(3)),
            ("alpha", Attr::Float(0.5)),
        ];
        let shape = |rows: usize, cols: usize, matrix: bool, batch: bool| {
            let (rows, cols) = if matrix { (cols, rows) } else { (rows, cols) };
            if batch { [rows, 2, cols] } else { [2, rows, cols] }
        };
        let on = |bit: i64| flips >> bit & 1 == 1;
        let (a, b) = (shape(3, 5, on(0), on(2)), shape(5, 7, on(1), on(3)));
        let inputs = [Some(random(F32, &a, 1.0)), Some(random(F32, &b, 1.0))];
        Case::of("com.microsoft", "FusedMatMul", 1, &attrs, &inputs, 1).check();
    }
}

#[test]
fn what_follows_a_product_is_part_of_it() {
    for addend in [&[3usize, 7][..], &[7], &[1, 7], &[3, 1], &[]] {
        for (ta, tb) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let attrs = [
                ("transA", Attr::Int(ta)),
                ("transB", Attr::Int(tb)),
                ("alpha", Attr::Float(0.5)),
                ("beta", Attr::Float(-2.0)),
            ];
            let (a, b) = (if ta == 1 { [5, 3] } else { [3, 5] }, if tb == 1 { [7, 5] } else { [5, 7] });
            let inputs = [random(F32, &a, 1.0), random(F32, &b, 1.0), random(F32, addend, 1.0)];
            Case::new("Gemm", 13, &attrs, &inputs).check();
            Case::new("Gemm", 13, &attrs, &inputs[..2]).check();
        }
    }
}

#[test]
fn every_activation_can_follow() {
    let names = [
        "",
        "Clip",
        "Elu",
        "HardSigmoid",
        "LeakyRelu",
        "ParametricSoftplus",
        "Relu",
        "ScaledTanh",
        "Selu",
        "Sigmoid",
        "Softplus",
        "Softsign",
        "Tanh",
        "ThresholdedRelu",
    ];
    for name in names {
        let attrs = [
            ("activation", Attr::Str(name.into())),
            ("activation_alpha", Attr::Float(-0.4)),
            ("activation_beta", Attr::Float(0.7)),
        ];
        let of = |shape: &[usize]| Some(random(F32, shape, 2.0));
        let inputs: [Option<Tensor>; 3] = [of(&[5, 20]), of(&[20, 9]), of(&[9])];
        Case::of("com.microsoft", "FusedGemm", 1, &attrs, &inputs, 1).check();
        let linear = [of(&[2, 5, 20]), of(&[9, 20]), of(&[9]), of(&[2, 5, 9])];
        let attrs = [&attrs[..], &[("transB", Attr::Int(1))]].concat();
        for inputs in [&linear[..], &linear[..3], &linear[..2]] {
            Case::of("edgewise", "Linear", 1, &attrs, inputs, 1).check();
        }
        let without = [linear[0].clone(), linear[1].clone(), None, linear[3].clone()];
        Case::of("edgewise", "Linear", 1, &attrs, &without, 1).check();
    }
}
