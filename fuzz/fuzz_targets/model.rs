//! Any bytes as a model that runs; begin with the models of models/zoo.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| edgewise_fuzz::model(bytes));
