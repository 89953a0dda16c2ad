//! How much of a model is in the host's memory while a device takes it. Alone in its process, whose memory is counted.

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use edgewise_core::onnx::File;
use edgewise_core::{Options, Session, block_on};
use edgewise_fuzz::memory::{Capped, peak, start_peak};
use std::sync::Arc;
use support::{Forgets, products};

#[global_allocator]
static MEMORY: Capped = Capped;

#[test]
fn a_device_takes_weights_of_which_the_host_never_has_two() {
    const WEIGHT: usize = 4 << 20;
    let path = std::env::temp_dir().join(format!("edgewise-weights-{}.onnx", std::process::id()));
    std::fs::write(&path, products(24, 1024).0).unwrap();
    let load = |options: Options| {
        let file = Arc::new(File::open(&path).unwrap());
        let before = start_peak();
        let session = block_on(Session::load(file, options, &mut |_| {})).unwrap();
        assert_eq!(session.info().weight_bytes, 24 * WEIGHT as u64);
        peak() - before
    };
    let device = Some(Arc::new(Forgets(|| {})) as _);
    let (alone, beside) = (load(Options::default()), load(Options { device, ..Options::default() }));
    std::fs::remove_file(&path).unwrap();
    assert!(alone >= 24 * WEIGHT, "{alone} bytes without a device");
    assert!((WEIGHT..2 * WEIGHT).contains(&beside), "{beside} bytes with one");
}
