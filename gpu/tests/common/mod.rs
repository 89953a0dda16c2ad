//! What tests of the device share.

use edgewise_core::{ErrorKind, block_on};
use edgewise_gpu::{Gpu, Preference, open_gpus};
use std::sync::Arc;

/// A GPU of the test's own, if there is one.
pub fn gpu() -> Option<Arc<Gpu>> {
    match block_on(open_gpus(Preference::Power)) {
        Ok(gpus) => gpus.into_iter().next(),
        Err(e) => {
            assert!(std::env::var_os("EDGEWISE_GPU_REQUIRED").is_none(), "{e}");
            assert_eq!(e.kind(), ErrorKind::Unsupported, "{e}");
            eprintln!("skipped: {e}");
            None
        }
    }
}
