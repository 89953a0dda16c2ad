//! What goes along rows: softmax, normalization, and quantization that looks at a whole tensor.

use crate::Case;
use crate::case::{bytes, count, floats, scale, zero};
use crate::work::Work;
use edgewise_core::ops::Attr;
use edgewise_core::{DType, Tensor};
use edgewise_gpu::alone::Alone;

/// The scores of MiniLM's heads, and the rows between its layers.
const SCORES: [usize; 3] = [12, 128, 128];
const ROWS: [usize; 2] = [128, 384];

pub fn cases() -> Vec<Case> {
    vec![
        softmax(&SCORES),
        softmax(&[1, 1000]),
        softmax_of_bytes(false),
        softmax_of_bytes(true),
        layer_normalization(),
        skip_normalization(),
        quantization("DynamicQuantizeLinear"),
        quantization("QuantizeLinear"),
    ]
}

/// Sums and exponentials are far fewer than a GPU can do while it moves the elements.
fn softmax(shape: &'static [usize]) -> Case {
    let work = Work::moving(8 * count(shape));
    Case::new("rows", format!("Softmax of {shape:?}"), work, move || {
        Alone::of(("", "Softmax", 13), &[], &[Some(floats(shape)?)], 1)
    })
}

/// From bytes to bytes, with a mask that is added or without one.
fn softmax_of_bytes(masked: bool) -> Case {
    let row = SCORES[SCORES.len() - 1];
    let work = Work::moving(2 * count(&SCORES) + if masked { 4 * row } else { 0 });
    let name = if masked { "masked softmax" } else { "softmax" };
    Case::new("rows", format!("MiniLM {name} of bytes {SCORES:?}"), work, move || {
        // Words behind the end of a text are masked.
        let mask: Vec<f32> = (0..row).map(|i| if i < 100 { 0.0 } else { -10_000.0 }).collect();
        let inputs = [
            Some(bytes(DType::U8, &SCORES)?),
            Some(scale(0.08)),
            Some(zero(DType::U8, 128)?),
            None,
            None,
            if masked { Some(Tensor::new(&[1, 1, row], &mask)?) } else { None },
            Some(scale(1.0 / 255.0)),
            Some(zero(DType::U8, 0)?),
        ];
        let attrs = [("softmax", Attr::Int(1))];
        let node = Alone::of(("edgewise", "FusedDequantize", 1), &attrs, &inputs, 1)?;
        Ok(Alone { constants: vec![1, 2, 6, 7], ..node })
    })
}

fn layer_normalization() -> Case {
    let work = Work::moving(8 * count(&ROWS) + 8 * ROWS[1]);
    Case::new("rows", format!("MiniLM LayerNormalization of {ROWS:?}"), work, || {
        let row = floats(&ROWS[1..])?;
        let inputs = [floats(&ROWS)?, row.clone(), row].map(Some);
        let node = Alone::of(("", "LayerNormalization", 17), &[], &inputs, 1)?;
        Ok(Alone { constants: vec![1, 2], ..node })
    })
}

/// Of a sum, which is an output, too.
fn skip_normalization() -> Case {
    let shape = [1, 128, 576];
    let work = Work::moving(16 * count(&shape) + 4 * shape[2]);
    Case::new("rows", format!("decoder SkipSimplifiedLayerNormalization of {shape:?}"), work, move || {
        let inputs = [floats(&shape)?, floats(&shape)?, floats(&shape[2..])?].map(Some);
        let name = ("com.microsoft", "SkipSimplifiedLayerNormalization", 1);
        let node = Alone::of(name, &[], &[&inputs[..]].concat(), 4)?;
        let wanted = vec![true, false, false, true];
        Ok(Alone { constants: vec![2], wanted, ..node })
    })
}

fn quantization(op: &'static str) -> Case {
    let work = Work::moving(5 * count(&ROWS));
    Case::new("rows", format!("MiniLM {op} of {ROWS:?}"), work, move || {
        let x = floats(&ROWS)?;
        match op {
            "DynamicQuantizeLinear" => Alone::of(("", op, 11), &[], &[Some(x)], 3),
            _ => {
                let inputs = [x, scale(0.02), zero(DType::U8, 120)?].map(Some);
                Ok(Alone { constants: vec![1, 2], ..Alone::of(("", op, 13), &[], &inputs, 1)? })
            }
        }
    })
}
