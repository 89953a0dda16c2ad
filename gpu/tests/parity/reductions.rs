//! What becomes of all elements along an axis: reductions, extremes, what is first, running sums.

use crate::harness::{Case, exact, random, tensor};
use crate::rows::NASTY;
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

#[test]
fn groups_of_elements_become_one() {
    let names = [
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "ReduceSumSquare",
    ];
    let cases: [(&[usize], &[i64]); 10] = [
        (&[3, 5], &[1]),
        (&[3, 5], &[0]),
        (&[2, 3, 5, 7], &[1, 3]),
        (&[2, 70, 5], &[1]),
        (&[2, 200], &[0, 1]),
        (&[7], &[0]),
        (&[3, 0], &[1]),
        (&[0, 3], &[1]),
        (&[2, 2, 2, 2, 2, 2, 2, 2], &[0, 2, 4, 6]),
        (&[], &[]),
    ];
    for name in names {
        for (shape, axes) in cases {
            for keep in [0, 1] {
                let attrs = [("axes", Attr::Ints(axes.to_vec())), ("keepdims", Attr::Int(keep))];
                Case::new(name, 11, &attrs, &[random(F32, shape, 1.4)]).check();
            }
        }
        let attrs = [("axes", Attr::Ints(vec![1]))];
        Case::new(name, 11, &attrs, &[random(F16, &[3, 5], 1.4)]).check();
        Case::new(name, 11, &attrs, &[random(BF16, &[3, 50], 1.1)]).check();
        Case::new(name, 11, &attrs, &[tensor(F32, &[4, 3], &NASTY)]).check();
        Case::new(name, 11, &attrs, &[tensor(F32, &[1, 99], &NASTY)]).check();
    }
    Case::new("ReduceSum", 11, &[], &[tensor(F32, &[100], &[1e8, 1.0, -1e8, 1.0])]).check();
    let axes = [random(F32, &[3, 5], 1.0), crate::harness::ints(&[-1])];
    Case::new("ReduceMean", 18, &[], &axes).knowing(&[1]).check();
}

/// Shapes, and an axis of each.
pub const AXES: [(&[usize], i64); 9] = [
    (&[3, 5], -1),
    (&[5, 3], 0),
    (&[2, 3, 5], 1),
    (&[2, 300], 1),
    (&[300, 3], 0),
    (&[1], 0),
    (&[0, 3], 1),
    (&[4, 1], 1),
    (&[2, 65, 2], -2),
];

#[test]
fn extremes_are_found() {
    for name in ["ArgMax", "ArgMin"] {
        for last in [0, 1] {
            let attrs = |axis| {
                [
                    ("axis", Attr::Int(axis)),
                    ("select_last_index", Attr::Int(last)),
                    ("keepdims", Attr::Int(0)),
                ]
            };
            for (shape, axis) in AXES {
                for dtype in [F32, F16, I8, U16, I32, U32, I64, U64] {
                    Case::new(name, 13, &attrs(axis), &[random(dtype, shape, 3.0)]).check();
                }
            }
            for dtype in [F32, BF16] {
                Case::new(name, 13, &attrs(0), &[tensor(dtype, &[12, 7], &NASTY)]).check();
                Case::new(name, 13, &attrs(0), &[tensor(dtype, &[90], &NASTY)]).check();
                Case::new(name, 13, &attrs(0), &[tensor(dtype, &[4, 3], &[0.0, -0.0, 0.0])]).check();
            }
            let ends = [i64::MAX, i64::MIN, -1, 0, i64::MIN, i64::MAX];
            Case::new(name, 13, &attrs(0), &[exact(&[6], &ends)]).check();
        }
    }
}

#[test]
fn the_first_ones_are_in_order() {
    for (shape, axis) in AXES {
        let size = shape[(axis + shape.len() as i64) as usize % shape.len()] as i64;
        for k in [0, 1, 2, size / 2, size] {
            if k > size {
                continue;
            }
            for dtype in [F32, F16, I8, U16, I32, I64, U64] {
                for largest in [0, 1] {
                    let attrs = [("axis", Attr::Int(axis)), ("largest", Attr::Int(largest))];
                    let inputs = [Some(random(dtype, shape, 9.0)), Some(exact(&[1], &[k]))];
                    Case::of("", "TopK", 11, &attrs, &inputs, 2).asking(&[1]).exactly().check();
                }
            }
        }
    }
    for (shape, k) in [(&[2usize, 5000][..], 7i64), (&[3, 1500], 300), (&[2, 2049], 2049), (&[1, 600], 513)] {
        for dtype in [F32, I64] {
            let inputs = [Some(random(dtype, shape, 100.0)), Some(exact(&[1], &[k]))];
            Case::of("", "TopK", 11, &[], &inputs, 2).asking(&[1]).exactly().check();
            Case::of("", "TopK", 11, &[], &inputs, 2).asking(&[1]).wanting(&[0]).exactly().check();
        }
    }
    let inputs = [Some(tensor(F32, &[2, 36], &NASTY)), Some(exact(&[1], &[36i64]))];
    for largest in [0, 1] {
        Case::of("", "TopK", 11, &[("largest", Attr::Int(largest))], &inputs, 2).asking(&[1]).check();
    }
}

#[test]
fn sums_and_products_run_along_an_axis() {
    for (shape, axis) in AXES {
        for (exclusive, reverse) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let attrs = [("exclusive", Attr::Int(exclusive)), ("reverse", Attr::Int(reverse))];
            for dtype in [F32, F16, I32, U32, I64] {
                let inputs = [random(dtype, shape, 9.0), exact(&[], &[axis])];
                Case::new("CumSum", 14, &attrs, &inputs).check();
                Case::new("CumSum", 14, &attrs, &inputs).knowing(&[1]).check();
            }
            let inputs = [random(I32, shape, 9.0), exact(&[], &[axis as i32])];
            Case::new("CumProd", 26, &attrs, &inputs).check();
        }
    }
    Case::new("CumSum", 14, &[], &[tensor(F32, &[2, 3], &[1e8, 1.0, -1e8]), exact(&[], &[1i64])]).check();
}

#[test]
fn integers_are_reduced_to_the_bit() {
    let names =
        ["ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ReduceMean", "ReduceL1", "ReduceSumSquare"];
    let ends = [3.0, -7.0, 127.0, -128.0, 255.0, 2e9, -2147483648.0, 32767.0, 4e9, -9e18, 1.0];
    for name in names {
        for dtype in [I8, U8, I16, U16, I32, U32, I64, U64] {
            for (shape, axes) in
                [(&[3usize, 5][..], &[1i64][..]), (&[2, 100, 3], &[1]), (&[7], &[0]), (&[3, 0], &[1])]
            {
                for keep in [0, 1] {
                    let attrs = [("keepdims", Attr::Int(keep))];
                    let inputs = [tensor_or_none(dtype, shape, &ends), exact(&[axes.len()], axes)];
                    Case::new(name, 20, &attrs, &inputs).asking(&[1]).check();
                }
            }
            let all = [tensor(dtype, &[2, 3], &ends), exact(&[2], &[0i64, 1])];
            Case::new(name, 20, &[("keepdims", Attr::Int(0))], &all).check();
        }
    }
    for name in ["ReduceMax", "ReduceMin"] {
        for shape in [[4, 3], [2, 90], [3, 0]] {
            let inputs = [tensor_or_none(Bool, &shape, &[1.0, 0.0, 0.0, 1.0, 1.0]), exact(&[1], &[1i64])];
            Case::new(name, 20, &[], &inputs).asking(&[1]).check();
        }
    }
}

/// A tensor of those numbers, which may have no elements.
fn tensor_or_none(dtype: DType, shape: &[usize], numbers: &[f32]) -> Tensor {
    if shape.contains(&0) { Tensor::zeros(dtype, shape).unwrap() } else { tensor(dtype, shape, numbers) }
}
