//! Convolutions, wherever the channels lie.

use crate::harness::{Case, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::{Attr, Attrs, Op};
use std::sync::Arc;

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

fn op(domain: &str, name: &str, inputs: usize, attrs: Attributes<'_>) -> Op {
    let attrs = attrs.iter().map(|(name, attr)| (name.to_string(), attr.clone())).collect();
    Op::parse(Attrs::new(domain, name, 11, vec![true; inputs], vec![true], attrs)).unwrap()
}

/// A convolution with both layouts.
fn conv(dtype: DType, x: &[usize], w: &[usize], bias: bool, attrs: Attributes<'_>) {
    let first = Op::clone(&op("", "Conv", 3, attrs));
    let Op::Conv(parsed) = &first else { unreachable!() };
    let mut turned = (**parsed).clone();
    turned.channels_last = true;
    let inputs = |x: &[usize]| {
        [Some(random(dtype, x, 1.0)), Some(random(dtype, w, 1.0)), bias.then(|| random(dtype, &[w[0]], 2.0))]
    };
    Case::rewritten(first.clone(), &inputs(x)).knowing(&[1]).check();
    Case::rewritten(Op::Conv(Arc::new(turned)), &inputs(&last(x))).knowing(&[1]).check();
}

#[test]
fn windows_of_all_kinds_agree() {
    let cases: &[(&[usize], &[usize], Attributes<'_>)] = &[
        (&[2, 8, 9, 7], &[12, 8, 3, 3], &[ints("pads", &[1, 1, 1, 1])]),
        (&[1, 3, 17, 19], &[16, 3, 3, 3], &[ints("strides", &[2, 2]), ints("pads", &[1, 0, 1, 2])]),
        (&[3, 68, 5, 5], &[70, 68, 1, 1], &[]),
        (&[1, 1, 6, 6], &[1, 1, 2, 3], &[("auto_pad", Attr::Str("SAME_LOWER".into()))]),
        (&[1, 5, 11, 13], &[7, 5, 3, 2], &[ints("dilations", &[2, 3]), ints("pads", &[2, 2, 2, 2])]),
        (&[1, 16, 1, 1], &[33, 16, 1, 1], &[]),
        (&[2, 6, 20], &[9, 6, 5], &[ints("strides", &[3]), ints("pads", &[2, 1])]),
        (
            &[1, 4, 5, 6, 7],
            &[8, 4, 2, 3, 3],
            &[ints("pads", &[1, 0, 1, 0, 1, 1]), ints("strides", &[1, 2, 1])],
        ),
        (&[0, 4, 5, 5], &[8, 4, 3, 3], &[]),
        (&[1, 4, 3, 5], &[2, 4, 3, 3], &[]),
        (&[1, 2, 4, 4], &[2, 2, 7, 7], &[ints("pads", &[3, 3, 3, 3]), ints("strides", &[4, 4])]),
    ];
    for (i, (x, w, attrs)) in cases.iter().enumerate() {
        conv(F32, x, w, i % 2 == 0, attrs);
    }
    for (x, w, attrs) in &cases[..4] {
        conv(F16, x, w, true, attrs);
    }
    conv(BF16, cases[0].0, cases[0].1, true, cases[0].2);
}

#[test]
fn groups_do_not_see_each_other() {
    let pads = ints("pads", &[1, 1, 1, 1]);
    for (channels, outs, groups) in
        [(8, 12, 2), (6, 4, 2), (16, 16, 4), (8, 8, 8), (5, 5, 5), (6, 18, 6), (68, 68, 68)]
    {
        let attrs = [("group", Attr::Int(groups as i64)), pads.clone(), ints("strides", &[1, 2])];
        for dtype in [F32, F16] {
            conv(dtype, &[2, channels, 5, 6], &[outs, channels / groups, 3, 3], channels != 8, &attrs);
        }
    }
    let attrs = [("group", Attr::Int(4)), ints("dilations", &[2])];
    conv(F32, &[1, 4, 9], &[4, 1, 3], true, &attrs);
}

#[test]
fn a_sum_and_an_activation_follow() {
    for groups in [1, 8] {
        let attrs = [("activation", Attr::Str("Relu".into())), ("group", Attr::Int(groups))];
        let w = random(F32, &[8, 8 / groups as usize, 3, 3], 1.0);
        let (bias, x) = (random(F32, &[8], 1.0), random(F32, &[1, 8, 7, 6], 1.0));
        let inputs = [Some(x), Some(w), Some(bias), Some(random(F32, &[1, 8, 5, 4], 4.0))];
        Case::rewritten(op("com.microsoft", "FusedConv", 4, &attrs), &inputs).knowing(&[1]).check();
    }
}

#[test]
fn small_images_with_many_channels_are_split_along_their_depth() {
    let attrs = [ints("pads", &[1, 1, 1, 1])];
    conv(F32, &[2, 70, 5, 3], &[9, 70, 3, 3], true, &attrs);
    conv(F16, &[1, 64, 4, 4], &[8, 64, 3, 3], true, &attrs);
    conv(F32, &[1, 128, 3, 3], &[6, 64, 3, 3], true, &[("group", Attr::Int(2))]);
    let inputs = [
        Some(random(F32, &[2, 600, 2, 3], 1.0)),
        Some(random(F32, &[5, 600, 1, 1], 1.0)),
        None,
        Some(random(F32, &[2, 5, 2, 3], 4.0)),
    ];
    Case::rewritten(op("com.microsoft", "FusedConv", 4, &[]), &inputs).knowing(&[1]).check();
}

#[test]
fn an_image_has_the_same_bits_in_any_batch() {
    // Of a larger tensor of the same numbers, the first ones are the same image.
    let outputs = |batch: usize| {
        let inputs = [Some(random(F32, &[batch, 70, 5, 3], 1.0)), Some(random(F32, &[9, 70, 3, 3], 1.0))];
        Case::rewritten(op("", "Conv", 2, &[]), &inputs).knowing(&[1]).outputs()
    };
    let (Some(one), Some(many)) = (outputs(1), outputs(40)) else { return };
    let (one, many) = (one[0].view(), many[0].view());
    assert_eq!(one.bytes(), &many.bytes()[..one.bytes().len()]);
}

#[test]
fn nan_stays_in_its_windows() {
    let mut x = vec![1.0; 64];
    (x[9], x[30]) = (f32::NAN, f32::INFINITY);
    let x = Tensor::new(&[1, 1, 8, 8], &x).unwrap();
    let inputs = [Some(x), Some(tensor(F32, &[3, 1, 3, 3], &[1.0, -0.5, 1e30, 2.0]))];
    Case::rewritten(op("", "Conv", 2, &[]), &inputs).knowing(&[1]).check();
}

#[test]
fn weights_that_are_not_known_are_left_to_the_host() {
    let inputs = [Some(random(F32, &[1, 2, 4, 4], 1.0)), Some(random(F32, &[2, 2, 3, 3], 1.0))];
    let taken = Case::rewritten(op("", "Conv", 2, &[]), &inputs).is_taken();
    assert!(!taken || crate::harness::gpu().is_none());
}

#[test]
fn transposed_windows_agree() {
    let group = |n: i64| ("group", Attr::Int(n));
    let cases: &[(&[usize], &[usize], Attributes<'_>)] = &[
        (&[1, 3, 5, 6], &[3, 5, 3, 3], &[ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1])]),
        (&[2, 8, 4, 4], &[8, 12, 2, 2], &[ints("strides", &[2, 2])]),
        (
            &[1, 4, 3, 4],
            &[4, 2, 3, 3],
            &[ints("strides", &[3, 2]), ints("output_padding", &[1, 1]), group(2)],
        ),
        (&[1, 4, 5, 5], &[4, 1, 4, 4], &[ints("strides", &[2, 2]), ints("pads", &[1, 1, 1, 1]), group(4)]),
        (&[1, 2, 7], &[2, 3, 4], &[ints("dilations", &[2]), ints("pads", &[1, 2])]),
        (&[1, 2, 5, 5], &[2, 3, 3, 3], &[ints("strides", &[2, 2]), ints("output_shape", &[10, 9])]),
        (
            &[1, 2, 5, 5],
            &[2, 3, 3, 3],
            &[ints("strides", &[2, 3]), ("auto_pad", Attr::Str("SAME_UPPER".into()))],
        ),
        (&[1, 2, 3, 3, 3], &[2, 2, 2, 2, 2], &[ints("strides", &[2, 1, 2])]),
    ];
    for (i, (x, w, attrs)) in cases.iter().enumerate() {
        let first = op("", "ConvTranspose", 3, attrs);
        let Op::ConvTranspose(parsed) = &first else { unreachable!() };
        let turned = Op::ConvTranspose(Arc::new(parsed.on_channels_last()));
        let groups = parsed.groups;
        let dtype = if i == 0 { F16 } else { F32 };
        for (op, x) in [(first.clone(), x.to_vec()), (turned, last(x))] {
            let bias = (i % 2 == 0).then(|| random(dtype, &[w[1] * groups], 2.0));
            let inputs = [Some(random(dtype, &x, 1.0)), Some(random(dtype, w, 1.0)), bias];
            Case::rewritten(op, &inputs).knowing(&[1]).check();
        }
    }
}
