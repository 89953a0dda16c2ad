//! Operators that say where elements come from or go to: by indices, and by their distance from a diagonal.

use crate::harness::{Case, cast, exact, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::ops::Attr;
use edgewise_core::{ErrorKind, Tensor};

const WIDTHS: [DType; 5] = [U8, F16, F32, I64, Bool];

/// Indices along an axis of that size, from both its ends, some of them more than once.
fn indices(shape: &[usize], size: i64) -> Tensor {
    let count: usize = shape.iter().product();
    let mut state = 7i64;
    let mut next = || {
        state = (state * 1103515245 + 12345) % 2147483648;
        (state >> 8) % (2 * size) - size
    };
    let all: Vec<i64> = (0..count).map(|_| next()).collect();
    exact(shape, &all)
}

#[test]
fn elements_are_picked() {
    let cases: [(&[usize], &[usize], i64); 6] = [
        (&[5, 3], &[2, 3], 0),
        (&[3, 5], &[3, 9], 1),
        (&[4, 5, 3], &[3, 5, 2], -1),
        (&[4, 5, 3], &[4, 7, 1], 1),
        (&[5], &[0], 0),
        (&[1], &[1], 0),
    ];
    for dtype in WIDTHS {
        for (shape, of, axis) in cases {
            let size = shape[(axis + shape.len() as i64) as usize % shape.len()] as i64;
            let attrs = [("axis", Attr::Int(axis))];
            let (x, i) = (random(dtype, shape, 99.0), indices(of, size));
            Case::new("GatherElements", 13, &attrs, &[x.clone(), i.clone()]).check();
            Case::new("GatherElements", 13, &attrs, &[x, cast(&i, I32)]).check();
        }
    }
}

#[test]
fn rows_of_indices_name_slices() {
    let cases: [(&[usize], &[usize], i64); 7] = [
        (&[3, 3, 5], &[4, 2], 0),
        (&[3, 3, 5], &[2, 3, 1], 0),
        (&[2, 4, 3], &[2, 1], 1),
        (&[2, 2, 3, 3], &[2, 2, 5, 2], 2),
        (&[3, 3, 3], &[7, 3], 0),
        (&[3, 3], &[0, 2], 0),
        (&[3, 5], &[4, 0], 0),
    ];
    for dtype in WIDTHS {
        for (shape, of, batch) in cases {
            let least = shape.iter().min().map_or(1, |&d| d as i64);
            let inputs = [random(dtype, shape, 99.0), indices(of, least)];
            Case::new("GatherND", 13, &[("batch_dims", Attr::Int(batch))], &inputs).check();
        }
    }
}

/// ScatterElements: data, indices, axis.
const ELEMENTS: [(&[usize], &[usize], i64); 6] = [
    (&[5, 3], &[2, 3], 0),
    (&[3, 5], &[3, 9], 1),
    (&[4, 5, 3], &[3, 5, 2], -1),
    (&[7], &[700], 0),
    (&[5], &[0], 0),
    (&[1], &[1], 0),
];
/// ScatterND: data, indices.
const SLICES: [(&[usize], &[usize]); 6] = [
    (&[5, 3], &[4, 1]),
    (&[4, 4, 7], &[3, 2]),
    (&[3, 3], &[2, 6, 2]),
    (&[2, 65], &[520, 1]),
    (&[4], &[0, 1]),
    (&[2, 3], &[2, 0]),
];

/// A case of each, that joins updates of a type in some way.
fn scatter(dtype: DType, reduction: &str) {
    let attrs = |axis| [("axis", Attr::Int(axis)), ("reduction", Attr::Str(reduction.into()))];
    for (shape, of, axis) in ELEMENTS {
        let size = shape[(axis + shape.len() as i64) as usize % shape.len()] as i64;
        let inputs = [random(dtype, shape, 9.0), indices(of, size), random(dtype, of, 3.0)];
        Case::new("ScatterElements", 18, &attrs(axis), &inputs).exactly().check();
    }
    for (shape, of) in SLICES {
        let (row, outer) = of.split_last().unwrap();
        let updates: Vec<usize> = outer.iter().chain(&shape[*row..]).copied().collect();
        let least = shape.iter().min().map_or(1, |&d| d as i64);
        let inputs = [random(dtype, shape, 9.0), indices(of, least), random(dtype, &updates, 3.0)];
        Case::new("ScatterND", 18, &attrs(0)[1..], &inputs).exactly().check();
    }
}

#[test]
fn the_last_update_of_a_place_stays() {
    for dtype in WIDTHS {
        scatter(dtype, "none");
    }
}

#[test]
fn updates_are_joined_in_their_order() {
    for dtype in [F32, F16, BF16, I8, U16, I32, U32, I64, U64, Bool] {
        for reduction in ["add", "mul", "max", "min"] {
            scatter(dtype, reduction);
        }
    }
    let nasty = tensor(F32, &[4], &[f32::NAN, 1.0, f32::INFINITY, -1.0]);
    for reduction in ["max", "min"] {
        let attrs = [("reduction", Attr::Str(reduction.into()))];
        let inputs = [tensor(F32, &[2], &[0.0, f32::NAN]), exact(&[4, 1], &[0i64, 1, 0, 0]), nasty.clone()];
        Case::new("ScatterND", 18, &attrs, &inputs).check();
    }
}

#[test]
fn one_side_of_a_diagonal_stays() {
    for dtype in [U8, F16, F32, I64, F64, Bool] {
        for upper in [0, 1] {
            let attrs = [("upper", Attr::Int(upper))];
            for shape in [&[5, 7][..], &[2, 3, 3], &[4, 1], &[1, 4], &[0, 3], &[2, 0]] {
                let x = random(dtype, shape, 99.0);
                Case::new("Trilu", 14, &attrs, std::slice::from_ref(&x)).check();
                for k in [0, 1, -1, 3, -9, 1000, i64::MAX, i64::MIN] {
                    Case::new("Trilu", 14, &attrs, &[x.clone(), exact(&[], &[k])]).check();
                }
            }
        }
    }
}

#[test]
fn ones_lie_on_a_diagonal() {
    for dtype in [I8, F16, BF16, F32, I64, F64, Bool] {
        for k in [0, 1, -2, 50, i64::MAX, i64::MIN] {
            for shape in [[3, 5], [5, 3], [1, 1], [0, 2]] {
                let attrs = [("k", Attr::Int(k)), ("dtype", Attr::Int(dtype as i64))];
                Case::new("EyeLike", 22, &attrs, &[random(F32, &shape, 9.0)]).check();
            }
        }
    }
}

#[test]
fn an_index_becomes_a_vector() {
    let far = [0i64, 4, -1, -5, 5, -6, 1 << 33, i64::MIN, 2];
    let near = [0.0, 4.0, -1.0, -5.0, 5.0, -6.0, 2.0, 3.0, 1.0];
    let fractions = [0.9, -0.9, 4.99, -5.5, 1e30, f32::NAN, -1e30, 2.5, f32::INFINITY];
    for values in [F32, I64, U8] {
        let pair = tensor(values, &[2], &[-3.0, 7.0]);
        for axis in [0, 1, -1] {
            let attrs = [("axis", Attr::Int(axis))];
            let check = |indices: Tensor| {
                Case::new("OneHot", 11, &attrs, &[indices, exact(&[], &[5i64]), pair.clone()])
                    .asking(&[1])
                    .check();
            };
            check(exact(&[9], &far));
            check(exact(&[9], &far.map(|i| i as u64)));
            check(exact::<i64>(&[0], &[]));
            for dtype in [I8, U8, I32, U32, F16] {
                check(tensor(dtype, &[3, 3], &near));
            }
            check(tensor(F32, &[9], &fractions));
        }
    }
}

#[test]
fn samples_run_backward() {
    for dtype in WIDTHS {
        for (batch, time, lengths) in [(1, 0, &[3i64, 0, 1][..]), (0, 1, &[3, 1, 2, 0])] {
            let attrs = [("batch_axis", Attr::Int(batch)), ("time_axis", Attr::Int(time))];
            let inputs = [random(dtype, &[4, 3, 5], 99.0), exact(&[lengths.len()], lengths)];
            Case::new("ReverseSequence", 10, &attrs, &inputs).check();
        }
    }
}

#[test]
fn indices_outside_of_their_axis_are_refused_by_all_who_take_some() {
    let x = || random(F32, &[3, 5], 99.0);
    let updates = |shape: &[usize]| random(F32, shape, 9.0);
    let one_axis = exact(&[2, 2], &[0, -3, 2, 3]);
    for index in [one_axis.clone(), cast(&one_axis, I32)] {
        Case::new("GatherElements", 13, &[], &[x(), index.clone()]).check_refused();
        for reduction in ["none", "add"] {
            let attrs = [("reduction", Attr::Str(reduction.into()))];
            let inputs = [x(), index.clone(), updates(&[2, 2])];
            Case::new("ScatterElements", 18, &attrs, &inputs).check_refused();
        }
    }
    // Of rows of several indices it is not told which axis is meant.
    let rows = exact(&[2, 2], &[2, 4, 1, -6]);
    let says = "index -6 is outside of its axis";
    let kind = ErrorKind::InvalidInput;
    Case::new("GatherND", 13, &[], &[x(), rows.clone()]).check_says(kind, says);
    Case::new("ScatterND", 18, &[], &[x(), rows, updates(&[2])]).check_says(kind, says);
    // Rows of one index name slices of one axis.
    let rows = exact(&[2, 1], &[2, -4]);
    Case::new("GatherND", 13, &[], &[x(), rows]).check_refused();
}
