//! Any bytes as a graph to plan.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| edgewise_fuzz::plan(bytes));
