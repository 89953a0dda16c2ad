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
    let tanh = [("approximate", Attr::Str("tanh".into()))];
    let two =
        |a: &'static str, x: f32, b: &'static str, y: f32| vec![(a, Attr::Float(x)), (b, Attr::Float(y))];
    let one = |name: &'static str, x: f32| vec![(name, Attr::Float(x))];
    let cases = [
        ("Celu", 12, one("alpha", 2.0)),
        ("Elu", 22, one("alpha", 0.7)),
        ("Gelu", 20, vec![]),
        ("Gelu", 20, tanh.to_vec()),
        ("HardSigmoid", 22, two("alpha", 0.3, "beta", 0.4)),
        ("HardSwish", 22, vec![]),
        ("LeakyRelu", 16, one("alpha", 0.1)),
        ("Mish", 22, vec![]),
        ("Relu", 14, vec![]),
        ("Selu", 22, vec![]),
        ("Shrink", 9, two("bias", 0.5, "lambd", 0.4)),
        ("Sigmoid", 13, vec![]),
        ("Softplus", 22, vec![]),
        ("Softsign", 22, vec![]),
        ("Swish", 24, one("alpha", 1.3)),
        ("ThresholdedRelu", 22, one("alpha", 0.4)),
        ("ThresholdedRelu", 22, one("alpha", -0.4)),
    ];
    for (name, version, attrs) in &cases {
        let (name, version) = (*name, *version);
        for dtype in [F32, F16] {
            Case::new(name, version, attrs, &[tensor(dtype, &[NASTY.len()], &NASTY)]).check();
            Case::new(name, version, attrs, &[random(dtype, &[3, 67], 5.0)]).check();
        }
        for shape in SIZES {
            Case::new(name, version, attrs, &[random(F32, shape, 3.0)]).check();
        }
    }
}

/// Two shapes that broadcast.
const PAIRS: [(&[usize], &[usize]); 9] = [
    (&[67], &[67]),
    (&[2, 33], &[33]),
    (&[2, 33], &[2, 1]),
    (&[5], &[]),
    (&[], &[5]),
    (&[1, 3, 1, 5], &[2, 1, 4, 1]),
    (&[0, 3], &[1, 3]),
    (&[2, 3, 2, 3, 1, 2, 3], &[3, 1, 3, 1, 2, 1]),
    (&[1], &[1]),
];

/// Numbers of that type, with its ends.
fn numbers(dtype: DType, shape: &[usize], seed: usize) -> edgewise_core::Tensor {
    if dtype.is_float() {
        return random(dtype, shape, 9.0);
    }
    let ends =
        [3.0, -7.0, 127.0, -128.0, 255.0, -2.0, 0.0, 32767.0, 5.0, 2147483520.0, -2147483648.0, 1.0, 11.0];
    let turned: Vec<f32> = ends.iter().copied().cycle().skip(seed).take(ends.len()).collect();
    tensor(dtype, shape, &turned)
}

#[test]
fn arithmetic_agrees() {
    for (a, b) in PAIRS {
        for name in ["Add", "Sub", "Mul", "Div"] {
            for dtype in [F32, F16, BF16, I8, U8, U16, I32, U32] {
                Case::new(name, 14, &[], &[numbers(dtype, a, 0), numbers(dtype, b, 3)]).check();
            }
        }
    }
    for name in ["Mod", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Pow", "Div", "Mul"] {
        for dtype in INTEGERS {
            Case::new(name, 18, &[], &[numbers(dtype, &[13, 13], 0), numbers(dtype, &[13, 1], 0)]).check();
        }
    }
    for dtype in [I8, I32, U16] {
        let inputs = [numbers(dtype, &[13, 13], 0), numbers(dtype, &[13, 1], 0)];
        Case::new("Mod", 13, &[("fmod", Attr::Int(1))], &inputs).check();
    }
    for direction in ["LEFT", "RIGHT"] {
        let by = tensor(U8, &[5], &[0.0, 1.0, 7.0, 8.0, 33.0]);
        let attrs = [("direction", Attr::Str(direction.into()))];
        Case::new("BitShift", 11, &attrs, &[tensor(U8, &[5], &[255.0, 3.0, 129.0]), by.clone()]).check();
        let wide = crate::harness::cast(&by, U32);
        Case::new("BitShift", 11, &attrs, &[tensor(U32, &[5], &[4e9, 3.0, 129.0]), wide]).check();
    }
}

#[test]
fn integers_of_64_bits_are_exact() {
    let ends = [0, 1, -1, 7, i64::MAX, i64::MIN, 1 << 32, -(1 << 32), (1 << 31) - 1, 1 << 31, -5_000_000_000];
    let a = crate::harness::exact(&[11, 1], &ends);
    let b = crate::harness::exact(&[11], &ends);
    let unsigned = |x: &edgewise_core::Tensor| {
        let bits: Vec<u64> = x.view().slice::<i64>().unwrap().iter().map(|&i| i as u64).collect();
        crate::harness::exact(x.shape(), &bits)
    };
    for name in ["Add", "Sub", "Mul", "Div", "Mod", "BitwiseAnd", "BitwiseOr", "BitwiseXor"] {
        Case::new(name, 18, &[], &[a.clone(), b.clone()]).check();
        Case::new(name, 18, &[], &[unsigned(&a), unsigned(&b)]).check();
    }
    Case::new("Mod", 18, &[("fmod", Attr::Int(1))], &[a.clone(), b.clone()]).check();
    for name in ["Abs", "Neg", "Sign", "BitwiseNot"] {
        Case::new(name, 18, &[], std::slice::from_ref(&a)).check();
    }
    for name in ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"] {
        Case::new(name, 19, &[], &[a.clone(), b.clone()]).check();
    }
    for name in ["Max", "Min", "Sum"] {
        Case::new(name, 13, &[], &[a.clone(), b.clone(), crate::harness::exact(&[], &[3i64])]).check();
    }
}

#[test]
fn powers_of_floats_agree() {
    let bases = tensor(F32, &[NASTY.len(), 1], &NASTY);
    let exponents = tensor(F32, &[9], &[0.0, 1.0, 2.0, 3.0, -1.0, 0.5, -2.0, f32::NAN, 7.3]);
    Case::new("Pow", 15, &[], &[bases, exponents]).check();
}

#[test]
fn comparisons_agree() {
    for name in ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"] {
        for dtype in [F32, F16, I8, U8, I16, I32, U32] {
            for (a, b) in PAIRS {
                Case::new(name, 19, &[], &[numbers(dtype, a, 0), numbers(dtype, b, 0)]).check();
            }
        }
        let nasty =
            [tensor(F32, &[NASTY.len()], &NASTY), tensor(F32, &[3, 1], &[0.0, f32::NAN, f32::INFINITY])];
        Case::new(name, 19, &[], &nasty).check();
    }
    for name in ["And", "Or", "Xor", "Equal"] {
        let inputs = [tensor(Bool, &[5, 1], &[1.0, 0.0]), tensor(Bool, &[7], &[0.0, 0.0, 1.0])];
        Case::new(name, 19, &[], &inputs).check();
    }
}

#[test]
fn where_takes_elements_of_every_width() {
    for dtype in [U8, Bool, F16, F32, I64, F64] {
        for (shape, condition) in
            [(&[3usize, 5][..], &[5usize][..]), (&[7], &[4, 1]), (&[0], &[1]), (&[], &[9])]
        {
            let inputs = [
                tensor(Bool, condition, &[1.0, 0.0, 0.0]),
                random(dtype, shape, 90.0),
                tensor(dtype, &[1], &[3.0]),
            ];
            Case::new("Where", 16, &[], &inputs).check();
        }
    }
}

#[test]
fn limits_hold() {
    for dtype in [F32, F16, I8, U8, I32, U32] {
        for (low, high) in [(2.0, 5.0), (5.0, 2.0)] {
            let inputs = [numbers(dtype, &[29], 0), tensor(dtype, &[], &[low]), tensor(dtype, &[], &[high])];
            Case::new("Clip", 13, &[], &inputs).knowing(&[1, 2]).check();
            let half = [Some(inputs[0].clone()), None, Some(inputs[2].clone())];
            Case::of("", "Clip", 13, &[], &half, 1).knowing(&[2]).check();
        }
    }
    let attrs = [("min", Attr::Float(-1.5)), ("max", Attr::Float(0.5))];
    Case::new("Clip", 6, &attrs, &[tensor(F32, &[NASTY.len()], &NASTY)]).check();
}

#[test]
fn several_inputs_become_one() {
    for name in ["Max", "Min", "Sum", "Mean"] {
        for inputs in 1..5 {
            let shapes: [&[usize]; 4] = [&[2, 33], &[33], &[2, 1], &[]];
            let tensors: Vec<_> = (0..inputs).map(|i| random(F32, shapes[i], 3.0 + i as f32)).collect();
            Case::new(name, 13, &[], &tensors).check();
        }
    }
    let nasty =
        [tensor(F32, &[3, 1], &[f32::NAN, 1.0, -1.0]), tensor(F32, &[3], &[0.5, f32::NAN, f32::INFINITY])];
    for name in ["Max", "Min"] {
        Case::new(name, 13, &[], &nasty).check();
        Case::new(name, 13, &[], &[numbers(I8, &[13, 1], 0), numbers(I8, &[13], 0), numbers(I8, &[1], 2)])
            .check();
    }
}

#[test]
fn limits_may_lie_on_the_device() {
    for dtype in [F32, BF16, I8, U32, I64, U64] {
        let inputs = [
            Some(numbers(dtype, &[29], 0)),
            Some(tensor(dtype, &[], &[2.0])),
            Some(tensor(dtype, &[1], &[5.0])),
        ];
        Case::of("", "Clip", 13, &[], &inputs, 1).check();
        Case::of("", "Clip", 13, &[], &inputs, 1).knowing(&[1, 2]).check();
        Case::of("", "Clip", 13, &[], &inputs[..2], 1).check();
        Case::of("", "Clip", 13, &[], &[inputs[0].clone(), None, inputs[2].clone()], 1).check();
        Case::of("", "Clip", 13, &[], &inputs[..1], 1).check();
    }
}

#[test]
fn numbers_that_are_none_are_found() {
    for dtype in FLOATS {
        for shape in SIZES {
            Case::new("IsNaN", 20, &[], &[tensor(dtype, shape, &NASTY[18..])]).check();
        }
        for (negative, positive) in [(1, 1), (0, 1), (1, 0), (0, 0)] {
            let attrs = [("detect_negative", Attr::Int(negative)), ("detect_positive", Attr::Int(positive))];
            Case::new("IsInf", 20, &attrs, &[tensor(dtype, &[NASTY.len()], &NASTY)]).check();
        }
    }
}

#[test]
fn activations_of_two_inputs_agree() {
    let slope = [(&[3usize, 7][..], &[7usize][..]), (&[2, 3, 5], &[3, 1]), (&[5], &[]), (&[0, 2], &[2])];
    for dtype in FLOATS {
        for (shape, of) in slope {
            let inputs = [random(dtype, shape, 4.0), random(dtype, of, 2.0)];
            Case::new("PRelu", 16, &[], &inputs).check();
            for name in ["BiasGelu", "FastGelu"] {
                let inputs = inputs.clone().map(Some);
                Case::of("com.microsoft", name, 1, &[], &inputs, 1).check();
            }
        }
        let inputs = [tensor(dtype, &[24], &NASTY), random(dtype, &[24], 2.0)];
        Case::new("PRelu", 16, &[], &inputs).check();
        Case::new("SwiGLU", 27, &[("alpha", Attr::Float(1.3))], &[inputs[1].clone(), inputs[1].clone()])
            .check();
        let alone = [Some(random(dtype, &[2, 9], 4.0))];
        Case::of("com.microsoft", "FastGelu", 1, &[], &alone, 1).check();
    }
    Case::new("PRelu", 6, &[], &[random(F32, &[2, 3, 4], 4.0), random(F32, &[3], 2.0)]).check();
}

#[test]
fn remainders_of_floats_are_exact() {
    let numbers = [
        5.5,
        -5.5,
        0.0,
        -0.0,
        1e30,
        1.0,
        3.0,
        -0.7,
        1e-40,
        f32::MIN_POSITIVE,
        f32::MAX,
        2.5e-38,
        7e8,
        f32::INFINITY,
        f32::NAN,
        f32::NEG_INFINITY,
        1e-45,
        0.1,
    ];
    for dtype in FLOATS {
        let (a, b) = (tensor(dtype, &[18, 1], &numbers), tensor(dtype, &[18], &numbers));
        for fmod in [0, 1] {
            let case = Case::new("Mod", 13, &[("fmod", Attr::Int(fmod))], &[a.clone(), b.clone()]);
            if fmod == 1 { case.exactly() } else { case }.check();
        }
    }
}

#[test]
fn bits_are_shifted_in_and_out() {
    for direction in ["LEFT", "RIGHT"] {
        let attrs = [("direction", Attr::Str(direction.into()))];
        for dtype in [I8, U8, I16, U16, I32, U32, I64, U64] {
            let by = tensor(dtype, &[11], &[0.0, 1.0, 7.0, 8.0, 15.0, 16.0, 31.0, 32.0, 33.0, 63.0, 64.0]);
            Case::new("BitShift", 28, &attrs, &[numbers(dtype, &[13, 1], 0), by]).check();
            Case::new("BitShift", 28, &attrs, &[numbers(dtype, &[13, 1], 0), numbers(dtype, &[13], 0)])
                .check();
        }
    }
}

#[test]
fn what_has_no_kernel_is_left_to_the_host() {
    let two = |dtype: DType| [random(dtype, &[3], 5.0), random(dtype, &[3], 5.0)];
    for (name, dtype) in [("Add", F64), ("Pow", I64), ("Max", F64)] {
        assert!(!Case::new(name, 13, &[], &two(dtype)).is_taken(), "{name} {dtype}");
    }
    // An exponent of another type.
    assert!(!Case::new("Pow", 13, &[], &[random(F32, &[3], 5.0), random(I64, &[3], 5.0)]).is_taken());
}

#[test]
fn halves_of_rows_gate_each_other() {
    for dtype in FLOATS {
        for shape in [&[6][..], &[1, 2], &[3, 14], &[2, 5, 130], &[33, 1536], &[0, 4], &[3, 0]] {
            for x in [random(dtype, shape, 9.0), tensor(dtype, shape, &NASTY)] {
                let x = if shape.contains(&0) { random(dtype, shape, 1.0) } else { x };
                let attrs = [("alpha", Attr::Float(1.3))];
                Case::of("edgewise", "PackedSwiGLU", 1, &attrs, &[Some(x)], 1).check();
            }
        }
    }
}
