//! The same numbers in other types, of every width.

use crate::harness::{Case, SIZES, exact, random, tensor};
use edgewise_core::DType::*;
use edgewise_core::ops::Attr;

/// Numbers at which types end.
const ENDS: [f32; 27] = [
    0.0,
    -0.0,
    1.9,
    -1.9,
    127.5,
    -128.0,
    300.0,
    -1.0,
    65535.0,
    65536.0,
    2147483648.0,
    -2147483648.0,
    4e9,
    4294967296.0,
    1e19,
    -1e19,
    3e38,
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    1e-7,
    6e-8,
    2e-8,
    65519.0,
    65520.0,
    2049.0,
    2051.0,
];

#[test]
fn casts_agree() {
    let types = [F32, F16, BF16, I8, U8, I16, U16, I32, U32, I64, U64, Bool];
    for from in types {
        let x = tensor(from, &[ENDS.len()], &ENDS);
        for to in types {
            Case::new("Cast", 19, &[("to", Attr::Int(to as i64))], std::slice::from_ref(&x)).check();
        }
    }
    Case::new("CastLike", 19, &[], &[random(F32, &[5], 9.0), random(I64, &[1], 1.0)]).check();
}

#[test]
fn casts_of_small_types_agree() {
    let small = [F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1, I4, U4, I2, U2];
    // Every code of them, and what lies between their numbers.
    let codes: Vec<u8> = (0..=255).collect();
    let between: Vec<f32> = (0..4000u32).map(|i| f32::from_bits(i.wrapping_mul(0x0010_7a31))).collect();
    for dtype in small {
        let all = edgewise_core::Tensor::from_bytes(dtype, &[2048 / dtype.bits()], &codes).unwrap();
        for other in [F32, F16, BF16, I8, U8, I16, I32, I64, U64, Bool].into_iter().chain(small) {
            Case::new("Cast", 25, &[("to", Attr::Int(other as i64))], std::slice::from_ref(&all)).check();
        }
        for other in [F32, F16, BF16, I8, U16, Bool] {
            for saturate in [0, 1] {
                let attrs = [("to", Attr::Int(dtype as i64)), ("saturate", Attr::Int(saturate))];
                Case::new("Cast", 25, &attrs, &[tensor(other, &[ENDS.len()], &ENDS)]).check();
            }
        }
        for round in ["up", "down", "nearest"] {
            let attrs = [("to", Attr::Int(dtype as i64)), ("round_mode", Attr::Str(round.into()))];
            Case::new("Cast", 25, &attrs, &[exact(&[between.len()], &between)]).check();
        }
        for shape in SIZES {
            Case::new("Cast", 25, &[("to", Attr::Int(dtype as i64))], &[random(F32, shape, 9.0)]).check();
        }
    }
    for to in [I4, U4, I2, U2] {
        for from in [I32, U32, I64, U64] {
            Case::new("Cast", 25, &[("to", Attr::Int(to as i64))], &[tensor(from, &[27], &ENDS)]).check();
        }
    }
    // Rounded once, to a float of 8 bits: not by way of f32.
    assert!(!Case::new("Cast", 19, &[("to", Attr::Int(17))], &[random(I32, &[3], 9.0)]).is_taken());
}
