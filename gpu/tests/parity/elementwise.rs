//! Functions of each element by itself.

use crate::harness::{Case, SIZES, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::ops::Attr;

/// Numbers at which functions bend, and where arithmetic on them ends.
const NASTY: [f32; 24] = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    1.0,
    -1.0,
    1.5,
    2.5,
    -2.5,
    0.3,
    -0.29,
    3.7,
    -7.9,
    88.0,
    -88.0,
    104.0,
    1e-6,
    -1e-3,
    1e10,
    -1e30,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::MIN_POSITIVE,
];
const FLOATS: [DType; 3] = [F32, F16, BF16];
const INTEGERS: [DType; 6] = [I8, U8, I16, U16, I32, U32];

#[test]
fn functions_of_floats_agree() {
    let names = [
        "Abs",
        "Acos",
        "Acosh",
        "Asin",
        "Asinh",
        "Atan",
        "Atanh",
        "Ceil",
        "Cosh",
        "Erf",
        "Exp",
        "Floor",
        "Log",
        "Neg",
        "Reciprocal",
        "Round",
        "Sign",
        "Sinh",
        "Sqrt",
        "Tanh",
    ];
    for name in names {
        for dtype in FLOATS {
            Case::new(name, 22, &[], &[tensor(dtype, &[NASTY.len()], &NASTY)]).check();
            Case::new(name, 22, &[], &[random(dtype, &[7, 31], 1.0)]).check();
            Case::new(name, 22, &[], &[random(dtype, &[7, 31], 30.0)]).check();
        }
        for shape in SIZES {
            Case::new(name, 22, &[], &[random(F16, shape, 1.0)]).check();
        }
    }
}

#[test]
fn angles_far_from_zero_agree() {
    for name in ["Sin", "Cos", "Tan"] {
        for most in [0.8, 4.0, 100.0, 5000.0] {
            Case::new(name, 22, &[], &[random(F32, &[999], most)]).check();
        }
        Case::new(name, 22, &[], &[tensor(F32, &[4], &[f32::NAN, f32::INFINITY, 0.0, -0.0])]).check();
    }
}

#[test]
fn functions_of_integers_agree_to_the_bit() {
    let numbers = [0.0, 1.0, -1.0, 127.0, -128.0, 255.0, 32767.0, -32768.0, 65535.0, 2e9, -2147483648.0, 4e9];
    for dtype in INTEGERS {
        for name in ["Abs", "Neg", "Sign", "BitwiseNot"] {
            Case::new(name, 18, &[], &[tensor(dtype, &[13], &numbers)]).check();
        }
    }
    Case::new("Not", 1, &[], &[tensor(Bool, &[7], &[0.0, 1.0])]).check();
}

#[test]
fn activations_agree() {
    let float = |x: f32| Attr::Float(x);
    let cases: [(&str, i64, &[(&str, Attr)]); 17] = [
        ("Celu", 12, &[("alpha", float(2.0))]),
        ("Elu", 22, &[("alpha", float(0.7))]),
        ("Gelu", 20, &[]),
        ("Gelu", 20, &[("approximate", Attr::Str("tanh".into()))]),
        ("HardSigmoid", 22, &[("alpha", float(0.3)), ("beta", float(0.4))]),
        ("HardSwish", 22, &[]),
        ("LeakyRelu", 16, &[("alpha", float(0.1))]),
        ("Mish", 22, &[]),
        ("Relu", 14, &[]),
        ("Selu", 22, &[]),
        ("Shrink", 9, &[("bias", float(0.5)), ("lambd", float(0.4))]),
        ("Sigmoid", 13, &[]),
        ("Softplus", 22, &[]),
        ("Softsign", 22, &[]),
        ("Swish", 24, &[("alpha", float(1.3))]),
        ("ThresholdedRelu", 22, &[("alpha", float(0.4))]),
        ("ThresholdedRelu", 22, &[("alpha", float(-0.4))]),
    ];
    for (name, version, attrs) in cases {
        for dtype in [F32, F16] {
            Case::new(name, version, attrs, &[tensor(dtype, &[NASTY.len()], &NASTY)]).check();
            Case::new(name, version, attrs, &[random(dtype, &[3, 67], 5.0)]).check();
        }
        for shape in SIZES {
            Case::new(name, version, attrs, &[random(F32, shape, 3.0)]).check();
        }
    }
}
