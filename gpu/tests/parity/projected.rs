//! Attention and QAttention of com.microsoft: a projection, then attention.

use crate::attention::types;
use crate::harness::{Case, cast, exact, random};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

fn projected(name: &str, attrs: &[(&str, Attr)], inputs: &[Option<Tensor>], outputs: usize) -> Case {
    let attrs = [&[("num_heads", Attr::Int(2))], attrs].concat();
    Case::of("com.microsoft", name, 1, &attrs, inputs, outputs)
}

/// Batches, positions, depth, width of one head.
const SIZES: [[usize; 4]; 6] =
    [[1, 1, 5, 1], [2, 7, 33, 4], [1, 40, 16, 24], [1, 70, 64, 33], [1, 0, 5, 2], [2, 3, 130, 5]];

fn floats(dtype: DType, [batch, sequence, depth, size]: [usize; 4]) -> Vec<Option<Tensor>> {
    let all = 6 * size;
    let of = |shape: &[usize]| Some(random(dtype, shape, 1.0));
    vec![of(&[batch, sequence, depth]), of(&[depth, all]), of(&[all])]
}

#[test]
fn floats_are_projected() {
    for (i, sizes) in SIZES.into_iter().enumerate() {
        for &dtype in types(i) {
            let inputs = floats(dtype, sizes);
            for outputs in [1, 2] {
                projected("Attention", &[], &inputs, outputs).knowing(&[1, 2]).check();
                projected("Attention", &[], &inputs[..2], outputs).check();
            }
            let [batch, sequence, _, size] = sizes;
            let mut more = inputs.clone();
            let lengths = vec![sequence as i32 / 2; batch];
            more.push(Some(exact(&[batch], &lengths)));
            projected("Attention", &[("unidirectional", Attr::Int(1))], &more, 1).check();
            more[3] = None;
            more.push(Some(random(dtype, &[2, batch, 2, 3, size], 1.0)));
            projected("Attention", &[], &more, 2).check();
            projected("Attention", &[("unidirectional", Attr::Int(1))], &more, 1).check();
            more.push(Some(random(dtype, &[1, 2, sequence, 3 + sequence], 1.0)));
            projected("Attention", &[], &more, 2).check();
        }
    }
    let inputs = [random(F32, &[2, 3, 8], 1.0), random(F32, &[8, 20], 1.0), random(F32, &[20], 1.0)];
    let widths = ("qkv_hidden_sizes", Attr::Ints(vec![8, 8, 4]));
    projected("Attention", &[widths], &inputs.map(Some), 1).check();
}

#[test]
fn values_may_begin_within_a_word() {
    for dtype in [F32, F16] {
        let of = |shape: &[usize]| Some(random(dtype, shape, 1.0));
        // Three rows of three for the only head.
        let inputs = [of(&[1, 1, 4]), of(&[4, 9]), of(&[9]), None, of(&[2, 1, 1, 2, 3])];
        Case::of("com.microsoft", "Attention", 1, &[("num_heads", Attr::Int(1))], &inputs, 2).check();
    }
}

#[test]
fn a_buffer_fills_up() {
    for filled in [0, 3, 7] {
        let mut inputs = floats(F32, [2, 2, 9, 5]);
        inputs.extend([None, Some(random(F32, &[2, 2, 2, 9, 5], 1.0)), None]);
        inputs.push(Some(exact(&[1], &[filled])));
        let shared = [("past_present_share_buffer", Attr::Int(1))];
        projected("Attention", &shared, &inputs, 2).check();
    }
}

#[test]
fn bytes_are_projected() {
    for (i, [batch, sequence, depth, size]) in SIZES.into_iter().enumerate() {
        let all = 6 * size;
        for (a, b) in [(U8, I8), (U8, U8), (I8, I8)].into_iter().take(if i < 2 { 3 } else { 1 }) {
            for each in [1, all] {
                let bytes = |dtype, shape: &[usize]| match dtype {
                    U8 => cast(&random(F32, shape, 255.0), I32),
                    _ => cast(&random(F32, shape, 127.0), I32),
                };
                let bytes = |dtype, shape: &[usize]| cast(&bytes(dtype, shape), dtype);
                let scales = |n: usize| exact(&[n], &vec![0.0013f32; n]);
                let mut inputs = vec![
                    Some(bytes(a, &[batch, sequence, depth])),
                    Some(bytes(b, &[depth, all])),
                    Some(random(F32, &[all], 1.0)),
                    Some(exact(&[1], &[0.002f32])),
                    Some(scales(each)),
                    None,
                    Some(bytes(a, &[1])),
                    Some(bytes(b, &[each])),
                ];
                let known = [1, 2, 3, 4, 6, 7];
                projected("QAttention", &[], &inputs, 2).knowing(&known).check();
                projected("QAttention", &[], &inputs, 1).knowing(&[2, 4, 7]).check();
                projected("QAttention", &[], &inputs[..5], 1).knowing(&[1, 2, 3, 4]).check();
                inputs[5] = Some(exact(&[batch, sequence], &vec![1i32; batch * sequence]));
                inputs.push(Some(random(F32, &[2, batch, 2, 0, size], 1.0)));
                let causal = [("unidirectional", Attr::Int(1))];
                projected("QAttention", &causal, &inputs, 2).knowing(&known).check();
                for i in [2, 3, 4, 8] {
                    inputs[i] = inputs[i].as_ref().map(|x| cast(x, F16));
                }
                projected("QAttention", &[], &inputs, 2).knowing(&known).check();
            }
        }
    }
}

#[test]
fn projections_that_turn_stay_with_the_host() {
    let inputs = floats(F32, [1, 3, 8, 4]);
    assert!(!projected("Attention", &[("do_rotary", Attr::Int(1))], &inputs, 1).is_taken());
}
