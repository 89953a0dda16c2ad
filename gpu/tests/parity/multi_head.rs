//! The attention operators of com.microsoft: MultiHeadAttention, GroupQueryAttention.

use crate::attention::types;
use crate::harness::{Case, exact, random, tensor};
use edgewise_core::DType::{self, *};
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

const DOMAIN: &str = "com.microsoft";

fn multi_head(heads: usize, attrs: &[(&str, Attr)], inputs: &[Option<Tensor>], outputs: usize) -> Case {
    let attrs = [&[("num_heads", Attr::Int(heads as i64))], attrs].concat();
    Case::of(DOMAIN, "MultiHeadAttention", 1, &attrs, inputs, outputs)
}

/// Batches, heads, queries, keys, size of keys, of values.
const SIZES: [[usize; 6]; 7] = [
    [1, 1, 1, 1, 1, 1],
    [2, 3, 4, 4, 8, 8],
    [1, 12, 33, 40, 32, 32],
    [1, 2, 65, 65, 64, 20],
    [2, 1, 3, 2, 5, 3],
    [1, 2, 0, 3, 4, 4],
    [1, 2, 3, 0, 4, 4],
];

fn with(mut inputs: Vec<Option<Tensor>>, i: usize, tensor: Tensor) -> Vec<Option<Tensor>> {
    inputs.resize(inputs.len().max(i + 1), None);
    inputs[i] = Some(tensor);
    inputs
}

#[test]
fn query_key_and_value_lie_in_any_layout() {
    for (i, [batch, heads, queries, keys, size, width]) in SIZES.into_iter().enumerate() {
        for &dtype in types(i) {
            let of = |shape: &[usize]| random(dtype, shape, 2.0);
            let (q, k, v) = (heads * size, heads * size, heads * width);
            let bias = of(&[q + k + v]);
            let apart = vec![
                Some(of(&[batch, queries, q])),
                Some(of(&[batch, keys, k])),
                Some(of(&[batch, keys, v])),
            ];
            let by_head = vec![
                Some(of(&[batch, queries, q])),
                Some(of(&[batch, heads, keys, size])),
                Some(of(&[batch, heads, keys, width])),
            ];
            let even = of(&[heads * 3 * size]);
            let two = vec![Some(of(&[batch, queries, q])), Some(of(&[batch, keys, heads, 2, size]))];
            let three = vec![Some(of(&[batch, queries, heads, 3, size]))];
            for (inputs, bias) in [(apart, &bias), (by_head, &bias), (two, &even), (three, &even)] {
                for inputs in [inputs.clone(), with(inputs, 3, bias.clone())] {
                    multi_head(heads, &[], &inputs, 1).check();
                    multi_head(heads, &[("unidirectional", Attr::Int(1))], &inputs, 4).check();
                }
            }
        }
    }
}

#[test]
fn masks_of_every_form_hide() {
    let (batch, heads, queries, keys, size) = (2, 3, 5, 36, 8);
    let of = |shape: &[usize]| random(F32, shape, 2.0);
    let q = of(&[batch, queries, heads * size]);
    let kv = of(&[batch, keys, heads * size]);
    let plain = vec![Some(q), Some(kv.clone()), Some(kv)];
    let some = |shape: &[usize], of: &[i32]| {
        let all: Vec<i32> = of.iter().copied().cycle().take(shape.iter().product()).collect();
        exact(shape, &all)
    };
    for mask in [
        some(&[2], &[3, 36]),
        some(&[2], &[-1, 0]),
        some(&[4], &[30, 36, 3, 35]),
        some(&[8], &[20, 1, 0, 20, 21, 0, 20, 40]),
        some(&[2, 36], &[1, 0, 2, -1, 1]),
        some(&[2, 36], &[0]),
        some(&[2, 5, 36], &[1, 0, 0, 1, 1, 0, 1]),
        some(&[2, 1, 40, 40], &[1, 0, 0, 1, 1, 0, 1]),
    ] {
        for filter in [-10000.0, -1.5, f32::MIN] {
            let inputs = with(plain.clone(), 4, mask.clone());
            let attrs = [("mask_filter_value", Attr::Float(filter))];
            multi_head(heads, &attrs, &inputs, 1).check();
            for table in
                [of(&[batch, heads, queries, keys]), of(&[1, 1, queries, keys]), of(&[1, heads, 1, 50])]
            {
                multi_head(heads, &attrs, &with(inputs.clone(), 5, table), 1).check();
            }
        }
    }
}

#[test]
fn a_past_comes_first() {
    for dtype in [F32, F16] {
        for (past, added, size) in [(3, 1, 8), (70, 2, 5), (0, 3, 4)] {
            let (batch, heads) = (2, 3);
            let of = |shape: &[usize]| random(dtype, shape, 2.0);
            let new = of(&[batch, added, heads * size]);
            let cache = of(&[batch, heads, past, size]);
            let inputs = vec![
                Some(new.clone()),
                Some(new.clone()),
                Some(new.clone()),
                Some(of(&[3 * heads * size])),
                None,
                None,
                Some(cache.clone()),
                Some(cache),
            ];
            for outputs in [1, 3, 4] {
                multi_head(heads, &[("unidirectional", Attr::Int(1))], &inputs, outputs).check();
            }
            if past > added {
                for filled in [0, past as i32 - added as i32] {
                    let inputs = with(inputs.clone(), 8, exact(&[1], &[filled]));
                    multi_head(heads, &[], &inputs, 3).check();
                    multi_head(heads, &[], &inputs, 4).knowing(&[8]).check();
                }
            }
        }
    }
}

/// One step of a decoder.
struct Step {
    heads: usize,
    kv_heads: usize,
    size: usize,
    /// Rows of the cache, and the longest total length.
    cache: usize,
    total: usize,
    added: usize,
    /// Total lengths.
    lengths: Vec<i32>,
    dtype: DType,
}

impl Step {
    fn of(&self, shape: &[usize]) -> Tensor {
        random(self.dtype, shape, 2.0)
    }

    fn table(&self, by: f32) -> Tensor {
        let numbers: Vec<f32> = (0..600).map(|i| (i as f32 * by).sin()).collect();
        tensor(self.dtype, &[200, self.size / 4 * 2], &numbers)
    }

    /// Query, key, value, past, lengths, then tables.
    fn inputs(&self, packed: bool) -> Vec<Option<Tensor>> {
        let (batch, heads, kv_heads) = (self.lengths.len(), self.heads, self.kv_heads);
        let hidden = |n: usize| Some(self.of(&[batch, self.added, n * self.size]));
        let mut inputs = match packed {
            true => vec![hidden(heads + 2 * kv_heads), None, None],
            false => vec![hidden(heads), hidden(kv_heads), hidden(kv_heads)],
        };
        let past = self.of(&[batch, kv_heads, self.cache, self.size]);
        let lengths: Vec<i32> = self.lengths.iter().map(|length| length - 1).collect();
        inputs.extend([Some(past.clone()), Some(past), Some(exact(&[batch], &lengths))]);
        inputs.push(Some(exact(&[], &[self.total as i32])));
        inputs.extend([Some(self.table(0.7)), Some(self.table(1.3))]);
        inputs
    }

    fn check(&self, attrs: &[(&str, Attr)], inputs: &[Option<Tensor>], outputs: usize) {
        self.case(attrs, inputs, outputs).check();
    }

    fn case(&self, attrs: &[(&str, Attr)], inputs: &[Option<Tensor>], outputs: usize) -> Case {
        let heads =
            [("num_heads", Attr::Int(self.heads as i64)), ("kv_num_heads", Attr::Int(self.kv_heads as i64))];
        let attrs = [&heads[..], attrs].concat();
        Case::of(DOMAIN, "GroupQueryAttention", 1, &attrs, inputs, outputs).knowing(&[6])
    }
}

fn steps(dtype: DType) -> Vec<Step> {
    let step = |heads, kv_heads, size, cache, total, added, lengths: &[i32]| Step {
        heads,
        kv_heads,
        size,
        cache,
        total,
        added,
        lengths: lengths.to_vec(),
        dtype,
    };
    vec![
        step(4, 2, 16, 0, 5, 5, &[5, 3]),
        step(9, 3, 64, 70, 71, 1, &[71]),
        step(6, 1, 8, 10, 9, 2, &[9, 4]),
        step(2, 2, 40, 0, 40, 40, &[40]),
        step(8, 1, 32, 90, 100, 37, &[100, 60]),
        step(1, 1, 4, 1, 1, 1, &[1]),
    ]
}

/// Those that have to do with types.
fn some_steps(dtype: DType) -> impl Iterator<Item = Step> {
    steps(dtype).into_iter().take(if dtype == F32 { usize::MAX } else { 2 })
}

#[test]
fn a_step_of_a_decoder_takes_three_launches() {
    let step = &steps(F32)[1];
    let rotary = [("do_rotary", Attr::Int(1))];
    for packed in [false, true] {
        let inputs = step.inputs(packed);
        let launches = |attrs: &[_], inputs: &[_]| step.case(attrs, inputs, 3).launches();
        let placed = with(inputs.clone(), 9, exact(&[1, 1], &[70i64]));
        let normed = with(with(inputs.clone(), 14, step.of(&[step.size])), 15, step.of(&[step.size]));
        // Both turn, both are cached, one attends. Weights of norms leave no room for a second tensor.
        for (attrs, inputs, expected) in
            [(&rotary[..], &inputs, 3), (&rotary, &placed, 3), (&[], &inputs, 2), (&rotary, &normed, 4)]
        {
            assert!(launches(attrs, inputs).is_none_or(|launches| launches == expected), "{expected}");
        }
    }
}

#[test]
fn decoders_attend_to_their_cache() {
    for dtype in [F32, F16] {
        for step in some_steps(dtype) {
            for packed in [false, true] {
                let inputs = step.inputs(packed);
                for rotary in [None, Some(0), Some(1)] {
                    let attrs = match rotary {
                        None => vec![],
                        Some(interleaved) => {
                            vec![("do_rotary", Attr::Int(1)), ("rotary_interleaved", Attr::Int(interleaved))]
                        }
                    };
                    step.check(&attrs, &inputs, 3);
                }
            }
        }
    }
}

#[test]
fn decoders_take_windows_caps_sinks_and_norms() {
    let one = |name, attr| vec![(name, attr)];
    for dtype in [F32, F16] {
        for step in some_steps(dtype) {
            let inputs = step.inputs(false);
            for attrs in [
                one("local_window_size", Attr::Int(3)),
                one("softcap", Attr::Float(2.0)),
                one("smooth_softmax", Attr::Int(1)),
                one("scale", Attr::Float(0.3)),
                one("causal", Attr::Int(0)),
            ] {
                step.check(&attrs, &inputs, 3);
            }
            for scores in [1, 2] {
                step.check(&[("qk_output", Attr::Int(scores))], &inputs, 4);
            }
            let (batch, added, total) = (step.lengths.len(), step.added, step.total);
            step.check(&[], &with(inputs.clone(), 10, step.of(&[1, step.heads, added, total])), 3);
            step.check(&[], &with(inputs.clone(), 11, step.of(&[step.heads])), 3);
            let normed = with(with(inputs.clone(), 14, step.of(&[step.size])), 15, step.of(&[step.size]));
            step.check(&[("do_rotary", Attr::Int(1))], &normed, 3);
            let ids: Vec<i64> = (0..batch * added).map(|i| i as i64 * 7 % 200).collect();
            let placed = with(inputs, 9, exact(&[batch, added], &ids));
            step.check(&[("do_rotary", Attr::Int(1))], &placed, 3);
        }
    }
}
