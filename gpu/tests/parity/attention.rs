//! Attention of ai.onnx, and RotaryEmbedding of both domains.

use crate::harness::{Case, cast, exact, ints, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

/// Sizes of an attention: batches, heads, heads of keys, queries, new keys, past keys, size of keys, of values.
type Sizes = [usize; 8];

const SIZES: [Sizes; 16] = [
    [1, 1, 1, 1, 1, 0, 1, 1],
    [2, 3, 3, 4, 4, 0, 8, 8],
    [1, 4, 2, 5, 7, 3, 16, 10],
    [2, 6, 2, 33, 33, 0, 32, 32],
    [1, 9, 3, 1, 1, 70, 64, 64],
    [1, 3, 1, 40, 100, 0, 64, 33],
    [1, 2, 2, 65, 65, 31, 40, 129],
    [1, 1, 1, 31, 33, 0, 130, 128],
    [1, 2, 1, 0, 3, 2, 4, 4],
    [0, 2, 1, 3, 3, 0, 4, 4],
    [1, 2, 1, 3, 0, 0, 4, 4],
    [2, 1, 1, 2, 3, 0, 5, 3],
    // Few queries, and keys of one block, of several, and of several groups.
    [2, 4, 1, 2, 129, 0, 5, 3],
    [1, 8, 2, 1, 1, 700, 16, 8],
    [2, 2, 2, 3, 300, 1, 33, 256],
    [1, 1, 1, 1, 3, 1100, 256, 5],
];

/// The types that the first few of some cases are for; the others differ in nothing that types have to do with.
pub fn types(i: usize) -> &'static [DType] {
    if i < 3 { &[F32, F16] } else { &[F32] }
}

/// Q, K and V with four axes, then nothing or the past.
fn by_head(sizes: Sizes, dtype: DType, most: f32) -> Vec<Option<Tensor>> {
    let [batch, heads, kv_heads, queries, keys, past, size, width] = sizes;
    let kv = |positions, width| random(dtype, &[batch, kv_heads, positions, width], most);
    let mut inputs = vec![Some(random(dtype, &[batch, heads, queries, size], most))];
    inputs.extend([Some(kv(keys, size)), Some(kv(keys, width)), None]);
    if past > 0 {
        inputs.extend([Some(kv(past, size)), Some(kv(past, width))]);
    }
    inputs
}

fn attention(attrs: &[(&str, Attr)], inputs: &[Option<Tensor>]) -> Case {
    Case::of("", "Attention", 25, attrs, inputs, 1)
}

#[test]
fn queries_attend_to_keys_of_all_sizes() {
    for (i, sizes) in SIZES.into_iter().enumerate() {
        for &dtype in types(i) {
            let inputs = by_head(sizes, dtype, 2.0);
            for attrs in [
                &[][..],
                &[("is_causal", Attr::Int(1))],
                &[("softcap", Attr::Float(1.5)), ("scale", Attr::Float(0.7))],
                &[("is_causal", Attr::Int(1)), ("left_window_size", Attr::Int(3))],
                &[("left_window_size", Attr::Int(40)), ("right_window_size", Attr::Int(2))],
            ] {
                attention(attrs, &inputs).check();
            }
        }
    }
    attention(&[], &by_head([1, 2, 2, 9, 9, 4, 8, 8], BF16, 2.0)).check();
}

#[test]
fn heads_may_lie_side_by_side() {
    for [batch, heads, kv_heads, queries, keys, past, size, width] in SIZES {
        let hidden = |positions, n| random(F32, &[batch, positions, n], 2.0);
        let inputs =
            [hidden(queries, heads * size), hidden(keys, kv_heads * size), hidden(keys, kv_heads * width)];
        let mut inputs: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
        if past > 0 {
            let cache = |width| Some(random(F32, &[batch, kv_heads, past, width], 2.0));
            inputs.extend([None, cache(size), cache(width)]);
        }
        let counts = [("q_num_heads", Attr::Int(heads as i64)), ("kv_num_heads", Attr::Int(kv_heads as i64))];
        attention(&counts, &inputs).check();
        Case::of("", "Attention", 24, &counts, &inputs, 3).check();
    }
}

#[test]
fn caches_and_scores_are_outputs() {
    for (i, sizes) in SIZES.into_iter().enumerate() {
        for &dtype in types(i) {
            let inputs = by_head(sizes, dtype, 2.0);
            for mode in 0..4 {
                let attrs = [
                    ("qk_matmul_output_mode", Attr::Int(mode)),
                    ("is_causal", Attr::Int(mode / 2)),
                    ("softcap", Attr::Float(2.0)),
                ];
                let all = Case::of("", "Attention", 24, &attrs, &inputs, 4);
                all.check();
                if i < 3 {
                    all.wanting(&[0, 3]).check();
                }
            }
            Case::of("", "Attention", 24, &[], &inputs, 3).wanting(&[0, 2]).check();
        }
    }
}

#[test]
fn masks_hide_and_add() {
    let sizes = [2, 4, 2, 5, 40, 3, 8, 8];
    let [batch, heads, _, queries, ..] = sizes;
    let (inf, nan) = (f32::NEG_INFINITY, f32::NAN);
    let shapes = [
        &[queries, 43][..],
        &[43],
        &[1],
        &[queries, 30],
        &[heads, queries, 43],
        &[batch, 1, queries, 43],
        &[batch, heads, 1, 43],
        &[batch, heads, queries, 41],
    ];
    for (i, shape) in shapes.into_iter().enumerate() {
        for &dtype in types(i) {
            let mut inputs = by_head(sizes, dtype, 2.0);
            for mask in [
                random(dtype, shape, 4.0),
                tensor(dtype, shape, &[0.0, inf, 1.0, inf, inf, -3.0, 0.5]),
                tensor(dtype, shape, &[inf]),
                tensor(dtype, shape, &[-65504.0, 0.0, -1e4, 1.0, -65504.0]),
                cast(&tensor(F32, shape, &[1.0, 0.0, 0.0, 1.0, 0.0]), Bool),
                cast(&tensor(F32, shape, &[0.0]), Bool),
            ] {
                if let Some(to) = inputs.get_mut(3) {
                    *to = Some(mask);
                }
                attention(&[], &inputs).check();
                let attrs = [("is_causal", Attr::Int(1)), ("qk_matmul_output_mode", Attr::Int(3))];
                Case::of("", "Attention", 24, &attrs, &inputs, 4).check();
            }
        }
    }
    // What is masked may be anything.
    let mut inputs = by_head([1, 2, 1, 3, 6, 0, 4, 4], F32, 2.0);
    let nasty = [1.0, nan, f32::INFINITY, -2.0, 0.5, 1e38, 2.0, 3.0, -1.0];
    for (i, shape) in [(1, [1, 1, 6, 4]), (2, [1, 1, 6, 4])] {
        if let Some(to) = inputs.get_mut(i) {
            *to = Some(tensor(F32, &shape, &nasty));
        }
    }
    for mask in [
        [0.0, inf, inf, inf, inf, inf],
        [inf; 6],
        [0.0, 0.0, inf, 0.0, inf, 1.0],
        [nan, 0.0, inf, inf, 0.0, 1.0],
    ] {
        if let Some(to) = inputs.get_mut(3) {
            *to = Some(exact(&[6], &mask));
        }
        attention(&[], &inputs).check();
    }
}

#[test]
fn values_that_are_no_numbers_stay_where_they_are_seen() {
    for (size, width) in [(4, 4), (64, 64), (8, 100)] {
        let mut inputs = by_head([1, 2, 1, 40, 70, 0, size, width], F32, 1.0);
        let mut values = vec![0.5f32; 70 * width];
        for (at, x) in
            [(3 * width + 1, f32::NAN), (50 * width, f32::INFINITY), (69 * width, f32::NEG_INFINITY)]
        {
            if let Some(to) = values.get_mut(at) {
                *to = x;
            }
        }
        if let Some(to) = inputs.get_mut(2) {
            *to = Some(exact(&[1, 1, 70, width], &values));
        }
        attention(&[("is_causal", Attr::Int(1))], &inputs).check();
        attention(&[("left_window_size", Attr::Int(4)), ("is_causal", Attr::Int(1))], &inputs).check();
    }
}

#[test]
fn large_scores_do_not_overflow() {
    for most in [30.0, 300.0, 1e19, 1e30] {
        attention(&[], &by_head([1, 2, 1, 5, 70, 0, 8, 8], F32, most)).check();
    }
}

#[test]
fn lengths_hide_padding() {
    for (lengths, queries, keys) in [([3, 5], 2, 6), ([0, 6], 6, 6), ([1, 2], 4, 6), ([-3, 900], 3, 40)] {
        let mut inputs = by_head([2, 4, 2, queries, keys, 0, 8, 8], F32, 2.0);
        inputs.extend([None, None, Some(ints(&lengths))]);
        for attrs in [&[][..], &[("is_causal", Attr::Int(1))], &[("right_window_size", Attr::Int(1))]] {
            attention(attrs, &inputs).check();
        }
    }
}

#[test]
fn heads_turn_by_their_positions() {
    for dtype in [F32, F16] {
        let table = |rows: usize, angles: usize, by: usize| {
            let numbers: Vec<f32> =
                (0..rows * angles.max(1)).map(|i| ((i * by) as f32 * 0.37).sin()).collect();
            tensor(dtype, &[rows, angles], &numbers)
        };
        for (shape, heads, turning) in [
            (&[2usize, 3, 8][..], 2, 4),
            (&[1, 1, 6], 1, 6),
            (&[2, 2, 3, 8], 0, 8),
            (&[1, 3, 5, 130], 0, 130),
            (&[1, 3, 5, 130], 0, 2),
            (&[0, 3, 8], 2, 4),
        ] {
            let (batch, positions) = (shape[0], if shape.len() == 4 { shape[2] } else { shape[1] });
            let x = random(dtype, shape, 3.0);
            for interleaved in [0, 1] {
                let attrs = [
                    ("interleaved", Attr::Int(interleaved)),
                    ("num_heads", Attr::Int(heads)),
                    ("rotary_embedding_dim", Attr::Int(turning as i64)),
                ];
                let (cosines, sines) = (table(9, turning / 2, 3), table(9, turning / 2, 5));
                let ids: Vec<i64> = (0..batch * positions).map(|i| (i as i64 * 5) % 9).collect();
                let each = exact(&[batch, positions], &ids);
                let plain = [x.clone(), cosines.clone(), sines.clone(), each.clone()];
                Case::new("RotaryEmbedding", 23, &attrs, &plain).check();
                let rows = |by| {
                    let table = table(batch * positions, turning / 2, by);
                    Tensor::from_bytes(dtype, &[batch, positions, turning / 2], table.view().bytes()).unwrap()
                };
                Case::new("RotaryEmbedding", 23, &attrs, &[x.clone(), rows(3), rows(5)]).check();
                for ids in [each, exact(&[1], &[2i64])] {
                    let inputs = [x.clone(), ids, cosines.clone(), sines.clone()].map(Some);
                    Case::of("com.microsoft", "RotaryEmbedding", 1, &attrs, &inputs, 1).check();
                }
            }
        }
    }
}

#[test]
fn attention_without_graphs_is_flexible_enough() {
    for sizes in SIZES.into_iter().filter(|[.., past, _, _]| *past == 0).take(5) {
        let inputs: Vec<Option<Tensor>> = by_head(sizes, F32, 2.0).into_iter().take(3).collect();
        for attrs in [&[][..], &[("scale", Attr::Float(0.4))]] {
            Case::of("ai.onnx.preview", "FlexAttention", 1, attrs, &inputs, 1).check();
        }
    }
}
