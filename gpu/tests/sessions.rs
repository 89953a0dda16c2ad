//! Sessions on one GPU: side by side, and after the GPU was lost.

mod common;
#[allow(dead_code, reason = "shared by several tests")]
#[path = "../../core/tests/support/mod.rs"]
mod support;

use common::gpu;
use edgewise_core::device::Device;
use edgewise_core::onnx::Bytes;
use edgewise_core::run::Profile;
use edgewise_core::{DType, ErrorKind, Options, Result, RunOptions, Session, Tensor, Value, block_on};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use support::{graph, node, tensor, value};

fn model(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/zoo/digits").join(name)
}

fn options(device: Arc<dyn Device>) -> Options {
    Options { device: Some(device), threads: 1, ..Options::default() }
}

fn open(name: &str, device: &Arc<dyn Device>) -> Session {
    Session::open(model(name), options(device.clone())).unwrap()
}

/// Pictures, always the same ones.
fn image(seed: usize) -> Value {
    let pixels: Vec<f32> = (0..64).map(|i| ((i * 7 + seed * 13) % 17) as f32 / 16.0).collect();
    Tensor::new(&[1, 1, 8, 8], &pixels).unwrap().into()
}

fn scores(session: &Session, seed: usize) -> Result<Vec<f32>> {
    session.run(&[("image", image(seed))])?[0].tensor()?.view().to_f32s()
}

#[test]
fn sessions_and_contexts_share_a_gpu_from_several_threads() {
    let Some(gpu) = gpu() else { return };
    let device: Arc<dyn Device> = gpu;
    let sessions = ["digits_int8.onnx", "digits_fp32.onnx"].map(|name| open(name, &device));
    let expected = sessions.each_ref().map(|s| [0, 1, 2, 3].map(|seed| scores(s, seed).unwrap()));
    thread::scope(|scope| {
        for worker in 0..4 {
            let (session, expected) = (&sessions[worker % 2], &expected[worker % 2]);
            scope.spawn(move || {
                let context = session.context();
                for round in 0..12 {
                    let seed = (round + worker) % 4;
                    assert_eq!(scores(session, seed).unwrap(), expected[seed]);
                    let inputs = [("image", image(seed))];
                    let (outputs, _) = context.run(&inputs, &RunOptions::default()).unwrap();
                    assert_eq!(outputs[0].1.tensor().unwrap().view().to_f32s().unwrap(), expected[seed]);
                }
            });
        }
        // One more is loaded meanwhile.
        let again = open("digits_int8.onnx", &device);
        assert_eq!(scores(&again, 2).unwrap(), expected[0][2]);
    });
}

#[test]
fn sessions_go_on_after_their_gpu_was_lost() {
    let Some(gpu) = gpu() else { return };
    let device: Arc<dyn Device> = gpu.clone();
    let sessions = ["digits_int8.onnx", "digits_fp32.onnx"].map(|name| open(name, &device));
    let expected = sessions.each_ref().map(|session| scores(session, 5).unwrap());
    gpu.give_up();
    for (session, expected) in sessions.iter().zip(&expected) {
        assert_eq!(scores(session, 5).unwrap(), *expected);
        assert_eq!(scores(session, 5).unwrap(), *expected);
    }
    // They share the GPU that was opened again, and who still has the lost one gets that, too.
    let of = |session: &Session| session.program().placement().unwrap().device().clone();
    assert!(Arc::ptr_eq(&of(&sessions[0]), &of(&sessions[1])));
    assert!(!Arc::ptr_eq(&of(&sessions[0]), &device));
    let late = open("digits_int8.onnx", &device);
    assert!(Arc::ptr_eq(&of(&late), &of(&sessions[0])));
    assert_eq!(scores(&late, 5).unwrap(), expected[0]);
}

#[test]
fn weights_that_wait_in_their_file_are_read_again_for_the_gpu_that_comes() {
    let Some(gpu) = gpu() else { return };
    let (size, path) =
        (128, std::env::temp_dir().join(format!("edgewise-waits-{}.onnx", std::process::id())));
    let weights: Vec<f32> = (0..size * size).map(|i| (i % 7) as f32 - 3.0).collect();
    let dims = [size as i64; 2];
    let product = node("MatMul", &["x", "w"], &["y"]);
    let weights = tensor("w", &dims).bytes(9, bytemuck::cast_slice(&weights));
    let ports = ["x", "y"].map(|name| value(name, &[1, size as i64]));
    let graph = graph(&[product], &ports[..1], &ports[1..]).message(5, &weights);
    std::fs::write(&path, support::model(&graph).0).unwrap();
    let session = Session::open(&path, options(gpu.clone())).unwrap();
    let row: Vec<f32> = (0..size).map(|i| i as f32).collect();
    let run = || {
        let outputs = session.run(&[("x", Tensor::new(&[1, size], &row).unwrap().into())])?;
        outputs[0].tensor()?.view().to_f32s()
    };
    let expected = run().unwrap();
    gpu.give_up();
    assert_eq!(run().unwrap(), expected);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn runs_under_way_are_repeated_when_their_gpu_is_lost() {
    let Some(gpu) = gpu() else { return };
    let device: Arc<dyn Device> = gpu.clone();
    let session = open("digits_int8.onnx", &device);
    let expected = [0, 1, 2].map(|seed| scores(&session, seed).unwrap());
    let (runs, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for worker in 0..3 {
            let (session, expected, runs, stop) = (&session, &expected, &runs, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(scores(session, worker).unwrap(), expected[worker]);
                    runs.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let wait_for = |count: usize| {
            let before = runs.load(Ordering::Relaxed);
            while runs.load(Ordering::Relaxed) < before + count {
                thread::yield_now();
            }
        };
        wait_for(6);
        gpu.give_up();
        wait_for(12);
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_model_that_cannot_be_read_twice_has_to_be_opened_again() {
    let Some(gpu) = gpu() else { return };
    let bytes = std::fs::read(model("digits_int8.onnx")).unwrap();
    let load = |device: Arc<dyn Device>| {
        let source = Arc::new(Bytes::new("digits in memory", bytes.clone()));
        block_on(Session::load(source, options(device), &mut |_| {}))
    };
    let session = load(gpu.clone()).unwrap();
    let expected = scores(&session, 1).unwrap();
    gpu.give_up();
    for _ in 0..2 {
        let e = scores(&session, 1).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::DeviceLost);
        assert!(e.what().contains("digits in memory has to be opened again"), "{e}");
    }
    assert_eq!(scores(&load(gpu).unwrap(), 1).unwrap(), expected);
}

#[test]
fn a_profile_has_every_launch_or_says_what_it_has() {
    let Some(gpu) = gpu() else { return };
    let timestamps = gpu.features().timestamps;
    let session = open("digits_int8.onnx", &(gpu as Arc<dyn Device>));
    let profile = Profile::default();
    let options = RunOptions { profile: Some(&profile), ..RunOptions::default() };
    let (_, cost) = session.run_with(&[("image", image(3))], &options).unwrap();
    let events = profile.events();
    if timestamps {
        assert_eq!(events.len(), cost.steps + cost.launches);
        let nodes: Vec<String> = session.program().graph().nodes.iter().map(|n| n.name.clone()).collect();
        assert!(events.iter().all(|event| nodes.contains(&event.node) && event.duration_us >= 0.0));
        assert!(events.iter().any(|event| event.duration_us > 0.0));
    } else {
        assert!(events.iter().any(|event| event.outputs.contains("has no timestamps")), "{events:?}");
    }
}

#[test]
fn a_run_on_a_gpu_is_cancelled_and_late_as_any_other() {
    let Some(gpu) = gpu() else { return };
    let device: Arc<dyn Device> = gpu;
    let session = open("digits_int8.onnx", &device);
    let inputs = [("image", Value::from(Tensor::zeros(DType::F32, &[1, 1, 8, 8]).unwrap()))];
    let cancel = AtomicBool::new(true);
    let cancelled = RunOptions { cancel: Some(&cancel), ..RunOptions::default() };
    assert_eq!(session.run_with(&inputs, &cancelled).unwrap_err().kind(), ErrorKind::Cancelled);
    let late = RunOptions { deadline: Some(std::time::Duration::ZERO), ..RunOptions::default() };
    assert_eq!(session.run_with(&inputs, &late).unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    assert!(session.run(&inputs).is_ok());
}
