//! The fuzzed bodies on inputs that never change: a property test, short by day and long by night.

use edgewise_fuzz::{Random, decode, plan};

/// How many inputs a test takes; `EDGEWISE_PROPERTY_FACTOR` multiplies it.
fn cases(by_day: u64) -> std::ops::Range<u64> {
    let factor = std::env::var("EDGEWISE_PROPERTY_FACTOR").ok().and_then(|text| text.parse().ok());
    0..by_day * factor.unwrap_or(1)
}

#[test]
fn plans_compute_what_their_nodes_do() {
    for case in cases(4000) {
        let mut random = Random::new(7, case);
        let len = 16 + random.below(184);
        plan(&random.bytes(len));
    }
}

#[test]
fn any_bytes_are_decoded_or_refused() {
    for case in cases(4000) {
        let mut random = Random::new(8, case);
        let len = random.below(64);
        decode(&random.bytes(len));
    }
}
