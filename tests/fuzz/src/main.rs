//! `cargo xtask fuzz`: mutates models until time is up, and says which seed broke what.
//!
//! Cases run in a second process, because a stack overflow or a refused allocation takes its process down;
//! the first one notes what did it and starts another behind that case. A case is made from the seed and its
//! number alone, so every finding can be repeated: `cargo xtask fuzz --seed N --case N`.

mod worker;

use anyhow::{Context, Result, bail};
use edgewise_fuzz::{Corpus, Seed, memory};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

#[global_allocator]
static MEMORY: memory::Capped = memory::Capped;

/// What the command line says.
#[derive(Clone)]
struct Args {
    seconds: u64,
    seed: Seed,
    /// How many cases at the most, so that a run on any machine can see the same ones.
    cases: u64,
    /// Only this case.
    case: Option<u64>,
    /// As the second process: the first case.
    from: Option<u64>,
}

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Args> {
        let mut args = Args { seconds: 60, seed: Seed(1), cases: u64::MAX, case: None, from: None };
        while let Some(flag) = words.next() {
            let mut number = || -> Result<u64> {
                let text = words.next().with_context(|| format!("{flag} takes a number"))?;
                text.parse().with_context(|| format!("{flag} takes a number, got '{text}'"))
            };
            match flag.as_str() {
                "--seconds" => args.seconds = number()?,
                "--seed" => args.seed = Seed(number()?),
                "--cases" => args.cases = number()?,
                "--case" => args.case = Some(number()?),
                "--from" => args.from = Some(number()?),
                _ => {
                    bail!("unknown option '{flag}'; there are --seconds N, --seed N, --cases N and --case N")
                }
            }
        }
        Ok(args)
    }
}

fn main() -> Result<ExitCode> {
    let args = Args::parse(std::env::args().skip(1))?;
    let corpus = corpus()?;
    std::fs::create_dir_all(findings_folder())?;
    let clean = match (args.case, args.from) {
        (Some(case), _) => worker::repeat(corpus, args.seed, case)?,
        (_, Some(from)) => {
            worker::run(corpus, args.seed, from..args.cases, Duration::from_secs(args.seconds))?
        }
        _ => supervise(&args, &corpus)?,
    };
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts workers until time is up; whether nothing was found.
fn supervise(args: &Args, corpus: &Corpus) -> Result<bool> {
    println!("fuzzing {} models for {} s, seed {}", corpus.len(), args.seconds, args.seed.0);
    let (end, mut from, mut clean) = (Instant::now() + Duration::from_secs(args.seconds), 0, true);
    loop {
        let left = end.saturating_duration_since(Instant::now()).as_secs();
        if left == 0 {
            break;
        }
        let mut worker = Command::new(std::env::current_exe()?);
        worker.args(["--seed", &args.seed.0.to_string(), "--from", &from.to_string()]);
        worker.args(["--cases", &args.cases.to_string()]);
        // What is found is told by its place; a backtrace would bury it.
        worker.env("RUST_BACKTRACE", "0");
        let status = worker.args(["--seconds", &left.to_string()]).status()?;
        clean &= status.success();
        match status.code() {
            Some(0 | 1) => break,
            code => {
                let case = worker::running()?;
                let why = match code {
                    Some(worker::HANGS) => "it does not end".into(),
                    _ => format!("its process died ({status})"),
                };
                report(corpus, args.seed, case, &why)?;
                from = case + 1;
            }
        }
    }
    println!("{} cases, {}", worker::running()?, if clean { "nothing found" } else { "findings above" });
    Ok(clean)
}

/// Says what was found, and keeps the input.
fn report(corpus: &Corpus, seed: Seed, number: u64, why: &str) -> Result<()> {
    let case = corpus.case(seed, number);
    let path = findings_folder().join(format!("{}-{}-{number}", case.name, seed.0));
    std::fs::write(&path, &case.bytes)?;
    println!("FOUND ({}, --seed {} --case {number}): {why}", case.name, seed.0);
    println!("      the input is {}", path.display());
    Ok(())
}

/// The shipped models and, where they are generated, the conformance cases.
fn corpus() -> Result<Corpus> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [root.join("models/zoo"), target().join("cases/onnx"), target().join("cases/contrib")];
    Ok(Corpus::load(&folders)?)
}

fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir))
}

fn findings_folder() -> PathBuf {
    target().join("fuzz")
}
