//! The packed products and convolutions against the plain operators, to the bit.

use crate::cpu::testing::lowered_as_plain;
use crate::ops::Attr;
use crate::{Element, Tensor, Value};

const MS: &str = "com.microsoft";

/// Numbers that look random.
fn bytes(shape: &[usize], seed: usize) -> Vec<u8> {
    let len: usize = shape.iter().product();
    (0..len).map(|i| ((i + seed) * 2_654_435_761 % 4_294_967_291 / 8192) as u8).collect()
}

fn tensor<T: Element>(shape: &[usize], x: &[T]) -> Option<Value> {
    Some(Tensor::new(shape, x).unwrap().into())
}

fn of_bytes(signed: bool, shape: &[usize], seed: usize) -> Option<Value> {
    let bytes = bytes(shape, seed);
    if signed {
        tensor(shape, &bytes.iter().map(|&b| b as i8).collect::<Vec<_>>())
    } else {
        tensor(shape, &bytes)
    }
}

fn zero(signed: bool, values: &[i8]) -> Option<Value> {
    let shape: &[usize] = if values.len() == 1 { &[] } else { &[values.len()] };
    if signed {
        tensor(shape, values)
    } else {
        tensor(shape, &values.iter().map(|&z| z as u8).collect::<Vec<_>>())
    }
}

fn scales(n: usize, unit: f32) -> Option<Value> {
    let values: Vec<f32> = (0..n).map(|i| unit * (1.0 + i as f32 / 7.0)).collect();
    if n == 1 { tensor(&[], &values) } else { tensor(&[n], &values) }
}

/// Shapes of both factors, and whether the right one may be a constant.
const PRODUCTS: [(&[usize], &[usize]); 8] = [
    (&[3, 5], &[5, 7]),
    (&[1, 64], &[64, 300]),
    (&[2, 3, 4, 9], &[9, 33]),
    (&[2, 3, 4, 9], &[2, 3, 9, 5]),
    (&[4, 9], &[3, 9, 5]),
    (&[70, 40], &[1, 40, 100]),
    (&[2, 0], &[0, 3]),
    (&[9], &[9, 4]),
];

#[test]
fn products() {
    for (case, (a, b)) in PRODUCTS.into_iter().enumerate() {
        let cols = b[b.len() - 1];
        for variant in 0..16 {
            let (a_signed, b_signed, each) = (variant & 1 != 0, variant & 2 != 0, variant & 4 != 0);
            let zeros: Vec<i8> = (0..if each { cols } else { 1 }).map(|i| (i * 37 % 200) as i8).collect();
            let (x, w) = (of_bytes(a_signed, a, case), of_bytes(b_signed, b, variant));
            let (a_zero, b_zero) = (zero(a_signed, &[99]), zero(b_signed, &zeros));
            let (one, unit) = (scales(1, 0.01), scales(zeros.len(), 0.003));
            let bias = Some(()).filter(|_| variant & 8 != 0).and_then(|_| scales(cols, 3.0));
            let run = |domain, op, version, inputs: &[Option<Value>], constant: &[usize]| {
                for constants in [&[][..], constant] {
                    lowered_as_plain((domain, op, version), &[], inputs, constants).unwrap();
                }
            };
            let inputs = [x.clone(), w.clone(), a_zero.clone(), b_zero.clone()];
            run("", "MatMulInteger", 10, &inputs, &[1, 3]);
            let inputs = [
                x.clone(),
                w.clone(),
                one.clone(),
                unit.clone(),
                a_zero.clone(),
                b_zero.clone(),
                bias.clone(),
            ];
            run(MS, "MatMulIntegerToFloat", 1, &inputs, &[1, 5]);
            let floats: Vec<f32> = bytes(a, 5).iter().map(|&x| f32::from(x) / 3.0 - 20.0).collect();
            let inputs = [tensor(a, &floats), w.clone(), unit.clone(), b_zero.clone(), bias];
            run(MS, "DynamicQuantizeMatMul", 1, &inputs, &[1, 3]);
            let (y_scale, y_zero) = (scales(1, 0.1), zero(b_signed, &[20]));
            let inputs = [x, one.clone(), a_zero, w, unit, b_zero, y_scale, y_zero];
            run("", "QLinearMatMul", 10, &inputs, &[3, 5]);
        }
    }
}

#[test]
fn rows_with_zero_points_of_their_own() {
    let (a, b) = (of_bytes(false, &[3, 5], 1), of_bytes(true, &[5, 7], 2));
    let inputs = [a, b, zero(false, &[1, 2, 3]), zero(true, &[4])];
    lowered_as_plain(("", "MatMulInteger", 10), &[], &inputs, &[1, 3]).unwrap();
    let inputs = [&inputs[..2], &[zero(false, &[1, 2, 3, 4]), zero(true, &[4])]].concat();
    assert!(lowered_as_plain(("", "MatMulInteger", 10), &[], &inputs, &[1, 3]).is_err());
}

#[test]
fn gemms() {
    for variant in 0..32 {
        let (trans_a, trans_b, each) = (variant & 1, variant >> 1 & 1, variant & 4 != 0);
        let a = if trans_a == 1 { [20, 6] } else { [6, 20] };
        let b = if trans_b == 1 { [40, 20] } else { [20, 40] };
        let cols = if each { 40 } else { 1 };
        let c: &[usize] = [&[40][..], &[6, 40], &[1], &[]][variant % 4];
        let addend: Vec<i32> = (0..c.iter().product::<usize>()).map(|i| i as i32 * 777 - 3000).collect();
        let mut inputs = vec![
            of_bytes(false, &a, variant),
            scales(1, 0.02),
            zero(false, &[100]),
            of_bytes(true, &b, 3),
            scales(cols, 0.05),
            zero(true, &vec![3; cols]),
            tensor(c, &addend).filter(|_| variant & 8 == 0),
        ];
        if variant & 16 != 0 {
            inputs.extend([scales(1, 0.5), zero(true, &[-4])]);
        }
        let attrs = [
            ("transA", Attr::Int(trans_a as i64)),
            ("transB", Attr::Int(trans_b as i64)),
            ("alpha", Attr::Float(0.7)),
        ];
        lowered_as_plain((MS, "QGemm", 1), &attrs, &inputs, &[3, 5]).unwrap();
    }
}

/// Image (channels first), weights, attributes.
type Conv = (&'static [usize], &'static [usize], &'static [(&'static str, &'static [i64])]);

const CONVOLUTIONS: [Conv; 14] = [
    (&[1, 3, 9, 8], &[5, 3, 3, 3], &[("pads", &[1, 1, 1, 1]), ("strides", &[2, 2])]),
    (&[2, 20, 4, 5], &[33, 20, 1, 1], &[]),
    (&[1, 8, 7, 7], &[8, 1, 3, 3], &[("group", &[8]), ("pads", &[1, 1, 1, 1])]),
    (&[1, 70, 9, 9], &[70, 1, 5, 5], &[("group", &[70]), ("pads", &[2, 2, 2, 2]), ("strides", &[2, 2])]),
    (&[2, 6, 5, 6], &[12, 1, 3, 2], &[("group", &[6])]),
    (&[1, 8, 5, 5], &[6, 4, 2, 2], &[("group", &[2]), ("dilations", &[2, 1]), ("pads", &[0, 1, 1, 0])]),
    (&[2, 1, 6, 9], &[7, 1, 3, 4], &[("pads", &[2, 5, 3, 4]), ("strides", &[3, 2]), ("dilations", &[2, 1])]),
    (&[1, 8, 3, 4], &[20, 8, 1, 3], &[("pads", &[0, 2, 0, 0])]),
    (&[1, 4, 12], &[20, 4, 3], &[("pads", &[2, 0])]),
    (&[1, 5], &[3, 5], &[]),
    (&[1, 64, 1, 1], &[200, 64, 1, 1], &[]),
    (&[0, 3, 4], &[2, 3, 2], &[]),
    (&[1, 2, 0], &[3, 2, 2], &[("pads", &[1, 1])]),
    (&[1, 16, 3, 3, 3], &[4, 16, 2, 2, 2], &[("pads", &[0, 0, 0, 1, 1, 1])]),
];

#[test]
fn convolutions() {
    for (case, (image, weights, attrs)) in CONVOLUTIONS.into_iter().enumerate() {
        for variant in 0..16 {
            let (x_signed, w_signed, each) = (variant & 1 != 0, variant & 2 != 0, variant & 4 != 0);
            let last = variant & 8 != 0;
            let attr = |(name, values): &(&'static str, &[i64])| match *name {
                "group" => (*name, Attr::Int(values[0])),
                _ => (*name, Attr::Ints(values.to_vec())),
            };
            let mut attrs: Vec<_> = attrs.iter().map(attr).collect();
            let channels = weights[0];
            let n = if each { channels } else { 1 };
            let zeros: Vec<i8> = (0..n).map(|i| (i * 7 % 50 + 90) as i8).collect();
            let w = of_bytes(w_signed, weights, case);
            let (x_zero, w_zero) = (zero(x_signed, &[77]), zero(w_signed, &zeros));
            if !last {
                let inputs = [of_bytes(x_signed, image, variant), w.clone(), x_zero.clone(), w_zero.clone()];
                lowered_as_plain(("", "ConvInteger", 10), &attrs, &inputs, &[1, 3]).unwrap();
            }
            attrs.push(("channels_last", Attr::Int(last.into())));
            let mut shape = image.to_vec();
            if last {
                shape[1..].rotate_left(1);
            }
            let bias: Vec<i32> = (0..channels).map(|c| c as i32 * 999 - 5000).collect();
            let inputs = [
                of_bytes(x_signed, &shape, variant),
                scales(1, 0.02),
                x_zero,
                w,
                scales(n, 0.01),
                w_zero,
                scales(1, 0.3),
                zero(x_signed, &[5]),
                tensor(&[channels], &bias).filter(|_| each),
            ];
            let inputs = if each { &inputs[..] } else { &inputs[..8] };
            lowered_as_plain((MS, "QLinearConv", 1), &attrs, inputs, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        }
    }
}
