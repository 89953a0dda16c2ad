//! What several nodes would launch in the same way is launched once, and lasts until the last of them has read it.

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

/// A product of `x` with 4-bit weights, whose rows are rounded first, and these weights.
fn product(x: &str, y: &str, columns: usize) -> (Message, [Message; 2]) {
    let int = |name, value: i64| attribute(name, 2, move |a| a.int(3, value));
    let attributes =
        [("N", columns as i64), ("K", 64), ("bits", 4), ("block_size", 32), ("accuracy_level", 4)];
    let (weights, scales) = (format!("{y}_weights"), format!("{y}_scales"));
    let node = node("MatMulNBits", &[x, &weights, &scales], &[y])
        .messages(5, &attributes.map(|(name, value)| int(name, value)))
        .text(7, "com.microsoft");
    let codes: Vec<u8> = (0..columns * 32).map(|i| (i * 37 % 251) as u8).collect();
    let steps: Vec<u8> = (0..columns * 2).flat_map(|i| (0.01 + i as f32 / 500.0).to_le_bytes()).collect();
    let dims = [columns as i64, 2, 16];
    let bytes = dims.iter().fold(Message::default(), |m, &d| m.int(1, d)).int(2, U8);
    let bytes = bytes.text(8, &weights).bytes(9, &codes);
    (node, [bytes, tensor(&scales, &[columns as i64 * 2]).bytes(9, &steps)])
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
    let graph = graph(&nodes, &[value("x", &[3, 64])], &outputs).messages(5, &weights);
    let opset = |domain, version| Message::default().text(1, domain).int(2, version);
    let opsets = [opset("", 21), opset("com.microsoft", 1)];
    Message::default().int(1, 10).message(7, &graph).messages(8, &opsets)
}

fn opened(device: Option<Arc<dyn Device>>) -> Session {
    let source = Arc::new(Bytes::new("model.onnx", &model().0[..]));
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
