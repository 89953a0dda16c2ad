//! What several nodes would launch in the same way is launched once, and lasts until the last of them has read it. What
//! the node before has done already is not launched at all.

#[allow(dead_code, reason = "shared by several tests")]
#[path = "../../core/tests/support/mod.rs"]
mod support;

mod common;

use common::gpu;
use edgewise_core::device::Device;
use edgewise_core::onnx::Bytes;
use edgewise_core::{Options, RunOptions, Session, Tensor, Value, block_on};
use std::sync::Arc;
use support::{Message, attribute, graph, node, tensor, value};

const U8: i64 = 2;

/// A product of `x`, of rows of so many numbers in such blocks, with 4-bit weights, whose rows are rounded first; and
/// these weights.
fn product_of(
    (x, [depth, block]): (&str, [usize; 2]),
    (y, columns): (&str, usize),
) -> (Message, [Message; 2]) {
    let int = |name, value: i64| attribute(name, 2, move |a| a.int(3, value));
    let (blocks, bytes) = (depth.div_ceil(block), block / 2);
    let sizes = [("N", columns), ("K", depth), ("block_size", block)];
    let attributes = sizes.map(|(name, size)| int(name, size as i64));
    let (weights, scales) = (format!("{y}_weights"), format!("{y}_scales"));
    let node = node("MatMulNBits", &[x, &weights, &scales], &[y])
        .messages(5, &attributes)
        .messages(5, &[int("bits", 4), int("accuracy_level", 4)])
        .text(7, "com.microsoft");
    let codes: Vec<u8> = (0..columns * blocks * bytes).map(|i| (i * 37 % 251) as u8).collect();
    let steps = (0..columns * blocks).flat_map(|i| (0.01 + (i % 90) as f32 / 500.0).to_le_bytes());
    let steps: Vec<u8> = steps.collect();
    let dims = [columns, blocks, bytes].map(|size| size as i64);
    let bytes = dims.iter().fold(Message::default(), |m, &d| m.int(1, d)).int(2, U8);
    let bytes = bytes.text(8, &weights).bytes(9, &codes);
    (node, [bytes, tensor(&scales, &[(columns * blocks) as i64]).bytes(9, &steps)])
}

/// The same of rows of 64.
fn product(x: &str, y: &str, columns: usize) -> (Message, [Message; 2]) {
    product_of((x, [64, 32]), (y, columns))
}

/// Three products of `x`, and one of the first of them, between which others run.
fn model() -> Message {
    let products = [("x", "a", 64), ("x", "b", 24), ("a", "d", 8), ("x", "c", 40)];
    let (mut nodes, mut weights) = (Vec::new(), Vec::new());
    for (x, y, columns) in products {
        let (node, of_node) = product(x, y, columns);
        nodes.push(node);
        weights.extend(of_node);
    }
    let columns = [("a", 64), ("b", 24), ("c", 40), ("d", 8)];
    let outputs = columns.map(|(name, columns)| value(name, &[3, columns]));
    around(&graph(&nodes, &[value("x", &[3, 64])], &outputs).messages(5, &weights))
}

fn around(graph: &Message) -> Message {
    let opset = |domain, version| Message::default().text(1, domain).int(2, version);
    let opsets = [opset("", 21), opset("com.microsoft", 1), opset("edgewise", 1)];
    Message::default().int(1, 10).message(7, graph).messages(8, &opsets)
}

const SKIP: &str = "SkipSimplifiedLayerNormalization";

/// Two products of `y`, and `y` itself, which that operator makes of `x`, or which is given.
fn products_of(maker: Option<&str>, rows: i64, [depth, block]: [usize; 2]) -> Message {
    let (mut nodes, mut weights) = (Vec::new(), Vec::new());
    let of = |name: &str| value(name, &[rows, depth as i64]);
    let (a, b) = (value("a", &[rows, 24]), value("b", &[rows, 16]));
    let (inputs, outputs) = match maker {
        None => (vec![of("y")], vec![a, b]),
        Some(SKIP) => (vec![of("x"), of("skip")], vec![a, b, of("y"), of("sum")]),
        Some("PackedSwiGLU") => (vec![value("x", &[rows, 2 * depth as i64])], vec![a, b, of("y")]),
        Some(_) => (vec![of("x")], vec![a, b, of("y")]),
    };
    let scale: Vec<u8> = (0..depth).flat_map(|i| (0.5 + i as f32 / 300.0).to_le_bytes()).collect();
    weights.push(tensor("scale", &[depth as i64]).bytes(9, &scale));
    nodes.extend(maker.map(|name| match name {
        SKIP => node(name, &["x", "skip", "scale"], &["y", "", "", "sum"]).text(7, "com.microsoft"),
        "PackedSwiGLU" => node(name, &["x"], &["y"]).text(7, "edgewise"),
        _ => node(name, &["x", "scale"], &["y"]),
    }));
    for (y, columns) in [("a", 24), ("b", 16)] {
        let (node, of_node) = product_of(("y", [depth, block]), (y, columns));
        nodes.push(node);
        weights.extend(of_node);
    }
    around(&graph(&nodes, &inputs, &outputs).messages(5, &weights))
}

fn opened(device: Option<Arc<dyn Device>>) -> Session {
    opened_as(&model(), device)
}

fn opened_as(model: &Message, device: Option<Arc<dyn Device>>) -> Session {
    let source = Arc::new(Bytes::new("model.onnx", &model.0[..]));
    block_on(Session::load(source, Options { device, ..Options::default() }, &mut |_| {})).unwrap()
}

#[test]
fn rows_are_rounded_once_for_all_products_of_them() {
    let Some(gpu) = gpu() else { return };
    let (on_host, on_gpu) = (opened(None), opened(Some(gpu)));
    for seed in 0..3 {
        let numbers: Vec<f32> = (0..192).map(|i| ((i * 7 + seed * 13) % 31) as f32 / 9.0 - 1.5).collect();
        let x: Value = Tensor::new(&[3, 64], &numbers).unwrap().into();
        let inputs = [("x", x)];
        let (expected, _) = on_host.run_with(&inputs, &RunOptions::default()).unwrap();
        let (got, cost) = on_gpu.run_with(&inputs, &RunOptions::default()).unwrap();
        for (a, b) in expected.iter().zip(&got) {
            assert_eq!(a.tensor().unwrap().view().bytes(), b.tensor().unwrap().view().bytes());
        }
        // Four products, and the rows of `x` and of `a`.
        assert_eq!((cost.steps, cost.launches), (0, 6));
    }
}

/// Numbers up to 4, but for a row of zeros, and rows in which there is one that is no number, or far larger.
fn rows_of(rows: usize, depth: usize) -> Value {
    let odd = [f32::NAN, f32::INFINITY, 3e19, 1e-30];
    let number = |i: usize| match (i / depth % 7, i % depth) {
        (2, _) => 0.0,
        (row @ 3.., 5) => odd[row - 3],
        _ => (i * 31 % 257) as f32 / 32.0 - 4.0,
    };
    let numbers: Vec<f32> = (0..rows * depth).map(number).collect();
    Tensor::new(&[rows, depth], &numbers).unwrap().into()
}

#[test]
fn norms_and_gates_round_their_rows_for_the_products_behind_them() {
    let Some(gpu) = gpu() else { return };
    // Where barriers are dear, gates leave that to the products.
    let of_gates = if gpu.features().barriers { 3 } else { 4 };
    for (rows, sizes) in [(1, [64, 32]), (9, [40, 32]), (3, [1100, 16]), (7, [96, 128]), (2, [16, 16])] {
        for (maker, launches) in [("SimplifiedLayerNormalization", 3), (SKIP, 3), ("PackedSwiGLU", of_gates)]
        {
            let on_gpu = opened_as(&products_of(Some(maker), rows, sizes), Some(gpu.clone()));
            let on_host = opened_as(&products_of(None, rows, sizes), None);
            let width = if maker == "PackedSwiGLU" { 2 * sizes[0] } else { sizes[0] };
            let x = rows_of(rows as usize, width);
            let inputs = [("x", x.clone()), ("skip", x)];
            let inputs = if maker == SKIP { &inputs[..] } else { &inputs[..1] };
            let (got, cost) = on_gpu.run_with(inputs, &RunOptions::default()).unwrap();
            // The products are those of what was written, to the bit.
            let (expected, _) = on_host.run_with(&[("y", got[2].clone())], &RunOptions::default()).unwrap();
            for (a, b) in expected.iter().zip(&got) {
                let (a, b) = (a.tensor().unwrap(), b.tensor().unwrap());
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                let mut pairs = a.slice::<f32>().unwrap().iter().zip(b.slice::<f32>().unwrap());
                assert!(pairs.all(same), "{maker} {rows} × {sizes:?}: {a:?} {b:?}");
            }
            assert_eq!((cost.steps, cost.launches), (0, launches), "{maker} {rows} × {sizes:?}");
        }
    }
}
