//! The same models by every instruction set that this machine has, each in a process of its own: which one is
//! used is found out once.

#![cfg(feature = "cli")]

use edgewise::models::npy;
use edgewise_simd::Isa;
use std::path::{Path, PathBuf};
use std::process::Command;

const INT8: &str = "models/zoo/digits/digits_int8.onnx";
const FP32: &str = "models/zoo/digits/digits_fp32.onnx";

/// The outputs of a model on made-up inputs, and what was printed on stderr.
fn run(model: &str, isa: &str) -> (Vec<f32>, String) {
    let name = format!("edgewise-isa-{isa}-{}-{}", &model[model.len() - 9..], std::process::id());
    let out = Folder(std::env::temp_dir().join(name));
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgewise"));
    command.args(["run", model, "--random", "--dims", "N=67", "--threads", "2", "--out"]).arg(&out.0);
    command.env("EDGEWISE_ISA", isa).env("EDGEWISE_LOG", "1").current_dir(env!("CARGO_MANIFEST_DIR"));
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{model} by {isa}: {said}");
    let bytes = std::fs::read(out.0.join("probabilities.npy")).unwrap();
    (npy::read(&bytes).unwrap().slice::<f32>().unwrap().to_vec(), said)
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.0));
    }
}

#[test]
fn every_set_computes_the_same() {
    let plainest = [INT8, FP32].map(|model| run(model, "scalar").0);
    for isa in Isa::supported() {
        for (model, expected) in [INT8, FP32].into_iter().zip(&plainest) {
            let (got, said) = run(model, isa.name());
            assert!(said.contains(&format!("instructions: {}\n", isa.name())), "{said}");
            assert_eq!(got.len(), expected.len());
            for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
                // Integers are the same to the bit: one step of a logit would change its probability by
                // percents. Behind them comes a softmax of floats.
                let near = match model {
                    INT8 => 1e-6 * expected,
                    _ => 1e-5,
                };
                let what = format!("{model} by {}, element {i}: {got}, not {expected}", isa.name());
                assert!((got - expected).abs() <= near, "{what}");
            }
        }
    }
}

#[test]
fn a_set_that_is_not_there_falls_back_and_says_so() {
    let best = Isa::best().name();
    let absent = Isa::ALL.into_iter().find(|isa| !isa.is_supported()).expect("no machine has all");
    let expected = run(INT8, best).0;
    for (name, says) in [(absent.name(), "this machine does not have"), ("mmx", "no instruction set is")] {
        let (got, said) = run(INT8, name);
        assert!(said.contains(says) && said.contains(name), "{said}");
        assert!(said.contains(&format!("instructions: {best}\n")), "{said}");
        assert_eq!(got, expected);
    }
}

#[test]
fn conformance_of_the_contrib_cases_by_every_set() {
    // `EDGEWISE_CASES`, or where `cargo xtask` writes them: beside the folder of the profile.
    let built = || Path::new(env!("CARGO_BIN_EXE_edgewise")).ancestors().nth(2).unwrap().join("cases");
    let cases = std::env::var_os("EDGEWISE_CASES").map_or_else(built, PathBuf::from).join("contrib");
    if !cases.is_dir() {
        return println!("contrib: skipped, no cases are generated (cargo xtask test does it)");
    }
    for isa in Isa::supported() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edgewise"));
        command.args(["conformance", "--list-failures"]).arg(&cases).env("EDGEWISE_ISA", isa.name());
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "by {}: {said}", isa.name());
        println!("contrib by {}: {}", isa.name(), said.lines().last().unwrap_or_default());
    }
}
