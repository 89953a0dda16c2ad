//! Products with weights of 4 bits: a token, and a prompt.

use crate::Case;
use crate::case::{bytes, floats, scales};
use crate::work::Work;
use edgewise_core::DType;
use edgewise_core::ops::Attr;
use edgewise_gpu::alone::Alone;

/// Weights that share a scale.
const BLOCK: usize = 32;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for rows in [1, 128] {
        for [k, n] in [[576, 576], [576, 1536], [1536, 576]] {
            cases.extend([true, false].map(|in_bytes| product([rows, k, n], in_bytes)));
        }
    }
    cases
}

/// Rows, inner elements and columns, on rows that are rounded to 8 bits or not.
fn product([m, k, n]: [usize; 3], in_bytes: bool) -> Case {
    let blocks = k / BLOCK;
    let work = Work::moving(4 * m * k + n * k / 2 + 4 * n * blocks + 4 * m * n);
    let products = m * n * k;
    let (work, name) = match in_bytes {
        true => (work.of_bytes(products), "bytes"),
        false => (work.of_floats(products), "floats"),
    };
    Case::new("weights of 4 bits", format!("decoder {m}×{k}×{n} on {name}"), work, move || {
        let inputs = [floats(&[m, k])?, bytes(DType::U8, &[n, blocks, BLOCK / 2])?, scales(&[n * blocks])?];
        let level = if in_bytes { 4 } else { 0 };
        let attrs = [("K", k), ("N", n), ("bits", 4), ("block_size", BLOCK), ("accuracy_level", level)];
        let attrs = attrs.map(|(name, value)| (name, Attr::Int(value as i64)));
        let node = Alone::of(("com.microsoft", "MatMulNBits", 1), &attrs, &inputs.map(Some), 1)?;
        Ok(Alone { constants: vec![1, 2], ..node })
    })
}
