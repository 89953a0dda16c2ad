//! The suites of the two tiers, smallest first.

use crate::shell::{cargo, files, root, run, status, target};
use crate::suite::{Outcome, Suite};
use crate::{aarch64, cases, tools, vulkan, wasm, web};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// Of so many parity cases, one runs in Chromium at night: a GPU in software takes eight minutes for them.
const PARITY_SAMPLE: usize = 50;

/// How many times as many random cases the property tests take at night.
const NIGHTLY_FACTOR: &str = "50";

/// What every change must pass: within 35 minutes on two cores from a clean clone.
pub fn test() -> Vec<Suite> {
    vec![
        Suite::new("format", 30, format),
        Suite::maybe("cases", 300, cases::generate),
        Suite::new("clippy", 240, clippy),
        Suite::new("rustdoc", 120, rustdoc),
        Suite::new("tests", 600, tests),
        Suite::new("conformance", 300, conformance),
        Suite::new("fuzz", 150, || fuzz(&words("--seconds 60 --cases 120000"))),
        Suite::maybe("wasm", 600, || wasm::test(&wasm::DAILY)),
        Suite::maybe("web-gpu", 300, || wasm::test_gpu(None)),
        Suite::maybe("web", 300, || web::test(&wasm::DAILY, &["plain", "vite"])),
        Suite::maybe("licenses", 60, || tools::deny(false)),
        Suite::maybe("book", 30, || tools::book(false)),
    ]
}

/// What takes too long for every change.
pub fn nightly(models: Option<PathBuf>) -> Vec<Suite> {
    let mut suites = test();
    suites.retain(|suite| !matches!(suite.name, "fuzz" | "wasm" | "web-gpu" | "web" | "licenses" | "book"));
    suites.extend([
        Suite::maybe("wasm", 900, || wasm::test(&wasm::VARIANTS)),
        Suite::maybe("web-gpu", 3600, || wasm::test_gpu(Some(PARITY_SAMPLE))),
        Suite::maybe("web", 900, || web::test(&wasm::VARIANTS, &[])),
        Suite::maybe("swiftshader", 1200, vulkan::swiftshader),
        Suite::new("properties", 1200, properties),
        Suite::maybe("aarch64", 300, aarch64::test),
        Suite::maybe("models", 3600, move || whole_models(models.clone())),
        Suite::maybe("licenses", 900, || tools::deny(true)),
        Suite::maybe("book", 900, || tools::book(true)),
        Suite::new("long fuzz", 2000, || fuzz(&words("--seconds 1800"))),
    ]);
    suites
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(String::from).collect()
}

/// `cargo fmt` follows `mod` lines, and misses those that a macro writes: so every file is named as well.
fn format() -> Result<()> {
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    let mut rust = files(&root())?;
    rust.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    // Not by `run`, which would name every file there is.
    let mut rustfmt = Command::new("rustfmt");
    match status(rustfmt.args(["--check", "--edition", "2024"]).args(rust))? {
        Some(0) => Ok(()),
        _ => bail!("rustfmt would write the files above differently"),
    }
}

fn clippy() -> Result<()> {
    run(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn rustdoc() -> Result<()> {
    let mut command = cargo(["doc", "--no-deps", "--workspace"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Everything but the conformance cases, which have a suite of their own.
fn tests() -> Result<()> {
    vulkan::set_up()?;
    run(cargo(["test", "--workspace"]).env("EDGEWISE_CASES", "none"))
}

fn conformance() -> Result<()> {
    vulkan::set_up()?;
    // For the whole workspace: one package alone would be built again, with other features.
    let mut command = cargo(["test", "--workspace", "--test", "conformance", "--test", "instructions"]);
    run(command.args(["--", "--nocapture"]).env("EDGEWISE_CASES", target().join("cases")))
}

fn properties() -> Result<()> {
    run(cargo(["test", "-p", "edgewise-fuzz"]).env("EDGEWISE_PROPERTY_FACTOR", NIGHTLY_FACTOR))
}

fn whole_models(models: Option<PathBuf>) -> Result<Outcome> {
    let Some(models) = models.or_else(|| std::env::var_os("EDGEWISE_MODELS").map(PathBuf::from)) else {
        return Ok(Outcome::Skipped("no models are given (--models DIR or EDGEWISE_MODELS)".into()));
    };
    cases::of_models(&models)?;
    // In release: these are billions of products, and a run has a deadline.
    let mut edgewise = cargo(["run", "--release", "--", "conformance"]);
    run(edgewise.arg(target().join("cases/models")))?;
    Ok(Outcome::Passed)
}

/// Builds the fuzzer in the profile of the tests and for the whole workspace, so that nothing is built twice.
pub fn fuzz(options: &[String]) -> Result<()> {
    run(&mut cargo(["build", "--workspace", "--profile", "test", "--bin", "edgewise-fuzz"]))?;
    let mut fuzzer = Command::new(target().join("debug/edgewise-fuzz"));
    match status(fuzzer.args(options).env("CARGO_TARGET_DIR", target()))? {
        Some(0) => Ok(()),
        Some(code) => bail!("the fuzzer found something (code {code}); it is described above"),
        None => bail!(
            "the fuzzer was killed; {} names the seed and the case that did it",
            target().join("fuzz/running").display()
        ),
    }
}
