//! Contexts on a GPU: what they carry stays there, and is what the CPU carries.

#[allow(dead_code, reason = "shared by several tests")]
#[path = "../../core/tests/support/mod.rs"]
mod support;

mod common;

use common::gpu;
use edgewise_core::device::Device;
use edgewise_core::onnx::Bytes;
use edgewise_core::run::Cost;
use edgewise_core::{Context, ErrorKind, Options, Result, RunOptions, Session, Tensor, Value, block_on};
use std::sync::Arc;
use support::{Message, attribute, graph, node, value};

/// y = attention to x and all that came before it, in two heads of four; and an output that is made anew each time.
fn model() -> Vec<u8> {
    let past = ["past_key_values.0.key", "past_key_values.0.value"];
    let present = ["present.0.key", "present.0.value"];
    let attention = node("Attention", &["x", "x", "x", "", past[0], past[1]], &["y", present[0], present[1]])
        .message(5, &attribute("is_causal", 2, |a| a.int(3, 1)));
    let negative = node("Neg", &["x"], &["z"]);
    let cache = [1, 2, -1, 4];
    let inputs = [value("x", &cache), value(past[0], &cache), value(past[1], &cache)];
    let outputs = ["y", "z", present[0], present[1]].map(|name| value(name, &cache));
    let opset = Message::default().text(1, "").int(2, 24);
    let graph = graph(&[attention, negative], &inputs, &outputs);
    Message::default().int(1, 10).message(7, &graph).message(8, &opset).0
}

fn decoder(device: Option<Arc<dyn Device>>) -> Session {
    let source = Arc::new(Bytes::new("model.onnx", &model()[..]));
    let options = Options { device, ..Options::default() };
    block_on(Session::load(source, options, &mut |_| {})).unwrap()
}

/// So many positions, each time other ones.
fn step<'c>(
    context: &'c Context<&Session>,
    positions: usize,
    seed: usize,
) -> Result<(Vec<(&'c str, Value)>, Cost)> {
    let numbers: Vec<f32> =
        (0..8 * positions).map(|i| ((i * 7 + seed * 13) % 31) as f32 / 9.0 - 1.5).collect();
    let x = Tensor::new(&[1, 2, positions, 4], &numbers)?;
    context.run(&[("x", x.into())], &RunOptions::default())
}

fn alike(expected: &[(&str, Value)], got: &[(&str, Value)]) {
    assert_eq!(expected.len(), got.len());
    for ((name, a), (other, b)) in expected.iter().zip(got) {
        assert_eq!(name, other);
        let (a, b) = (a.tensor().unwrap(), b.tensor().unwrap());
        assert_eq!(a.shape(), b.shape());
        for (a, b) in a.slice::<f32>().unwrap().iter().zip(b.slice::<f32>().unwrap()) {
            assert!((a - b).abs() < 1e-5, "{name}: expected {a}, got {b}");
        }
    }
}

#[test]
fn the_past_stays_on_the_gpu() {
    let Some(gpu) = gpu() else { return };
    let (on_host, on_gpu) = (decoder(None), decoder(Some(gpu)));
    let (expected, got) = (on_host.context(), on_gpu.context());
    for (i, positions) in [5, 1, 1, 3, 1].into_iter().enumerate() {
        let (expected, _) = step(&expected, positions, i).unwrap();
        let (outputs, cost) = step(&got, positions, i).unwrap();
        alike(&expected, &outputs);
        assert_eq!((cost.steps, cost.downloads), (0, 2), "the two outputs come down");
        // Before the first run there is a past of nothing on the host.
        assert_eq!(cost.uploads, if i == 0 { 3 } else { 1 });
    }
    assert_eq!((expected.len().unwrap(), got.len().unwrap()), (11, 11));
}

#[test]
fn pasts_part_and_are_cut_off() {
    let Some(gpu) = gpu() else { return };
    let (on_host, on_gpu) = (decoder(None), decoder(Some(gpu)));
    let run = |session: &Session| -> Result<Vec<Vec<f32>>> {
        let first = session.context();
        step(&first, 4, 0)?;
        let second = first.fork()?;
        first.truncate(2)?;
        second.truncate(9)?;
        assert_eq!((first.len()?, second.len()?), (2, 4));
        let mut all = Vec::new();
        for seed in 1..4 {
            for context in [&first, &second] {
                let (outputs, _) = step(context, 1, seed)?;
                all.push(outputs[0].1.tensor()?.slice::<f32>()?.to_vec());
            }
        }
        // What a run was refused for changes nothing.
        assert!(first.run(&[], &RunOptions::default()).is_err());
        assert_eq!(first.len()?, 5);
        first.reset()?;
        all.push(step(&first, 2, 9)?.0[0].1.tensor()?.slice::<f32>()?.to_vec());
        Ok(all)
    };
    let (expected, got) = (run(&on_host).unwrap(), run(&on_gpu).unwrap());
    for (a, b) in expected.iter().flatten().zip(got.iter().flatten()) {
        assert!((a - b).abs() < 1e-5, "expected {a}, got {b}");
    }
}

#[test]
fn a_context_gives_the_outputs_that_are_asked_for() {
    let Some(gpu) = gpu() else { return };
    for session in [decoder(None), decoder(Some(gpu))] {
        let context = session.context();
        let x: Value = Tensor::zeros(edgewise_core::DType::F32, &[1, 2, 3, 4]).unwrap().into();
        let only = RunOptions { outputs: Some(&["z"]), ..RunOptions::default() };
        let (outputs, _) = context.run(&[("x", x.clone())], &only).unwrap();
        assert_eq!(outputs.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["z"]);
        assert_eq!(context.len().unwrap(), 3);
        let none = RunOptions { outputs: Some(&["w"]), ..RunOptions::default() };
        assert!(context.run(&[("x", x)], &none).is_err());
    }
}

#[test]
fn a_past_is_lost_with_its_gpu_and_a_new_one_begins() {
    let Some(gpu) = gpu() else { return };
    let file = std::env::temp_dir().join(format!("edgewise-context-{}.onnx", std::process::id()));
    std::fs::write(&file, model()).unwrap();
    let session = Session::open(&file, Options { device: Some(gpu.clone()), ..Options::default() }).unwrap();
    let (old, new) = (session.context(), session.context());
    step(&old, 4, 0).unwrap();
    gpu.give_up();
    // First nobody has opened the GPU again, then another context has.
    for runs_before in 0..2 {
        assert_eq!(new.len().unwrap(), runs_before);
        let lost = step(&old, 1, 1).unwrap_err();
        assert_eq!(lost.kind(), ErrorKind::DeviceLost, "{lost}");
        step(&new, 1, 2).unwrap();
    }
    old.reset().unwrap();
    step(&old, 2, 3).unwrap();
    assert_eq!(old.len().unwrap(), 2);
    std::fs::remove_file(&file).unwrap();
}
