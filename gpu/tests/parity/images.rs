//! Convolutions and pools.

use crate::harness::{Case, random, tensor};
use edgewise_core::DType::*;
use edgewise_core::Tensor;
use edgewise_core::ops::conv::Conv;
use edgewise_core::ops::{Attr, Attrs, Op};
use std::sync::Arc;

type Attributes = Vec<(&'static str, Attr)>;

fn list(name: &'static str, values: &[i64]) -> (&'static str, Attr) {
    (name, Attr::Ints(values.to_vec()))
}

fn group(n: i64) -> (&'static str, Attr) {
    ("group", Attr::Int(n))
}

/// Image, weights, attributes.
fn convolutions() -> Vec<(&'static [usize], &'static [usize], Attributes)> {
    vec![
        (&[1, 3, 7, 9], &[16, 3, 3, 3], vec![list("pads", &[1, 1, 1, 1])]),
        (&[2, 3, 7, 9], &[8, 3, 3, 2], vec![list("strides", &[2, 1]), list("pads", &[0, 1, 2, 1])]),
        (&[2, 17, 5, 5], &[70, 17, 1, 1], vec![]),
        (&[1, 4, 9, 9], &[8, 4, 3, 3], vec![list("dilations", &[2, 3]), list("pads", &[2, 3, 2, 3])]),
        (&[1, 6, 9, 10], &[6, 1, 3, 3], vec![group(6), list("pads", &[1, 1, 1, 1])]),
        (&[2, 6, 5, 5], &[12, 1, 3, 3], vec![group(6), list("strides", &[2, 2])]),
        (&[1, 6, 5, 5], &[20, 3, 2, 2], vec![group(2), ("auto_pad", Attr::Str("SAME_LOWER".into()))]),
        (&[2, 3, 20], &[9, 3, 4], vec![list("strides", &[3])]),
        (&[1, 2, 4, 5, 6], &[9, 2, 2, 3, 2], vec![list("pads", &[1, 0, 1, 0, 1, 0])]),
        (&[1, 3, 70, 70], &[2, 3, 5, 5], vec![]),
        (&[0, 3, 4, 4], &[8, 3, 2, 2], vec![]),
        (&[1, 1, 1, 1], &[1, 1, 1, 1], vec![]),
    ]
}

#[test]
fn convolutions_agree() {
    for (x, w, attrs) in convolutions() {
        for dtype in [F32, F16] {
            let inputs = [random(dtype, x, 1.0), random(dtype, w, 1.0), random(dtype, &w[..1], 3.0)];
            Case::new("Conv", 22, &attrs, &inputs).knowing(&[1]).check();
            Case::new("Conv", 22, &attrs, &inputs).check_if_taken();
            Case::new("Conv", 22, &attrs, &inputs[..2]).knowing(&[1]).check();
        }
    }
}

/// The output of a convolution, for the shape of what is added to it.
fn output_of(op: &Op, inputs: &[Option<Tensor>]) -> Tensor {
    let inputs: Vec<_> = inputs.iter().cloned().map(|t| t.map(Into::into)).collect();
    let y = edgewise_core::cpu::eval(op, &inputs, &[true]).unwrap();
    y[0].as_ref().unwrap().tensor().unwrap().clone()
}

#[test]
fn channels_may_lie_last_and_sums_and_activations_follow() {
    for (x, w, mut attrs) in convolutions() {
        attrs.push(("activation", Attr::Str("LeakyRelu".into())));
        attrs.push(("activation_params", Attr::Floats(vec![0.3])));
        let attributes = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
        let parsed = Attrs::new("com.microsoft", "FusedConv", 1, vec![true; 4], vec![true], attributes);
        let Op::Conv(conv) = Op::parse(parsed).unwrap() else { panic!("not a convolution") };
        for channels_last in [false, true] {
            let op = Op::Conv(Arc::new(Conv { channels_last, ..(*conv).clone() }));
            let mut shape = x.to_vec();
            if channels_last {
                shape[1..].rotate_left(1);
            }
            let of = |shape: &[usize]| Some(random(F32, shape, 1.0));
            let mut inputs = vec![of(&shape), of(w), of(&w[..1])];
            let sum = output_of(&op, &inputs);
            Case::rewritten(op.clone(), &inputs).knowing(&[1]).check();
            inputs.push(Some(sum));
            Case::rewritten(op, &inputs).knowing(&[1]).check();
        }
    }
}

#[test]
fn pools_agree() {
    let shapes: [&[usize]; 4] = [&[2, 3, 7, 9], &[1, 2, 11], &[1, 2, 5, 4, 6], &[0, 3, 5, 5]];
    for name in ["MaxPool", "AveragePool", "LpPool"] {
        for shape in shapes {
            let axes = shape.len() - 2;
            let of = |name: &'static str, n: i64, times: usize| list(name, &vec![n; axes * times]);
            let mut attributes: Vec<Attributes> = vec![
                vec![of("kernel_shape", 2, 1)],
                vec![of("kernel_shape", 3, 1), of("strides", 2, 1), of("pads", 1, 2)],
                vec![
                    of("kernel_shape", 3, 1),
                    of("strides", 2, 1),
                    of("pads", 1, 2),
                    ("ceil_mode", Attr::Int(1)),
                ],
                vec![of("kernel_shape", 2, 1), of("dilations", 2, 1), of("pads", 1, 2)],
                vec![of("kernel_shape", 2, 1), ("auto_pad", Attr::Str("SAME_UPPER".into()))],
            ];
            if name == "AveragePool" {
                let counting = attributes.clone().into_iter().map(|mut attrs| {
                    attrs.push(("count_include_pad", Attr::Int(1)));
                    attrs
                });
                attributes.extend(counting.collect::<Vec<_>>());
            }
            if name == "LpPool" {
                attributes
                    .iter_mut()
                    .zip([1, 2, 3, 2, 5])
                    .for_each(|(attrs, p)| attrs.push(("p", Attr::Int(p))));
            }
            for attrs in attributes {
                for dtype in [F32, F16] {
                    Case::new(name, 22, &attrs, &[random(dtype, shape, 3.0)]).check();
                }
            }
        }
    }
    let attrs = [list("kernel_shape", &[2, 2])];
    let last = [Some(random(F32, &[1, 5, 6, 3], 3.0))];
    Case::of("com.microsoft", "NhwcMaxPool", 1, &attrs, &last, 1).check();
    let nasty = [f32::NAN, 1.0, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::INFINITY, -2.0, f32::NEG_INFINITY];
    Case::new("MaxPool", 12, &attrs, &[tensor(F32, &[1, 1, 7, 5], &nasty)]).check();
}

#[test]
fn whole_images_become_one_number() {
    let shapes: [&[usize]; 4] = [&[2, 3, 7, 9], &[1, 2, 3], &[2, 3], &[1, 2, 0]];
    for name in ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"] {
        for shape in shapes {
            for dtype in [F32, F16] {
                Case::new(name, 22, &[], &[random(dtype, shape, 3.0)]).check();
            }
        }
    }
}

/// Positions of a grid that lie inside, on edges, halfway between elements, and far outside.
const POSITIONS: [f32; 18] = [
    -1.0,
    1.0,
    0.0,
    -0.5,
    0.5,
    0.25,
    -0.75,
    0.9,
    1.2,
    -1.3,
    3.7,
    -9.1,
    1e6,
    f32::NAN,
    f32::INFINITY,
    0.1,
    -0.2,
    0.33,
];

#[test]
fn elements_are_taken_at_positions() {
    let grids: [(&[usize], &[usize]); 5] = [
        (&[2, 3, 4, 5], &[2, 3, 3, 2]),
        (&[1, 1, 1, 6], &[1, 2, 9, 2]),
        (&[1, 2, 7], &[1, 9, 1]),
        (&[1, 2, 3, 4, 5], &[1, 2, 3, 2, 3]),
        (&[1, 2, 4, 4], &[1, 0, 3, 2]),
    ];
    for mode in ["nearest", "linear", "cubic"] {
        for padding in ["zeros", "border", "reflection"] {
            for corners in [0, 1] {
                for (x, grid) in grids {
                    let attrs = [
                        ("mode", Attr::Str(mode.into())),
                        ("padding_mode", Attr::Str(padding.into())),
                        ("align_corners", Attr::Int(corners)),
                    ];
                    let near = random(F32, grid, 1.3);
                    for dtype in [F32, F16] {
                        Case::new("GridSample", 22, &attrs, &[random(dtype, x, 9.0), near.clone()]).check();
                    }
                    if grid[1] > 0 {
                        let nasty = tensor(F32, grid, &POSITIONS);
                        Case::new("GridSample", 22, &attrs, &[random(F32, x, 9.0), nasty]).check();
                    }
                }
            }
        }
    }
}

#[test]
fn taps_may_look_an_offset_away() {
    let pads = |n: i64, axes: usize| list("pads", &vec![n; 2 * axes]);
    let cases: Vec<(&[usize], &[usize], usize, Attributes)> = vec![
        (&[1, 1, 3, 3], &[1, 1, 2, 2], 1, vec![]),
        (&[2, 4, 6, 7], &[6, 4, 3, 3], 1, vec![pads(1, 2)]),
        (
            &[1, 6, 5, 8],
            &[4, 3, 3, 2],
            3,
            vec![group(2), list("strides", &[2, 1]), list("dilations", &[1, 2])],
        ),
        (&[1, 6, 5, 5], &[6, 1, 2, 2], 2, vec![group(6)]),
        (&[2, 2, 9], &[3, 2, 3], 2, vec![pads(2, 1)]),
        (&[0, 2, 4, 4], &[3, 2, 2, 2], 1, vec![]),
        (&[1, 1, 1, 1], &[1, 1, 1, 1], 1, vec![]),
    ];
    for (x, w, parts, mut attrs) in cases {
        attrs.push(("offset_group", Attr::Int(parts as i64)));
        let named = attrs.iter().filter(|(name, _)| *name != "offset_group");
        let named = named.map(|(name, attr)| (name.to_string(), attr.clone())).collect();
        let conv = Op::parse(Attrs::new("", "Conv", 22, vec![true; 2], vec![true], named)).unwrap();
        let y = output_of(&conv, &[Some(random(F32, x, 1.0)), Some(random(F32, w, 1.0))]);
        let taps: usize = parts * w[2..].iter().product::<usize>();
        let axes = x.len() - 2;
        let around = |planes: usize| [&[x[0], planes], &y.shape()[2..]].concat();
        let inputs = |dtype, most: f32| {
            let offsets = random(dtype, &around(taps * axes), most);
            let [bias, mask] = [&w[..1], &around(taps)].map(|shape| Some(random(dtype, shape, 1.0)));
            [Some(random(dtype, x, 1.0)), Some(random(dtype, w, 1.0)), Some(offsets), bias, mask]
        };
        for most in [0.0, 1.5, 40.0] {
            let all = inputs(F32, most);
            Case::of("", "DeformConv", 22, &attrs, &all, 1).check();
            Case::of("", "DeformConv", 22, &attrs, &all[..3], 1).knowing(&[1]).check();
            let no_bias = [all[0].clone(), all[1].clone(), all[2].clone(), None, all[4].clone()];
            Case::of("", "DeformConv", 22, &attrs, &no_bias, 1).check();
        }
        for dtype in [F16, BF16] {
            Case::of("", "DeformConv", 22, &attrs, &inputs(dtype, 1.5), 1).check();
        }
    }
    let offsets =
        tensor(F32, &[1, 2, 2, 2], &[f32::NAN, 1e30, -1e30, f32::INFINITY, 0.5, f32::NAN, 0.0, -0.25]);
    // Zero times infinity is no number, but for what lies outside.
    let x = tensor(F32, &[1, 1, 2, 2], &[1.0, 2.0, f32::INFINITY, 4.0]);
    Case::new("DeformConv", 19, &[], &[x, tensor(F32, &[1, 1, 1, 1], &[2.0]), offsets]).check();
}
