//! The device itself: memory, limits, and launches that must not be.

use edgewise_core::device::{Device, Launch, PipelineId, Target};
use edgewise_core::{ErrorKind, block_on};
use edgewise_gpu::{Gpu, Preference, open_gpus};
use std::sync::Arc;

/// The GPU that tests run on, if there is one.
fn gpu() -> Option<Arc<Gpu>> {
    match block_on(open_gpus(Preference::Power)) {
        Ok(gpus) => gpus.into_iter().next(),
        Err(e) => {
            assert!(std::env::var_os("EDGEWISE_GPU_REQUIRED").is_none(), "{e}");
            assert_eq!(e.kind(), ErrorKind::Unsupported);
            eprintln!("skipped: {e}");
            None
        }
    }
}

#[test]
fn bytes_come_back_as_they_were_written() {
    let Some(gpu) = gpu() else { return };
    let mut wanted = Vec::new();
    for len in [0usize, 1, 3, 4, 5, 4097] {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        let memory = gpu.allocate(len as u64, "a test").unwrap();
        gpu.write(&memory, &bytes).unwrap();
        wanted.push((memory, bytes));
    }
    let from: Vec<_> = wanted.iter().map(|(memory, bytes)| (memory.clone(), bytes.len())).collect();
    let read = block_on(gpu.read(&from)).unwrap();
    for ((_, bytes), read) in wanted.iter().zip(&read) {
        assert_eq!(bytes, read);
    }
    assert!(block_on(gpu.read(&[])).unwrap().is_empty());
}

#[test]
fn what_does_not_fit_is_an_error_that_names_it() {
    let Some(gpu) = gpu() else { return };
    let e = gpu.allocate(1 << 50, "the weights of 'dense'").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::OutOfMemory);
    assert!(e.what().contains("the weights of 'dense'"), "{e}");
    let memory = gpu.allocate(4, "a test").unwrap();
    let past = memory.bytes() as usize + 1;
    assert_eq!(gpu.write(&memory, &vec![0; past]).unwrap_err().kind(), ErrorKind::Internal);
    assert!(block_on(gpu.read(&[(memory, past)])).is_err());
}

#[test]
fn a_pipeline_that_nobody_asked_for_is_refused() {
    let Some(gpu) = gpu() else { return };
    let memory = gpu.allocate(4, "a test").unwrap();
    let launch = Launch {
        pipeline: PipelineId(99),
        buffers: vec![Target::Held(memory), Target::Slot(0)],
        parameters: Vec::new(),
        groups: [1, 1, 1],
    };
    assert!(gpu.record(&[launch], &[]).is_err());
    assert!(gpu.record(&[], &[]).is_ok());
}

#[test]
fn limits_are_those_of_every_gpu_at_least() {
    let Some(gpu) = gpu() else { return };
    let limits = gpu.limits();
    assert!(limits.groups >= 65_535 && limits.invocations >= 256 && limits.buffers >= 8);
    assert!(limits.shared_bytes >= 16 << 10 && limits.buffer_bytes >= 128 << 20);
    assert!(!gpu.name().is_empty());
}
