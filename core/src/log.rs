//! What `EDGEWISE_LOG` shows: 1 plan and memory, 2 a line per step, 3 graphs between rewrites.

use edgewise_simd::Isa;
use std::sync::{Once, OnceLock};

/// The level that the environment asks for.
pub fn level() -> u8 {
    static LEVEL: OnceLock<u8> = OnceLock::new();
    *LEVEL.get_or_init(|| std::env::var("EDGEWISE_LOG").ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Prints a line if the level is high enough.
pub fn log(at: u8, line: impl FnOnce() -> String) {
    if level() >= at {
        eprintln!("{}", line());
    }
}

/// Prints, the first time, which instructions kernels use, and why if others were asked for.
pub fn instructions() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        if let Err(why) = Isa::asked() {
            log(1, || why);
        }
        log(1, || format!("instructions: {}", Isa::current().name()));
    });
}
