//! The device itself: memory, limits, and launches that must not be.

mod common;

use common::gpu;
use edgewise_core::device::{Device, Launch, Memory, PipelineId, Recording, Target};
use edgewise_core::{DType, ErrorKind, Tensor, block_on, err};
use edgewise_gpu::Gpu;
use edgewise_gpu::alone::Alone;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let read = block_on(gpu.read(&from, &|| Ok(()))).unwrap();
    for ((_, bytes), read) in wanted.iter().zip(&read) {
        assert_eq!(bytes, read);
    }
    assert!(block_on(gpu.read(&[], &|| Ok(()))).unwrap().is_empty());
}

#[test]
fn what_is_sent_in_windows_arrives_as_it_was_written() {
    let Some(gpu) = gpu() else { return };
    let part = |n: u8| vec![n; (5 << 20) + 3];
    let memories: Vec<_> = (0..9).map(|_| gpu.allocate((5 << 20) + 3, "a part").unwrap()).collect();
    for (n, memory) in (0u8..).zip(&memories) {
        gpu.write(memory, &part(n ^ 0xff)).unwrap();
        gpu.write(memory, &part(n)).unwrap();
    }
    for (n, memory) in (0u8..).zip(memories) {
        let len = part(n).len();
        assert!(block_on(gpu.read(&[(memory, len)], &|| Ok(()))).unwrap()[0] == part(n));
    }
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
    assert!(block_on(gpu.read(&[(memory, past)], &|| Ok(()))).is_err());
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

#[test]
fn what_a_gpu_gets_right_is_not_done_by_hand() {
    let Some(gpu) = gpu() else { return };
    match std::env::var("EDGEWISE_GPU_BY_HAND") {
        Ok(asked) if asked == "all" => assert_eq!(gpu.by_hand().len(), 6),
        Ok(asked) => assert_eq!(gpu.by_hand().len(), asked.split(',').count()),
        // What else a GPU may do is its own affair; this one is known.
        Err(_) if gpu.name().contains("llvmpipe") => assert!(gpu.by_hand().is_empty(), "{:?}", gpu.by_hand()),
        Err(_) => {}
    }
}

/// So many products of two matrices, one after the other, and where the last one goes.
fn products(gpu: &Gpu, size: usize, times: usize) -> (Recording, Memory) {
    let matrix = Some(Tensor::zeros(DType::F32, &[size, size]).unwrap());
    let product = Alone::of(("", "MatMul", 13), &[], &[matrix.clone(), matrix], 1).unwrap();
    let placed = block_on(product.place(gpu)).unwrap().expect("products have a kernel");
    (placed.record(gpu, times).unwrap(), placed.slots[2].clone())
}

#[test]
fn work_is_begun_in_parts_and_stops_between_two_of_them() {
    let Some(gpu) = gpu() else { return };
    let (recording, to) = products(&gpu, 8, 200);
    for stop_at in [0, 1, 3, usize::MAX] {
        let asked = AtomicUsize::new(0);
        let check = || match asked.fetch_add(1, Ordering::Relaxed) {
            n if n >= stop_at => Err(err!(Cancelled, "the run was cancelled")),
            _ => Ok(()),
        };
        let result = block_on(gpu.replay(&recording, &check));
        match stop_at {
            usize::MAX => assert!(result.is_ok() && asked.into_inner() >= 200 / 64),
            _ => assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled),
        }
        // What was begun ends, and the device is as good as before.
        assert!(block_on(gpu.read(&[(to.clone(), 4)], &|| Ok(()))).is_ok());
    }
}

#[test]
fn every_launch_is_timed_where_the_gpu_has_timestamps() {
    let Some(gpu) = gpu() else { return };
    let (recording, _) = products(&gpu, 64, 70);
    let times = block_on(gpu.replay_timed(&recording, &|| Ok(()))).unwrap();
    assert_eq!(times.is_some(), gpu.features().timestamps);
    if let Some(times) = times {
        assert_eq!(times.len(), 70);
        assert!(times.iter().all(|time| time.start <= time.end));
        assert!(times.iter().any(|time| time.start < time.end), "{times:?}");
    }
}

#[test]
fn whatever_is_asked_of_a_lost_gpu_fails_as_that() {
    let Some(gpu) = gpu() else { return };
    let (recording, to) = products(&gpu, 8, 2);
    gpu.give_up();
    let check = || Ok(());
    let results = [
        gpu.allocate(4, "a test").map(drop),
        gpu.write(&to, &[0; 4]),
        block_on(gpu.replay(&recording, &check)),
        block_on(gpu.read(&[(to, 4)], &check)).map(drop),
        gpu.record(&[], &[]).map(drop),
    ];
    for (i, result) in results.into_iter().enumerate() {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::DeviceLost, "{i}");
    }
}
