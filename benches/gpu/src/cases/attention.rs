//! Attention: a text or a prompt at once, and a token with a past.

use crate::Case;
use crate::case::{count, floats};
use crate::work::Work;
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;
use edgewise_gpu::alone::Alone;

pub fn cases() -> Vec<Case> {
    vec![heads([12, 12, 32], 128, 0), grouped(128, 0), grouped(1, 128), grouped(1, 1024)]
}

/// Two products of each query with each key that it sees, and all operands once.
fn work([heads, kv_heads, size]: [usize; 3], queries: usize, past: usize, seen: usize) -> Work {
    let keys = queries + past;
    let elements = 2 * heads * queries * size + 2 * kv_heads * keys * size;
    Work::moving(4 * elements).of_floats(2 * heads * size * seen)
}

/// Of an encoder: every word sees every word.
fn heads(sizes: [usize; 3], words: usize, past: usize) -> Case {
    let [n, kv, size] = sizes;
    let work = work(sizes, words, past, words * words);
    Case::new("attention", format!("MiniLM {n} heads of {size}, {words} words"), work, move || {
        let of = |heads: usize| floats(&[1, heads, words, size]);
        let inputs = [of(n)?, of(kv)?, of(kv)?].map(Some);
        Alone::of(("", "Attention", 24), &[], &inputs, 1)
    })
}

/// Of a decoder, with rotation and a cache, which it writes anew.
fn grouped(added: usize, past: usize) -> Case {
    let sizes @ [n, kv, size] = [9, 3, 64];
    let total = added + past;
    // Of its own rows a query sees those up to itself.
    let seen = added * past + added * (added + 1) / 2;
    let cache = [1, kv, past, size];
    let mut work = work(sizes, added, past, seen);
    work.bytes += 4 * 2 * count(&[kv, total, size]);
    let name = format!("decoder {n} heads of {size} on {kv}, {added} new and {past} old");
    Case::new("attention", name, work, move || {
        let hidden = |heads: usize| floats(&[1, added, heads * size]).map(Some);
        let table = || floats(&[2048, size / 2]).map(Some);
        let inputs = [
            hidden(n)?,
            hidden(kv)?,
            hidden(kv)?,
            Some(floats(&cache)?),
            Some(floats(&cache)?),
            Some(Tensor::new(&[1], &[total as i32 - 1])?),
            Some(Tensor::scalar(total as i32)),
            table()?,
            table()?,
        ];
        let attrs = [("num_heads", n), ("kv_num_heads", kv), ("do_rotary", 1)];
        let attrs = attrs.map(|(name, value)| (name, Attr::Int(value as i64)));
        let node = Alone::of(("com.microsoft", "GroupQueryAttention", 1), &attrs, &inputs, 3)?;
        Ok(Alone { constants: vec![7, 8], asked: vec![6], ..node })
    })
}
