//! Quantizing, dequantizing, and functions of bytes: equal to the bit.

use crate::harness::{Case, SIZES, exact, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

/// Numbers at which rounding turns, limits of types, and numbers without an exponent.
fn nasty() -> Vec<f32> {
    let mut numbers = vec![
        0.0,
        -0.0,
        0.5,
        1.5,
        -2.5,
        0.49999997,
        254.5,
        255.5,
        -128.5,
        127.49999,
        1e30,
        -1e30,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MIN_POSITIVE,
        1e-40,
        -1e-45,
        f32::MAX,
    ];
    // Around whole numbers and halves of steps of 0.3.
    for i in 0..400 {
        let x = 0.15 * i as f32;
        numbers.extend([x, f32::from_bits(x.to_bits() + 1), -x, 16777216.0 / (i + 1) as f32]);
    }
    numbers
}

fn ints(attrs: &[(&'static str, i64)]) -> Vec<(&'static str, Attr)> {
    attrs.iter().map(|&(name, x)| (name, Attr::Int(x))).collect()
}

#[test]
fn numbers_are_quantized_to_the_bit() {
    let x = exact(&[nasty().len()], &nasty());
    for zero in [exact(&[], &[0u8]), exact(&[], &[255u8]), exact(&[], &[-128i8]), exact(&[], &[7i16])] {
        for scale in [1.0f32, 0.3, 1e-39, 3e38, 0.0, 1e-3, f32::NAN, f32::INFINITY] {
            let inputs = [x.clone(), exact(&[], &[scale]), zero.clone()];
            Case::new("QuantizeLinear", 21, &[], &inputs).exactly().check();
        }
    }
    for shape in SIZES {
        let inputs = [random(F32, shape, 300.0), exact(&[1], &[0.7f32])];
        Case::new("QuantizeLinear", 13, &[], &inputs).check();
    }
}

#[test]
fn scales_lie_along_an_axis_or_in_blocks() {
    let x = random(F32, &[3, 5, 7], 100.0);
    for (attrs, shape) in [
        (ints(&[("axis", 0)]), &[3][..]),
        (ints(&[("axis", 1)]), &[5]),
        (ints(&[("axis", -1)]), &[7]),
        (ints(&[("axis", 1), ("block_size", 2)]), &[3, 3, 7]),
        (ints(&[("axis", 2), ("block_size", 3)]), &[3, 5, 3]),
        (ints(&[("axis", 0), ("block_size", 16)]), &[1, 5, 7]),
    ] {
        let scale = tensor(F32, shape, &[0.3, 1.7, 0.01, 5.0, 1e-41]);
        for dtype in [U8, I8] {
            let zero = tensor(dtype, shape, &[0.0, 3.0, 100.0, 127.0]);
            let inputs = [x.clone(), scale.clone(), zero.clone()];
            Case::new("QuantizeLinear", 21, &attrs, &inputs).check();
            let q = tensor(dtype, &[3, 5, 7], &[0.0, 127.0, 1.0, 55.0, 9.0, 101.0]);
            Case::new("DequantizeLinear", 21, &attrs, &[q, scale.clone(), zero]).exactly().check();
        }
    }
}

#[test]
fn quotients_are_rounded_in_the_type_that_is_asked_for() {
    for (x, scale) in [(F16, F16), (F32, F32), (BF16, BF16)] {
        let inputs = [tensor(x, &[501], &nasty()[..501]), tensor(scale, &[], &[0.3]), exact(&[], &[5u8])];
        Case::new("QuantizeLinear", 21, &[], &inputs).check();
        for precision in [F32, F16] {
            let attrs = ints(&[("precision", precision as i64)]);
            Case::new("QuantizeLinear", 25, &attrs, &inputs).check();
        }
    }
}

#[test]
fn integers_are_dequantized_to_the_bit() {
    let all: Vec<f32> = (-130..260).map(|i| i as f32).collect();
    for dtype in [U8, I8, U16, I16] {
        for scale in [1.0f32, 0.3, 1e-39, 3e38, 0.0, f32::NAN, f32::NEG_INFINITY] {
            let inputs =
                [tensor(dtype, &[all.len()], &all), exact(&[], &[scale]), tensor(dtype, &[], &[127.0])];
            Case::new("DequantizeLinear", 21, &[], &inputs).exactly().check();
        }
        for (scale, y) in [(F16, F16), (F32, F16), (BF16, F32)] {
            let attrs = ints(&[("output_dtype", y as i64)]);
            let inputs = [tensor(dtype, &[51], &all), tensor(scale, &[], &[0.3])];
            Case::new("DequantizeLinear", 23, &attrs, &inputs).exactly().check();
        }
        for shape in SIZES {
            let inputs = [tensor(dtype, shape, &all), exact(&[], &[0.3f32])];
            Case::new("DequantizeLinear", 13, &[], &inputs).exactly().check();
        }
    }
    let wide = [0, 1, -1, i32::MAX, i32::MIN, 16777217, -16777219, 33554434, 123456789];
    for zero in [0, 1, i32::MIN, i32::MAX] {
        for scale in [1.0f32, 0.3, 1e-42] {
            let inputs = [exact(&[9], &wide), exact(&[], &[scale]), exact(&[], &[zero])];
            Case::new("DequantizeLinear", 21, &[], &inputs).exactly().check();
        }
    }
}

#[test]
fn the_smallest_types_are_quantized_to_the_bit() {
    for dtype in [I4, U4, I2, U2] {
        for shape in [[5, 7], [2, 64]] {
            let zero = tensor(dtype, &[shape[0]], &[1.0, 0.0]);
            let scale = random(F32, &[shape[0]], 0.6);
            let attrs = ints(&[("axis", 0)]);
            let inputs = [random(F32, &shape, 3.0), scale.clone(), zero.clone()];
            Case::new("QuantizeLinear", 25, &attrs, &inputs).check();
            let inputs = [tensor(dtype, &shape, &[1.0, -1.0, 3.0, 0.0, 2.0, 7.0, -8.0]), scale, zero];
            Case::new("DequantizeLinear", 25, &attrs, &inputs).exactly().check();
            Case::new("DequantizeLinear", 25, &attrs, &inputs[..2]).exactly().check();
        }
    }
    for dtype in [F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F4E2M1] {
        for saturate in [0, 1] {
            let zero = tensor(dtype, &[], &[0.0]);
            let inputs = [tensor(F32, &[nasty().len()], &nasty()), tensor(F32, &[], &[0.3]), zero];
            let attrs = ints(&[("saturate", saturate)]);
            Case::new("QuantizeLinear", 25, &attrs, &inputs).knowing(&[2]).check();
        }
        let inputs = [random(dtype, &[3, 9], 5.0), tensor(F32, &[], &[0.3]), tensor(dtype, &[], &[0.0])];
        Case::new("DequantizeLinear", 25, &[], &inputs).knowing(&[2]).exactly().check();
        Case::new("DequantizeLinear", 25, &[], &inputs[..2]).exactly().check();
        // Its zero point must be zero, and only the host can say that it is not.
        assert!(!Case::new("DequantizeLinear", 25, &[], &inputs).is_taken());
    }
}

fn dynamic(x: Tensor) -> Case {
    Case::of("", "DynamicQuantizeLinear", 11, &[], &[Some(x)], 3).exactly()
}

#[test]
fn a_tensor_finds_its_own_scale() {
    let numbers: [&[f32]; 9] = [
        &[0.0],
        &[-1.0, -255.0],
        &[1.0, 510.0],
        &[f32::NAN, 3.0, -1.7],
        &[1e-40, -2e-40, 3e-42],
        &[1e-45],
        &[3e38, -3e38],
        &[f32::INFINITY, 1.0],
        &[2e-36, 1e-39, -1e-41],
    ];
    for x in numbers {
        dynamic(exact(&[x.len()], x)).check();
    }
    for shape in SIZES {
        dynamic(random(F32, shape, 3.0)).check();
    }
    for most in [1e-3, 1.0, 700.0] {
        dynamic(random(F32, &[70, 1003], most)).check();
    }
}

#[test]
fn bytes_are_looked_up() {
    let table: Vec<u8> = (0..=255u8).map(|i| i.wrapping_mul(77).wrapping_add(13)).collect();
    let all: Vec<f32> = (-128..256).map(|i| i as f32).collect();
    for dtype in [U8, I8] as [DType; 2] {
        for shape in SIZES.into_iter().chain([&[384][..], &[129]]) {
            let inputs = [Some(tensor(dtype, shape, &all)), Some(exact(&[256], &table))];
            Case::of("edgewise", "ByteTable", 1, &[], &inputs, 1).check();
        }
    }
}
