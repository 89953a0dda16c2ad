//! Convolutions of bytes: equal to the bit, wherever the channels lie and however they are grouped.

use crate::byte_products::{bytes, zero};
use crate::harness::{Case, exact, random};
use edgewise_core::DType::*;
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

/// An image with its channels last, weights, groups, strides, dilations, pads.
type Sizes = ([usize; 4], [usize; 4], i64, [i64; 2], [i64; 2], [i64; 4]);

const CONVOLUTIONS: [Sizes; 14] = [
    ([1, 5, 5, 4], [8, 4, 1, 1], 1, [1, 1], [1, 1], [0; 4]),
    ([2, 7, 6, 3], [20, 3, 3, 3], 1, [2, 2], [1, 1], [1, 0, 0, 1]),
    ([1, 9, 8, 16], [68, 16, 3, 3], 1, [1, 1], [1, 1], [1; 4]),
    ([1, 6, 7, 24], [12, 24, 3, 2], 1, [1, 2], [2, 1], [2, 1, 2, 1]),
    ([2, 5, 6, 7], [5, 7, 1, 1], 1, [1, 1], [1, 1], [0; 4]),
    ([1, 5, 6, 8], [8, 8, 1, 1], 1, [2, 2], [1, 1], [0; 4]),
    ([1, 5, 6, 8], [12, 4, 3, 3], 2, [1, 1], [1, 1], [1; 4]),
    ([1, 5, 6, 10], [6, 5, 2, 2], 2, [1, 1], [1, 1], [1, 0, 0, 0]),
    ([1, 4, 5, 6], [12, 2, 1, 1], 3, [1, 1], [1, 1], [0; 4]),
    ([2, 7, 6, 16], [16, 1, 3, 3], 16, [1, 1], [1, 1], [1; 4]),
    ([1, 7, 6, 18], [18, 1, 3, 3], 18, [2, 2], [1, 1], [1, 0, 0, 1]),
    ([1, 7, 6, 3], [6, 1, 3, 3], 3, [1, 1], [1, 1], [0; 4]),
    ([0, 7, 6, 3], [4, 3, 3, 3], 1, [1, 1], [1, 1], [0; 4]),
    ([1, 1, 1, 1], [1, 1, 1, 1], 1, [1, 1], [1, 1], [1; 4]),
];

fn attrs((_, _, groups, strides, dilations, pads): &Sizes, last: bool) -> Vec<(&'static str, Attr)> {
    let ints = |list: &[i64]| Attr::Ints(list.to_vec());
    vec![
        ("group", Attr::Int(*groups)),
        ("strides", ints(strides)),
        ("dilations", ints(dilations)),
        ("pads", ints(pads)),
        ("channels_last", Attr::Int(last.into())),
    ]
}

fn image((x, ..): &Sizes, last: bool) -> Vec<usize> {
    if last { x.to_vec() } else { vec![x[0], x[3], x[1], x[2]] }
}

fn scales(count: usize) -> Tensor {
    let scales: Vec<f32> = (0..count).map(|i| 0.01 + 0.003 * i as f32).collect();
    exact(&[count], &scales)
}

#[test]
fn convolutions_are_quantized_again() {
    for (i, sizes) in CONVOLUTIONS.iter().enumerate() {
        let (_, w, ..) = sizes;
        let bias: Vec<i32> = (0..w[0] as i32).map(|i| 100 * i - 500).collect();
        for last in [true, false] {
            let types = [
                (U8, 130.0, I8, 0.0, U8, 128.0),
                (I8, -128.0, I8, -3.0, I8, 127.0),
                (U8, 0.0, U8, 128.0, U8, 0.0),
            ];
            let (x, x_zero, w_type, w_zero, y, y_zero) = types[(i + usize::from(last)) % 3];
            let inputs = [
                Some(bytes(x, &image(sizes, last), 3)),
                Some(exact(&[], &[0.37f32])),
                Some(zero(x, x_zero)),
                Some(bytes(w_type, w, 5)),
                Some(scales(w[0])),
                Some(zero(w_type, w_zero)),
                Some(exact(&[], &[1.7f32])),
                Some(zero(y, y_zero)),
                Some(exact(&[w[0]], &bias)),
            ];
            let case = |inputs| Case::of("com.microsoft", "QLinearConv", 1, &attrs(sizes, last), inputs, 1);
            case(&inputs).knowing(&[1, 2, 3, 4, 5, 6, 7, 8]).check();
            case(&inputs[..8]).knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
        }
    }
}

#[test]
fn convolutions_of_other_ranks_are_quantized_again() {
    for (x, w) in [(&[2, 4, 9][..], &[6, 4, 3][..]), (&[1, 3, 4, 5, 3], &[4, 3, 2, 3, 2]), (&[3, 8], &[4, 8])]
    {
        let inputs = [
            bytes(U8, x, 3),
            exact(&[], &[0.37f32]),
            zero(U8, 7.0),
            bytes(I8, w, 5),
            exact(&[], &[0.01f32]),
            zero(I8, 0.0),
            exact(&[], &[0.9f32]),
            zero(U8, 128.0),
        ];
        Case::new("QLinearConv", 10, &[], &inputs).knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
    }
    // What a window over three axes would need more for.
    let inputs = [bytes(U8, &[1, 1, 2, 2, 2, 2], 3), bytes(I8, &[1, 1, 2, 2, 2, 2], 5)];
    assert!(
        !Case::new("ConvInteger", 10, &[], &inputs).knowing(&[1]).is_taken()
            || crate::harness::gpu().is_none()
    );
}

#[test]
fn sums_of_convolutions_are_the_result() {
    for sizes in &CONVOLUTIONS {
        let attrs = attrs(sizes, false);
        let inputs =
            [bytes(U8, &image(sizes, false), 3), bytes(U8, &sizes.1, 5), zero(U8, 200.0), zero(U8, 99.0)];
        let case = Case::new("ConvInteger", 10, &attrs[..4], &inputs);
        case.clone().knowing(&[1, 2, 3]).check();
        case.knowing(&[1, 3]).check();
    }
}

#[test]
fn sums_of_convolutions_become_floats() {
    for sizes in &CONVOLUTIONS {
        let (_, w, ..) = sizes;
        for (last, relu) in [(true, true), (false, false)] {
            let mut attrs = attrs(sizes, last);
            if relu {
                attrs.push(("activation", Attr::Str("Relu".into())));
            }
            let inputs = [
                bytes(U8, &image(sizes, last), 3),
                bytes(I8, w, 5),
                exact(&[], &[0.37f32]),
                scales(w[0]),
                zero(U8, 130.0),
                zero(I8, -3.0),
                random(F32, &[w[0]], 90.0),
            ];
            let inputs = inputs.map(Some);
            let case = Case::of("edgewise", "ConvIntegerToFloat", 1, &attrs, &inputs, 1).exactly();
            case.clone().knowing(&[1, 2, 3, 4, 5, 6]).check();
            case.knowing(&[1, 3, 5, 6]).check();
        }
    }
}

const TRANSPOSED: [Sizes; 8] = [
    ([1, 4, 5, 4], [4, 8, 2, 2], 1, [2, 2], [1, 1], [0; 4]),
    ([2, 3, 4, 3], [3, 20, 3, 3], 1, [2, 1], [1, 1], [1, 0, 0, 1]),
    ([1, 5, 4, 16], [16, 68, 3, 3], 1, [1, 1], [1, 1], [1; 4]),
    ([1, 3, 4, 24], [24, 12, 3, 2], 1, [1, 2], [2, 1], [2, 1, 2, 1]),
    ([1, 4, 3, 8], [8, 3, 3, 3], 2, [2, 2], [1, 1], [1; 4]),
    ([1, 4, 3, 16], [16, 1, 3, 3], 16, [2, 2], [1, 1], [1; 4]),
    ([0, 7, 6, 3], [3, 4, 3, 3], 1, [1, 1], [1, 1], [0; 4]),
    ([1, 1, 1, 1], [1, 1, 2, 2], 1, [3, 3], [1, 1], [0; 4]),
];

#[test]
fn transposed_convolutions_are_quantized_again() {
    for sizes in &TRANSPOSED {
        let (_, w, groups, ..) = sizes;
        let channels = w[1] * *groups as usize;
        let bias: Vec<i32> = (0..channels as i32).map(|i| 100 * i - 500).collect();
        for last in [true, false] {
            for (x, x_zero, w_type, w_zero, y) in [(U8, 130.0, I8, -3.0, U8), (I8, -128.0, U8, 128.0, I8)] {
                let inputs = [
                    Some(bytes(x, &image(sizes, last), 3)),
                    Some(exact(&[], &[0.37f32])),
                    Some(zero(x, x_zero)),
                    Some(bytes(w_type, w, 5)),
                    Some(scales(channels)),
                    Some(zero(w_type, w_zero)),
                    Some(exact(&[], &[1.7f32])),
                    Some(zero(y, 100.0)),
                    Some(exact(&[channels], &bias)),
                ];
                let case =
                    |inputs| Case::of("edgewise", "QLinearConvTranspose", 1, &attrs(sizes, last), inputs, 1);
                case(&inputs).knowing(&[1, 2, 3, 4, 5, 6, 7, 8]).check();
                case(&inputs[..8]).knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
            }
        }
    }
    let inputs = [
        Some(bytes(U8, &[1, 4, 3], 3)),
        Some(exact(&[], &[0.37f32])),
        Some(zero(U8, 7.0)),
        Some(bytes(I8, &[4, 5, 3], 5)),
        Some(exact(&[], &[0.01f32])),
        Some(zero(I8, 0.0)),
        Some(exact(&[], &[0.9f32])),
        Some(zero(U8, 128.0)),
    ];
    let attrs = [("strides", Attr::Ints(vec![2])), ("output_padding", Attr::Ints(vec![1]))];
    let case = Case::of("edgewise", "QLinearConvTranspose", 1, &attrs, &inputs, 1);
    case.knowing(&[1, 2, 3, 4, 5, 6, 7]).check();
}
