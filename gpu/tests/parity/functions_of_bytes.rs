//! Functions of bytes and pools of them: equal to the bit.

use crate::byte_products::{bytes, zero};
use crate::harness::{Case, SIZES, exact, random, tensor};
use edgewise_core::DType::*;
use edgewise_core::Tensor;
use edgewise_core::ops::fused_activation::FusedActivation;
use edgewise_core::ops::fused_dequantize::{Function, FusedDequantize};
use edgewise_core::ops::{Attr, Op};

fn one(scale: f32) -> Tensor {
    exact(&[], &[scale])
}

fn contrib(name: &str, attrs: &[(&str, Attr)], inputs: &[Tensor]) -> Case {
    let inputs: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
    let case = Case::of("com.microsoft", name, 1, attrs, &inputs, 1);
    // All but the tensors themselves.
    let known: Vec<usize> = (0..inputs.len()).filter(|&i| !is_tensor(name, i)).collect();
    case.knowing(&known)
}

fn is_tensor(name: &str, i: usize) -> bool {
    match name {
        "QLinearAdd" | "QLinearMul" => i == 0 || i == 3,
        "QLinearWhere" => matches!(i, 0 | 1 | 4),
        "QLinearConcat" => i >= 2 && i % 3 == 2,
        _ => i == 0,
    }
}

#[test]
fn all_pairs_of_bytes_are_added_and_multiplied() {
    for (dtype, zeros) in [(U8, [0.0, 255.0, 128.0]), (I8, [-128.0, 127.0, 3.0])] {
        let all: Vec<u8> = (0..=255).collect();
        let column = Tensor::from_bytes(dtype, &[256, 1], &all).unwrap();
        let row = Tensor::from_bytes(dtype, &[256], &all).unwrap();
        for scales in [[0.02f32, 0.03, 0.04], [1.0, 1.0, 2.0], [1e-9, 4.0, 1e-3], [200.0, 1e-30, 1.0]] {
            for name in ["QLinearAdd", "QLinearMul"] {
                let inputs = [
                    column.clone(),
                    one(scales[0]),
                    zero(dtype, zeros[0]),
                    row.clone(),
                    one(scales[1]),
                    zero(dtype, zeros[1]),
                    one(scales[2]),
                    zero(dtype, zeros[2]),
                ];
                contrib(name, &[], &inputs).check();
            }
        }
    }
}

#[test]
fn pairs_of_bytes_broadcast() {
    let shapes: [[&[usize]; 2]; 7] = [
        [&[2, 3, 5], &[2, 3, 5]],
        [&[2, 3, 5], &[3, 1]],
        [&[5], &[4, 1, 5]],
        [&[], &[7]],
        [&[0, 3], &[3]],
        [&[1], &[1]],
        [&[2, 1, 3, 1], &[1, 4, 1, 5]],
    ];
    for [a, b] in shapes {
        let inputs = [
            bytes(U8, a, 1),
            one(0.1),
            zero(U8, 7.0),
            bytes(U8, b, 2),
            one(0.2),
            zero(U8, 9.0),
            one(0.25),
            zero(U8, 100.0),
        ];
        contrib("QLinearAdd", &[], &inputs).check();
    }
}

#[test]
fn functions_of_one_tensor_are_tables() {
    for dtype in [U8, I8] {
        for shape in SIZES.into_iter().chain([&[300][..]]) {
            let x = bytes(dtype, shape, 3);
            let inputs = [x, one(0.05), zero(dtype, 100.0), one(1.0 / 256.0), zero(dtype, 0.0)];
            contrib("QLinearSigmoid", &[], &inputs).check();
            contrib("QLinearLeakyRelu", &[("alpha", Attr::Float(0.3))], &inputs).check();
        }
    }
}

#[test]
fn choices_between_bytes_broadcast() {
    let shapes: [[&[usize]; 3]; 4] = [
        [&[2, 3, 5], &[2, 3, 5], &[2, 3, 5]],
        [&[3, 1], &[5], &[2, 3, 5]],
        [&[7], &[], &[1]],
        [&[0], &[1], &[0]],
    ];
    for [c, a, b] in shapes {
        let inputs = [
            tensor(Bool, c, &[1.0, 0.0, 0.0, 1.0, 1.0]),
            bytes(I8, a, 1),
            one(0.1),
            zero(I8, 7.0),
            bytes(I8, b, 2),
            one(0.2),
            zero(I8, -128.0),
            one(0.15),
            zero(I8, 1.0),
        ];
        contrib("QLinearWhere", &[], &inputs).check();
    }
}

#[test]
fn parts_are_joined() {
    for (axis, shapes) in [
        (1, &[&[2, 3, 5][..], &[2, 1, 5], &[2, 4, 5]][..]),
        (-1, &[&[3, 4], &[3, 8]]),
        (0, &[&[3], &[0], &[1], &[2], &[9]]),
        (0, &[&[7]]),
        (0, &[&[0], &[0]]),
    ] {
        let mut inputs = vec![one(0.1), zero(U8, 77.0)];
        for (i, shape) in shapes.iter().enumerate() {
            inputs.extend([
                bytes(U8, shape, i as u32),
                one(0.1 + 0.02 * i as f32),
                zero(U8, 10.0 * i as f32),
            ]);
        }
        contrib("QLinearConcat", &[("axis", Attr::Int(axis))], &inputs).check();
    }
}

/// Shape, kernel, strides, pads.
type Sizes = (&'static [usize], &'static [i64], &'static [i64], &'static [i64]);

const POOLS: [Sizes; 6] = [
    (&[2, 8, 7, 6], &[3, 3], &[2, 2], &[1, 1, 1, 1]),
    (&[1, 3, 5, 5], &[2, 3], &[1, 1], &[0, 0, 0, 0]),
    (&[1, 5, 9], &[4], &[3], &[2, 1]),
    (&[1, 4, 3, 4, 5], &[2, 2, 2], &[1, 2, 1], &[1, 0, 0, 0, 1, 1]),
    (&[0, 3, 5, 5], &[2, 2], &[1, 1], &[0, 0, 0, 0]),
    (&[1, 1, 1, 1], &[1, 1], &[1, 1], &[0, 0, 0, 0]),
];

#[test]
fn windows_of_bytes_have_maxima_and_means() {
    for (shape, kernel, strides, pads) in POOLS {
        for (last, dtype, x_zero) in [(0, U8, 3.0), (1, I8, -7.0), (1, U8, 255.0), (0, I8, -128.0)] {
            let mut shape = shape.to_vec();
            if last == 1 {
                shape[1..].rotate_left(1);
            }
            let ints = |list: &[i64]| Attr::Ints(list.to_vec());
            let attrs = [
                ("kernel_shape", ints(kernel)),
                ("strides", ints(strides)),
                ("pads", ints(pads)),
                ("ceil_mode", Attr::Int(1)),
                ("channels_last", Attr::Int(last)),
                ("count_include_pad", Attr::Int(i64::from(x_zero > 0.0))),
            ];
            let x = bytes(dtype, &shape, 5);
            let name = if last == 1 { "NhwcMaxPool" } else { "MaxPool" };
            let domain = if last == 1 { "com.microsoft" } else { "" };
            let version = if last == 1 { 1 } else { 12 };
            Case::of(domain, name, version, &attrs[..4], &[Some(x.clone())], 1).check();
            let inputs = [x, one(0.3), zero(dtype, x_zero), one(0.2), zero(dtype, 100.0)];
            contrib("QLinearAveragePool", &attrs, &inputs).check();
            contrib("QLinearGlobalAveragePool", &attrs[4..5], &inputs).check();
        }
    }
}

#[test]
fn shares_of_slices_are_exact() {
    for (shape, axis, opset) in [
        (&[3, 7][..], -1, 13),
        (&[2, 5, 6], 1, 13),
        (&[2, 3, 4], 1, 11),
        (&[1], 0, 13),
        (&[0, 4], 1, 13),
        (&[2, 601], 1, 13),
        (&[1, 1], 1, 13),
    ] {
        for (dtype, y_zero) in [(U8, 0.0), (I8, -128.0), (U8, 200.0)] {
            for (x_scale, y_scale) in [(0.1f32, 1.0f32 / 256.0), (1e-9, 1e-7), (3.0, 2.0)] {
                let attrs = [("axis", Attr::Int(axis)), ("opset", Attr::Int(opset))];
                let inputs = [
                    bytes(dtype, shape, 3),
                    one(x_scale),
                    zero(dtype, 9.0),
                    one(y_scale),
                    zero(dtype, y_zero),
                ];
                contrib("QLinearSoftmax", &attrs, &inputs).check();
            }
        }
    }
}

#[test]
fn numbers_between_bytes_are_rounded_step_by_step() {
    let float = |x: f32| Attr::Float(x);
    let functions: [&[(&str, Attr)]; 4] = [
        &[],
        &[("divide", Attr::Int(1)), ("activation", Attr::Str("Relu".into()))],
        &[("activation", Attr::Str("LeakyRelu".into())), ("activation_alpha", float(0.1))],
        &[("activation", Attr::Str("Tanh".into()))],
    ];
    for (i, attrs) in functions.into_iter().enumerate() {
        for (shape, addends) in
            [(&[2, 3, 5][..], [&[5][..], &[2, 3, 5]]), (&[7], [&[], &[7]]), (&[0, 3], [&[3], &[1]])]
        {
            for missing in [0, 1, 2] {
                let keep = |at: usize, x: Tensor| (missing == 0 || at % 2 != missing - 1).then_some(x);
                let inputs = |to: bool| {
                    [
                        Some(bytes(U8, shape, 3)),
                        Some(one(0.37)),
                        Some(zero(U8, 130.0)),
                        keep(3, one(0.3)),
                        keep(4, random(F32, addends[0], 30.0)),
                        keep(5, random(F32, addends[1], 30.0)),
                        to.then(|| one(0.21)),
                        to.then(|| zero(I8, -5.0)),
                    ]
                };
                let case = |to| {
                    Case::of("edgewise", "FusedDequantize", 1, attrs, &inputs(to), 1).knowing(&[1, 2, 6, 7])
                };
                if i == 3 {
                    case(false).check();
                } else {
                    case(false).exactly().check();
                    case(true).check();
                }
            }
        }
    }
}

#[test]
fn functions_of_bytes_and_of_columns_are_looked_up() {
    let nasty = exact(&[5], &[f32::NAN, f32::INFINITY, -3e38, 1e-40, -0.7]);
    let fused = |activation, divide, inputs: &[Option<Tensor>]| {
        let function = Function::Activation(activation);
        Case::rewritten(Op::FusedDequantize(FusedDequantize { divide, function }.into()), inputs)
    };
    for activation in [
        FusedActivation::Gelu { tanh: false },
        FusedActivation::HardSwish,
        FusedActivation::Elu { alpha: 0.5 },
    ] {
        for (shape, addends) in [
            (&[2, 3, 5][..], [Some(random(F32, &[5], 3.0)), Some(nasty.clone())]),
            (&[7, 5], [Some(random(F32, &[1, 5], 3.0)), Some(one(-0.3))]),
            (&[3, 70], [Some(random(F32, &[70], 3.0)), None]),
            (&[9], [None, Some(one(1.5))]),
            (&[0, 5], [Some(nasty.clone()), None]),
            (&[130], [None, None]),
            (&[], [None, Some(one(0.2))]),
        ] {
            for (x, y, divide) in [(U8, I8, false), (I8, U8, true)] {
                let [bias, sum] = addends.clone();
                let [x_zero, y_zero] = [zero(x, 30.0), zero(y, 5.0)];
                let inputs =
                    [Some(bytes(x, shape, 3)), Some(one(0.05)), Some(x_zero), Some(one(0.9)), bias, sum];
                let inputs = [&inputs[..], &[Some(one(0.02)), Some(y_zero)]].concat();
                let case = fused(activation, divide, &inputs);
                case.clone().knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
                // What is added is not known.
                let added = inputs[4].is_some() || inputs[5].is_some();
                assert!(!added || !case.knowing(&[1, 2, 3, 6, 7]).is_taken());
            }
        }
    }
    // An addend for every element.
    let mut inputs = vec![Some(bytes(U8, &[2, 3], 3)), Some(one(0.05)), None, None];
    inputs.extend([Some(random(F32, &[2, 3], 1.0)), None, Some(one(0.02))]);
    assert!(!fused(FusedActivation::HardSwish, false, &inputs).knowing(&[1, 4, 6]).is_taken());
}

#[test]
fn the_softmax_of_dequantized_bytes_is_that_of_the_host_to_the_bit() {
    for shape in [&[3, 197][..], &[2, 3, 16], &[5, 1], &[7], &[2, 0], &[0, 3], &[1, 9000], &[130, 33]] {
        for (dtype, x_zero) in [(U8, 130.0), (I8, 3.0)] {
            for (scale, factor, divide) in [
                (0.05f32, None, 0),
                (0.3, Some(0.125f32), 0),
                (0.3, Some(-0.125), 0),
                (0.3, Some(8.0), 1),
                // All alike, and but one without weight.
                (1e-30, None, 0),
                (150.0, None, 0),
            ] {
                let attrs = [("softmax", Attr::Int(1)), ("divide", Attr::Int(divide))];
                let x = Some(bytes(dtype, shape, 3));
                let head = [x, Some(one(scale)), Some(zero(dtype, x_zero)), factor.map(one), None, None];
                let known = [1, 2, 3, 6, 7];
                let floats = Case::of("edgewise", "FusedDequantize", 1, &attrs, &head[..4], 1);
                floats.knowing(&known).exactly().check();
                for (to, y_zero) in [(U8, 0.0), (I8, -128.0)] {
                    for y_scale in [1.0 / 255.0, 1e-4, 0.01] {
                        let tail = [Some(one(y_scale)), Some(zero(to, y_zero))];
                        let inputs = [&head[..], &tail[..]].concat();
                        let case = Case::of("edgewise", "FusedDequantize", 1, &attrs, &inputs, 1);
                        case.knowing(&known).check();
                    }
                }
            }
        }
    }
}

/// Masks of every kind, over and over: none, the usual ones, some in between, those that lose all, and what is no number.
fn masks(shape: &[usize], kind: usize) -> Tensor {
    const INF: f32 = f32::INFINITY;
    let kinds: [&[f32]; 10] = [
        &[0.0],
        &[0.0, 0.0, -10_000.0, -0.0, f32::MIN],
        &[-INF, 0.0, -INF, -INF],
        &[-0.1, -3.7, 0.0, 12.5, -88.0, -95.3, -103.2, -1e-40, 1e-30],
        &[-INF],
        &[f32::MIN],
        &[f32::MAX, f32::MIN, 0.0],
        &[0.0, 0.0, f32::NAN, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        &[0.0, INF, 0.0, 0.0, 0.0],
        &[-90.0, -91.5, -100.25],
    ];
    tensor(F32, shape, kinds[kind % kinds.len()])
}

#[test]
fn the_softmax_of_masked_bytes_is_that_of_the_host_to_the_bit() {
    let numbers =
        [(0.05f32, None), (0.3, Some(-0.125f32)), (1e-42, None), (0.7, None), (150.0, None), (1e36, None)];
    for (shape, mask) in [
        (&[2, 3, 5, 40][..], &[2, 1, 1, 40][..]),
        (&[2, 3, 5, 17], &[5, 17]),
        (&[3, 197], &[197]),
        (&[4, 33], &[4, 1]),
        (&[130, 9], &[]),
        (&[1, 1], &[1, 1]),
        (&[7], &[7]),
        (&[2, 0], &[2, 0]),
        (&[0, 3], &[3]),
    ] {
        for (i, (scale, factor)) in numbers.into_iter().enumerate() {
            for kind in 0..10 {
                let (dtype, x_zero) = [(U8, 130.0), (I8, 3.0)][(i + kind) % 2];
                let (y, y_zero, y_scale) = [(U8, 0.0, 1.0 / 255.0), (I8, -128.0, 1e-4)][kind / 2 % 2];
                let [bias, sum] = match (i + kind) % 3 {
                    0 => [Some(masks(mask, kind)), None],
                    1 => [None, Some(masks(mask, kind))],
                    _ => [Some(masks(shape, kind + 1)), Some(masks(mask, kind))],
                };
                let head = [Some(bytes(dtype, shape, 3)), Some(one(scale)), Some(zero(dtype, x_zero))];
                let floats = [&head[..], &[factor.map(one), bias, sum]].concat();
                let to_bytes = [&floats[..], &[Some(one(y_scale)), Some(zero(y, y_zero))]].concat();
                for inputs in [floats, to_bytes] {
                    let attrs = [("softmax", Attr::Int(1))];
                    let case = Case::of("edgewise", "FusedDequantize", 1, &attrs, &inputs, 1);
                    case.knowing(&[1, 2, 3, 6, 7]).exactly().check();
                }
            }
        }
    }
}

#[test]
fn a_softmax_whose_sums_might_lose_something_is_left_to_the_host() {
    let softmax = |scale: f32, factor: Option<f32>| {
        let attrs = [("softmax", Attr::Int(1))];
        let inputs = [Some(bytes(U8, &[2, 40], 3)), Some(one(scale)), None, factor.map(one)];
        Case::of("edgewise", "FusedDequantize", 1, &attrs, &inputs, 1)
    };
    assert!(crate::harness::gpu().is_none() || softmax(0.3, None).knowing(&[1]).is_taken());
    // Exponentials without an exponent, and numbers that are none.
    assert!(!softmax(0.5, None).knowing(&[1]).is_taken());
    assert!(!softmax(1.0, Some(f32::INFINITY)).knowing(&[1, 3]).is_taken());
    // What is known only when it runs.
    assert!(!softmax(0.3, Some(2.0)).knowing(&[1]).is_taken());
    assert!(!softmax(0.3, None).is_taken());
}

#[test]
fn means_are_quantized_again() {
    for (shape, axes, keep) in [
        (&[2, 3, 5, 4][..], &[2, 3][..], 1),
        (&[2, 3, 5], &[1], 0),
        (&[7], &[0], 1),
        (&[3, 4, 5], &[0, 2], 0),
        (&[2, 0], &[1], 1),
        (&[0, 2], &[1], 0),
        (&[6, 700], &[-1], 0),
        (&[2, 3], &[], 1),
    ] {
        for (dtype, x_zero, y_zero) in [(U8, 130.0, 3.0), (I8, -128.0, 127.0), (U8, 0.0, 255.0)] {
            for (x_scale, y_scale) in [(0.37f32, 0.21f32), (1.0, 1.0), (3.0, 1e-3), (1e-30, 1e30)] {
                let attrs = [("axes", Attr::Ints(axes.to_vec())), ("keepdims", Attr::Int(keep))];
                let inputs = [
                    bytes(dtype, shape, 3),
                    one(x_scale),
                    zero(dtype, x_zero),
                    one(y_scale),
                    zero(dtype, y_zero),
                ];
                contrib("QLinearReduceMean", &attrs, &inputs).check();
            }
        }
    }
}
