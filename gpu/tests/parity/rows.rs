//! Operators that look at whole slices: softmax, normalizations, reductions.

use crate::harness::{Case, random, tensor};
use edgewise_core::DType::*;
use edgewise_core::ops::Attr;

const NASTY: [f32; 12] = [
    1e30,
    -1e30,
    5.0,
    f32::NEG_INFINITY,
    f32::NEG_INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    0.0,
    1.0,
    f32::INFINITY,
    2.0,
    -7.0,
];

#[test]
fn slices_become_distributions() {
    for name in ["Softmax", "LogSoftmax", "Hardmax"] {
        for (shape, axis) in [
            (&[3usize, 5][..], -1),
            (&[5, 3], 0),
            (&[2, 3, 5], 1),
            (&[2, 300], 1),
            (&[200, 1], 1),
            (&[1], 0),
            (&[0, 3], 1),
            (&[3, 0], 0),
        ] {
            for dtype in [F32, F16] {
                let x = random(dtype, shape, 20.0);
                Case::new(name, 13, &[("axis", Attr::Int(axis))], &[x.clone()]).check();
                Case::new(name, 11, &[("axis", Attr::Int(axis))], &[x]).check();
            }
        }
        Case::new(name, 13, &[], &[random(F32, &[], 20.0)]).check();
        Case::new(name, 13, &[], &[tensor(F32, &[4, 3], &NASTY)]).check();
        Case::new(name, 13, &[], &[tensor(F32, &[5, 4], &[2.0, 2.0, 1.0])]).check();
    }
    // More groups than one dimension holds.
    Case::new("Softmax", 13, &[], &[random(F32, &[66_000, 2], 20.0)]).check();
}
