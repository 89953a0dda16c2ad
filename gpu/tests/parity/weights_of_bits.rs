//! Products with weights of 2, 4 and 8 bits: near in f32, equal to the bit where rows are rounded to 8 bits.

use crate::byte_products::bytes;
use crate::harness::{Case, exact, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

/// What a product is made of: the sizes, bits, block, and how zero points come.
struct Weights {
    n: usize,
    k: usize,
    bits: usize,
    block: usize,
    zeros: Option<DType>,
    bias: bool,
    eight_bits: bool,
}

impl Weights {
    fn of(&self, x: Tensor) -> Case {
        let Weights { n, k, bits, block, .. } = *self;
        let blocks = k.div_ceil(block);
        let dtype = x.dtype();
        let scales = tensor(dtype, &[n * blocks], &[0.02, 0.5, 1e-3, -0.25, 0.11]);
        let zeros = self.zeros.map(|zeros| match zeros {
            U8 => bytes(U8, &[n * blocks.div_ceil(8 / bits)], 9),
            dtype => tensor(dtype, &[n * blocks], &[1.5, 7.0, 8.25]),
        });
        let inputs = [
            Some(x),
            Some(bytes(U8, &[n, blocks, block / 8 * bits], 3)),
            Some(scales),
            zeros,
            None,
            self.bias.then(|| random(dtype, &[n], 3.0)),
        ];
        let attrs = [("N", n), ("K", k), ("bits", bits), ("block_size", block)];
        let mut attrs: Vec<(&str, Attr)> = attrs.map(|(name, x)| (name, Attr::Int(x as i64))).into();
        attrs.push(("accuracy_level", Attr::Int(if self.eight_bits { 4 } else { 0 })));
        let case = Case::of("com.microsoft", "MatMulNBits", 1, &attrs, &inputs, 1).knowing(&[1, 2, 3, 5]);
        if self.eight_bits { case.exactly() } else { case }
    }
}

#[test]
fn floats_meet_weights_in_blocks() {
    for (bits, block, k) in [(4, 32, 64), (4, 16, 200), (2, 16, 33), (8, 32, 96), (4, 128, 100), (8, 16, 17)]
    {
        for (zeros, bias) in [(None, false), (Some(U8), true), (Some(F32), false)] {
            let weights = Weights { n: 70, k, bits, block, zeros, bias, eight_bits: false };
            for rows in [&[1, k][..], &[2, 2, k], &[37, k], &[0, k], &[k]] {
                weights.of(random(F32, rows, 1.0)).check();
            }
        }
    }
    for rows in [1, 9] {
        let weights =
            Weights { n: 34, k: 64, bits: 4, block: 32, zeros: None, bias: true, eight_bits: false };
        weights.of(random(F16, &[rows, 64], 1.0)).check();
        let odd = Weights { n: 33, ..weights };
        assert!(!odd.of(random(F16, &[rows, 64], 1.0)).is_taken() || crate::harness::gpu().is_none());
    }
}

#[test]
fn rows_in_8_bits_meet_weights_to_the_bit() {
    for (bits, block, k) in [(4, 32, 64), (4, 16, 600), (2, 16, 33), (8, 32, 96), (4, 128, 100), (8, 16, 17)]
    {
        for (zeros, bias) in [(None, false), (Some(U8), true)] {
            let weights = Weights { n: 71, k, bits, block, zeros, bias, eight_bits: true };
            for rows in [&[1, k][..], &[2, 2, k], &[5, 7, k], &[0, k]] {
                weights.of(random(F32, rows, 1.0)).check();
            }
        }
    }
}

#[test]
fn rows_that_cannot_be_rounded_agree_too() {
    let weights = Weights { n: 5, k: 32, bits: 4, block: 16, zeros: None, bias: false, eight_bits: true };
    for odd in [0.0, 1e-40, -1e-45, 3e38, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        let numbers: Vec<f32> = (0..32).map(|i| if i == 5 { odd } else { 0.0 }).collect();
        weights.of(exact(&[1, 32], &numbers)).check();
    }
}

/// A table of so many rows and codes each.
fn table(dtype: DType, rows: usize, width: usize, bits: usize) -> Tensor {
    match dtype {
        U8 => bytes(U8, &[rows, width * bits / 8], 7),
        dtype => {
            let codes = bytes(U8, &[(rows * width).div_ceil(2)], 7);
            Tensor::from_bytes(dtype, &[rows, width], codes.view().bytes()).unwrap()
        }
    }
}

#[test]
fn rows_of_a_table_are_gathered() {
    let indices = [0i64, 5, -1, 3, -6, 2, 6, -7, i64::MAX, i64::MIN];
    for (dtype, bits, width, block) in
        [(U8, 4, 64, 32), (U8, 2, 40, 16), (U8, 8, 33, 16), (U4, 4, 34, 16), (I4, 4, 35, 16)]
    {
        for (scale, zeros) in [(F32, false), (F32, true), (F16, true)] {
            let blocks = usize::div_ceil(width, block);
            let zeros = zeros.then(|| match dtype {
                U8 => bytes(U8, &[6, (blocks * bits).div_ceil(8)], 11),
                dtype => table(dtype, 6, blocks, 4),
            });
            let scales = tensor(scale, &[6, blocks], &[0.02, 0.5, 1e-3, -0.25, 1e-41]);
            let attrs = [("bits", bits as i64), ("block_size", block as i64)];
            let attrs = attrs.map(|(name, x)| (name, Attr::Int(x)));
            for shape in [&[10][..], &[2, 5], &[0]] {
                let indices = exact(shape, &indices[..shape.iter().product()]);
                let inputs =
                    [Some(table(dtype, 6, width, bits)), Some(indices), Some(scales.clone()), zeros.clone()];
                Case::of("com.microsoft", "GatherBlockQuantized", 1, &attrs, &inputs, 1).exactly().check();
            }
        }
    }
}
