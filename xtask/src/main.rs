//! `cargo xtask …`: the project's own commands.
//!
//! They need cargo and, for the conformance cases, python3; everything else they set up below the target
//! folder.

mod aarch64;
mod apt;
mod cases;
mod npm;
mod python;
mod shell;
mod suite;
mod suites;
mod toolchain;
mod tools;
mod vulkan;
mod wasm;
mod web;

use anyhow::{Result, bail};
use std::process::ExitCode;
use suite::Outcome;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [SUITE…]        set up what is missing and run every suite, or those that are named; what CI runs,
                       within 35 minutes on 2 cores
  nightly [--models DIR] [SUITE…]
                       everything in test, a long fuzz, aarch64 by QEMU, licenses, the book, cases of the
                       models in DIR (or EDGEWISE_MODELS)
  cases                only generate the conformance cases, into target/cases
  wasm [BUILD…]        the module for browsers and its size, into target/wasm/BUILD/dist; BUILD is cpu, simd,
                       simd-threads, relaxed or relaxed-threads, all if left out
  web                  the npm package: every build, its JavaScript and types, into web/dist and
                       web/edgewise-VERSION.tgz, and what each part weighs
  fuzz [--seconds N] [--seed N] [--case N]
                       mutate models for N seconds; --case repeats one case that a seed led to
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything passed.
fn run(args: &[String]) -> Result<bool> {
    let (command, rest) = args.split_first().map_or(("help", &[][..]), |(c, rest)| (c.as_str(), rest));
    match (command, rest) {
        ("test", names) => Ok(suite::run_all(&suite::named(suites::test(), names)?)),
        ("nightly", [flag, dir, names @ ..]) if flag == "--models" => {
            Ok(suite::run_all(&suite::named(suites::nightly(Some(dir.into())), names)?))
        }
        ("nightly", names) => Ok(suite::run_all(&suite::named(suites::nightly(None), names)?)),
        ("cases", []) => cases::generate().map(|_| true),
        ("fuzz", options) => suites::fuzz(options).map(|()| true),
        ("wasm", names) => {
            let builds = names.iter().map(|name| wasm::named(name)).collect::<Result<Vec<_>>>()?;
            let builds = if builds.is_empty() { wasm::VARIANTS.to_vec() } else { builds };
            done(wasm::build(&builds)?)
        }
        ("web", []) => done(web::pack()?),
        ("help" | "--help" | "-h", _) => {
            print!("{USAGE}");
            Ok(true)
        }
        _ => bail!("unknown command '{}'\n{USAGE}", args.join(" ")),
    }
}

/// What was asked for by name must be done, or it is an error why not.
fn done(outcome: Outcome) -> Result<bool> {
    match outcome {
        Outcome::Passed => Ok(true),
        Outcome::Skipped(reason) => bail!("{reason}"),
    }
}
