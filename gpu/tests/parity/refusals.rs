//! Elements that the CPU refuses: the GPU refuses them with the same sentence, and takes their neighbors.

use crate::harness::{Case, cast, exact, random};
use edgewise_core::DType::*;
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

const DOMAIN: &str = "com.microsoft";

fn of(shape: &[usize]) -> Option<Tensor> {
    Some(random(F32, shape, 1.0))
}

fn i32s(shape: &[usize], numbers: &[i32]) -> Option<Tensor> {
    Some(exact(shape, numbers))
}

/// The same inputs with another one at a place.
fn with(inputs: &[Option<Tensor>], at: usize, tensor: Option<Tensor>) -> Vec<Option<Tensor>> {
    let mut inputs = inputs.to_vec();
    inputs[at] = tensor;
    inputs
}

#[test]
fn classes_that_do_not_exist_are_refused() {
    for (wrong, ignored) in [(-1i64, Some(3)), (4, None), (4, Some(-4)), (i64::from(i32::MAX) - 9, None)] {
        for name in ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"] {
            let mut attrs = vec![("reduction", Attr::Str("none".into()))];
            attrs.extend(ignored.map(|class| ("ignore_index", Attr::Int(class))));
            let classes = exact(&[2, 3], &[0, 3, 2, wrong, 1, 3]);
            for classes in [classes.clone(), cast(&classes, I32)] {
                let inputs = [of(&[2, 4, 3]), Some(classes), of(&[4])];
                Case::of("", name, 13, &attrs, &inputs, 1).check_refused();
            }
            // One that does not count may be any.
            let attrs = [("ignore_index", Attr::Int(wrong))];
            let inputs = [of(&[2, 4, 3]), Some(exact(&[2, 3], &[0, 3, 2, wrong, 1, 3])), of(&[4])];
            Case::of("", name, 13, &attrs, &inputs, 1).check();
        }
    }
}

#[test]
fn rows_outside_of_a_table_of_embeddings_are_refused() {
    let right = i32s(&[2, 3], &[0, 6, 3, 1, 1, 5]);
    let low = i32s(&[2, 3], &[0, 1, 1, 0, 0, 1]);
    let all = [
        right.clone(),
        low.clone(),
        of(&[7, 10]),
        of(&[6, 10]),
        of(&[2, 10]),
        of(&[10]),
        of(&[10]),
        None,
        low.clone(),
    ];
    let case = |inputs: &[Option<Tensor>]| Case::of(DOMAIN, "EmbedLayerNormalization", 1, &[], inputs, 2);
    case(&all).check();
    for (input, wrong) in [(0, 7), (0, -1), (1, 2), (1, i32::MIN + 1), (8, 6), (8, -3)] {
        case(&with(&all, input, i32s(&[2, 3], &[0, 1, 1, 0, wrong, 1]))).check_refused();
    }
    // The words come first, and there are fewer positions than words.
    let both = with(&all, 0, i32s(&[2, 3], &[0, 1, 9, 0, 0, 1]));
    case(&with(&both, 8, i32s(&[2, 3], &[0, 1, 8, 0, 0, 1]))).check_refused();
    case(&with(&all[..8], 3, of(&[2, 10]))).check_refused();
}

#[test]
fn lengths_that_a_sequence_does_not_have_are_refused() {
    for wrong in [-1i64, 5, i64::from(i32::MIN) + 1] {
        for (batch, lengths) in [(1, &[3i64, wrong, 1][..]), (0, &[3, 4, wrong])] {
            let (time, shape) = (1 - batch, if batch == 1 { [4, 3, 5] } else { [3, 4, 5] });
            let attrs = [("batch_axis", Attr::Int(batch)), ("time_axis", Attr::Int(time))];
            let inputs = [random(F32, &shape, 99.0), exact(&[3], lengths)];
            Case::new("ReverseSequence", 10, &attrs, &inputs).check_refused();
        }
    }
    for wrong in [-1, 5, i32::MAX - 2] {
        for (name, gates, outputs) in [("RNN", 1, 2), ("GRU", 3, 2), ("LSTM", 4, 3)] {
            let lengths = i32s(&[3], &[4, wrong, 0]);
            let weights = [of(&[1, gates * 2, 3]), of(&[1, gates * 2, 2]), None, lengths];
            let inputs = [&[of(&[4, 3, 3])][..], &weights].concat();
            let attrs = [("hidden_size", Attr::Int(2))];
            Case::of("", name, 22, &attrs, &inputs, outputs).check_refused();
        }
    }
}

#[test]
fn axes_that_a_tensor_does_not_have_are_refused() {
    for (axis, is_one) in [(-3i64, false), (2, false), (7, false), (-2, true), (1, true)] {
        for axis in [exact(&[], &[axis]), exact(&[], &[axis as i32])] {
            let case = Case::new("CumSum", 14, &[], &[random(F32, &[3, 5], 1.0), axis]);
            if is_one { case.check() } else { case.check_refused() }
        }
    }
}

#[test]
fn positions_outside_of_a_rotary_table_are_refused() {
    let (x, table) = (of(&[2, 3, 8]), of(&[9, 2]));
    let attrs = [("num_heads", Attr::Int(2)), ("rotary_embedding_dim", Attr::Int(4))];
    let case = |ids: Tensor| {
        let inputs = [x.clone(), Some(ids), table.clone(), table.clone()];
        Case::of(DOMAIN, "RotaryEmbedding", 1, &attrs, &inputs, 1)
    };
    case(exact(&[1], &[6i64])).check();
    // The last ones of a sequence that begins there, one that is far too large, and single ones.
    for first in [7i64, -1, i64::from(i32::MAX) - 9] {
        case(exact(&[1], &[first])).check_refused();
    }
    for wrong in [9i64, -1, -100] {
        case(exact(&[2, 3], &[0, 8, 3, wrong, 1, 2])).check_refused();
        let ids = Some(exact(&[2, 3], &[0, 8, 3, wrong, 1, 2]));
        let inputs = [x.clone(), table.clone(), table.clone(), ids];
        Case::of("", "RotaryEmbedding", 23, &attrs, &inputs, 1).check_refused();
    }
}

/// A decoder's step with two sequences: new tokens, rows of the cache, and the longest total.
fn decoder([added, cache, total]: [usize; 3], lengths: [i32; 2], ids: Option<Tensor>, rotary: i64) -> Case {
    let hidden = |heads: usize| of(&[2, added, heads * 8]);
    let past = of(&[2, 1, cache, 8]);
    let tables = || of(&[10, 4]);
    let inputs = [
        hidden(2),
        hidden(1),
        hidden(1),
        past.clone(),
        past,
        i32s(&[2], &lengths.map(|length| length - 1)),
        i32s(&[], &[total as i32]),
        tables(),
        tables(),
        ids,
    ];
    let attrs =
        [("num_heads", Attr::Int(2)), ("kv_num_heads", Attr::Int(1)), ("do_rotary", Attr::Int(rotary))];
    Case::of(DOMAIN, "GroupQueryAttention", 1, &attrs, &inputs, 3).knowing(&[6])
}

#[test]
fn lengths_that_a_cache_does_not_hold_are_refused() {
    for rotary in [0, 1] {
        decoder([2, 7, 9], [9, 2], None, rotary).check();
        // None of all, too many, fewer than there are new ones.
        for wrong in [-3, 0, 10, 1] {
            decoder([2, 7, 9], [9, wrong], None, rotary).check_refused();
        }
        // More than the cache holds.
        decoder([2, 5, 9], [7, 8], None, rotary).check_refused();
        // A prompt may be padded, and be empty.
        decoder([5, 5, 5], [5, 0], None, rotary).check();
        decoder([5, 5, 5], [5, 6], None, rotary).check_refused();
        decoder([5, 5, 5], [-1, 5], None, rotary).check_refused();
    }
    // Positions behind the table, of the past and as they are given; lengths are told first.
    decoder([1, 12, 12], [11, 10], None, 0).check();
    decoder([1, 12, 12], [11, 10], None, 1).check_refused();
    decoder([1, 12, 12], [11, 13], None, 1).check_refused();
    for ids in [[0i64, 10], [-1, 3]] {
        decoder([1, 7, 8], [8, 3], Some(exact(&[2, 1], &ids)), 1).check_refused();
    }
    decoder([5, 5, 5], [5, 3], Some(exact(&[1], &[6i64])), 1).check_refused();
}

#[test]
fn pasts_that_a_buffer_does_not_hold_are_refused() {
    let new = of(&[2, 3, 8]);
    let cache = of(&[2, 2, 7, 4]);
    let heads = ("num_heads", Attr::Int(2));
    let shared = ("past_present_share_buffer", Attr::Int(1));
    for (filled, is_one) in [(4, true), (5, false), (-1, false), (i32::MAX - 2, false)] {
        let check = |case: Case| if is_one { case.check() } else { case.check_refused() };
        let all = [new.clone(), new.clone(), new.clone(), None, None, None, cache.clone(), cache.clone()];
        let all = [&all[..], &[i32s(&[1], &[filled])]].concat();
        check(Case::of(DOMAIN, "MultiHeadAttention", 1, std::slice::from_ref(&heads), &all, 3));
        let projected = [new.clone(), of(&[8, 24]), of(&[24]), None, of(&[2, 2, 2, 7, 4]), None];
        let projected = [&projected[..], &[i32s(&[1], &[filled])]].concat();
        check(Case::of(DOMAIN, "Attention", 1, &[heads.clone(), shared.clone()], &projected, 2));
    }
}
