//! Windows and channels of images: pools, and normalization by channels.

use crate::harness::{Case, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::{Attr, Attrs, Op};
use std::sync::Arc;

const FLOATS: [DType; 3] = [F32, F16, BF16];

type Attributes<'a> = &'a [(&'a str, Attr)];

fn ints(name: &'static str, values: &[i64]) -> (&'static str, Attr) {
    (name, Attr::Ints(values.to_vec()))
}

/// The shape of an image with its channels last.
fn last(shape: &[usize]) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[1..].rotate_left(1);
    shape
}

/// A pool with its channels second, and with its channels last.
fn both(name: &str, version: i64, attrs: Attributes<'_>) -> [Op; 2] {
    let named = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
    let op = Op::parse(Attrs::new("", name, version, vec![true], vec![true], named)).unwrap();
    let turned = match &op {
        Op::MaxPool(op) => {
            let mut op = (**op).clone();
            op.channels_last = true;
            Op::MaxPool(Arc::new(op))
        }
        Op::GlobalPool(op) => {
            let mut op = (**op).clone();
            op.channels_last = true;
            Op::GlobalPool(Arc::new(op))
        }
        _ => unreachable!(),
    };
    [op, turned]
}

#[test]
fn pools_agree() {
    let names = [
        ("MaxPool", None),
        ("AveragePool", None),
        ("AveragePool", Some(("count_include_pad", Attr::Int(1)))),
        ("LpPool", Some(("p", Attr::Int(3)))),
        ("LpPool", None),
    ];
    let cases: &[(&[usize], Attributes<'_>)] = &[
        (
            &[2, 3, 9, 7],
            &[ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1]), ints("strides", &[2, 2])],
        ),
        (
            &[1, 5, 6, 5],
            &[ints("kernel_shape", &[2, 3]), ints("dilations", &[2, 1]), ints("pads", &[1, 0, 0, 2])],
        ),
        (
            &[1, 2, 11],
            &[
                ints("kernel_shape", &[3]),
                ints("strides", &[2]),
                ("ceil_mode", Attr::Int(1)),
                ints("pads", &[1, 0]),
            ],
        ),
        (&[1, 2, 4, 5, 3], &[ints("kernel_shape", &[2, 2, 2]), ("auto_pad", Attr::Str("SAME_UPPER".into()))]),
        (&[0, 2, 4], &[ints("kernel_shape", &[2])]),
    ];
    for (name, more) in names {
        for (i, (x, attrs)) in cases.iter().enumerate() {
            let attrs: Vec<_> = attrs.iter().cloned().chain(more.clone()).collect();
            let [op, turned] = both(name, 22, &attrs);
            let dtypes: &[DType] = if i == 0 { &FLOATS } else { &[F32] };
            for &dtype in dtypes {
                Case::rewritten(op.clone(), &[Some(random(dtype, x, 3.0))]).check();
                Case::rewritten(turned.clone(), &[Some(random(dtype, &last(x), 3.0))]).check();
            }
        }
    }
}

#[test]
fn maxima_of_integers_and_of_windows_of_padding_agree() {
    let numbers = [0.0, 127.0, -128.0, 255.0, 5.0, -1.0, 2e9, -2e9];
    for dtype in [U8, I8] {
        let [op, turned] = both("MaxPool", 12, &[ints("kernel_shape", &[2, 2]), ints("pads", &[1, 1, 0, 0])]);
        Case::rewritten(op, &[Some(tensor(dtype, &[1, 3, 5, 5], &numbers))]).check();
        Case::rewritten(turned, &[Some(tensor(dtype, &[1, 5, 5, 3], &numbers))]).check();
    }
    let [op, _] = both("MaxPool", 22, &[ints("kernel_shape", &[2]), ints("pads", &[2, 0])]);
    let x = tensor(F32, &[1, 2, 5], &[f32::NEG_INFINITY, 1.0, f32::NAN, -5.0, f32::INFINITY, -1e30, 0.0]);
    Case::rewritten(op, &[Some(x.clone())]).check();
    let [op, _] = both("LpPool", 22, &[ints("kernel_shape", &[2]), ints("pads", &[2, 0])]);
    Case::rewritten(op, &[Some(x.clone())]).check();
    for count_pads in [0, 1] {
        let attrs =
            [ints("kernel_shape", &[3]), ints("pads", &[1, 0]), ("count_include_pad", Attr::Int(count_pads))];
        let [op, _] = both("AveragePool", 22, &attrs);
        Case::rewritten(op.clone(), &[Some(x.clone())]).check();
        Case::rewritten(op, &[Some(tensor(F32, &[1, 1, 6], &[3e38, 2e38]))]).check();
    }
}

#[test]
fn maxima_are_found_where_they_lie() {
    let nasty = [f32::NEG_INFINITY, 1.0, f32::NAN, -5.0, 1.0, f32::INFINITY, -1e30, 0.0];
    let cases: [(&[usize], Attributes<'_>); 4] = [
        (&[1, 2, 5, 6], &[ints("kernel_shape", &[2, 3]), ints("pads", &[1, 1, 0, 2])]),
        (&[2, 1, 9], &[ints("kernel_shape", &[3]), ints("strides", &[2]), ints("pads", &[2, 1])]),
        (&[1, 3, 4, 3, 5], &[ints("kernel_shape", &[2, 2, 2]), ints("dilations", &[2, 1, 3])]),
        (&[0, 2, 4], &[ints("kernel_shape", &[2])]),
    ];
    for order in [0, 1] {
        for (x, attrs) in cases {
            let attrs: Vec<_> = attrs.iter().cloned().chain([("storage_order", Attr::Int(order))]).collect();
            for dtype in [F32, F16, U8, I8] {
                let x = if x[0] == 0 { random(dtype, x, 1.0) } else { tensor(dtype, x, &nasty) };
                Case::of("", "MaxPool", 22, &attrs, &[Some(x)], 2).check();
            }
        }
    }
}

#[test]
fn global_pools_agree() {
    for name in ["GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"] {
        let [op, turned] = both(name, 22, &[]);
        for x in [&[2, 35, 7, 9][..], &[1, 3, 300], &[3, 1, 1, 1], &[1, 2, 0, 4], &[0, 3, 5], &[2, 3]] {
            Case::rewritten(op.clone(), &[Some(random(F32, x, 3.0))]).check();
            Case::rewritten(turned.clone(), &[Some(random(F32, &last(x), 3.0))]).check();
        }
        Case::rewritten(op.clone(), &[Some(random(F16, &[3, 5, 3, 3], 3.0))]).check();
        Case::rewritten(turned.clone(), &[Some(random(BF16, &[3, 3, 3, 5], 3.0))]).check();
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        let nasty = Tensor::new(&[1, 4, 2], &[1.0, nan, inf, -1.0, -inf, -inf, 1e30, 0.0]).unwrap();
        Case::rewritten(op.clone(), &[Some(nasty)]).check();
        Case::rewritten(op, &[Some(tensor(F32, &[1, 2, 5, 5], &[3e38, 2e38]))]).check();
    }
}

#[test]
fn channels_are_normalized_by_given_statistics() {
    for (dtype, parameters) in [(F32, F32), (F16, F16), (F16, F32), (BF16, BF16)] {
        for shape in [&[2, 5, 3, 7][..], &[3, 4], &[0, 2, 3]] {
            let channels = shape[1];
            let of = |most| random(parameters, &[channels], most);
            let positive: Vec<f32> = (1..=channels).map(|i| i as f32 * 0.3).collect();
            let inputs = [
                random(dtype, shape, 3.0),
                of(2.0),
                of(1.0),
                of(0.5),
                tensor(parameters, &[channels], &positive),
            ];
            Case::new("BatchNormalization", 15, &[], &inputs).check();
        }
    }
    let x = tensor(F32, &[1, 2, 3], &[f32::NAN, f32::INFINITY, 1e30]);
    let ones = || tensor(F32, &[2], &[1.0]);
    Case::new("BatchNormalization", 9, &[], &[x, ones(), ones(), ones(), ones()]).check();
}

#[test]
fn responses_are_normalized_across_channels() {
    for dtype in FLOATS {
        for (size, x) in [(5, &[2, 7, 3, 5][..]), (2, &[1, 3, 5]), (1 << 20, &[1, 4, 3]), (3, &[2, 0, 3])] {
            let attrs = [("size", Attr::Int(size)), ("alpha", Attr::Float(0.5)), ("bias", Attr::Float(2.0))];
            Case::new("LRN", 13, &attrs, &[random(dtype, x, 4.0)]).check();
        }
    }
}
