//! `edgewise COMMAND`: one file per command, and what they share.
//!
//! Every command parses its `Args`, makes a report, and prints that as text or, with `--json`, as one object.
//! It ends with 0 if all is well, 1 if something failed, 2 if it was called wrongly.

#[cfg_attr(not(feature = "peers"), path = "without_peers.rs")]
mod against;
mod bench;
mod conformance;
mod inspect;
mod run;
mod verify;

mod dims;
mod files;
mod inside;
mod model;
mod output;
mod seeded;
mod show;
#[cfg(feature = "tract")]
mod tract;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Run quantized ONNX models anywhere: one executor, the same answers on every device.
#[derive(Parser)]
#[command(name = "edgewise", version, disable_help_subcommand = true)]
#[command(after_help = "Example:\n  edgewise run digits examples/digits/three.png")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Inspect(inspect::Args),
    Bench(bench::Args),
    Verify(verify::Args),
    Conformance(conformance::Args),
}

/// What a command came to, when nothing kept it from ending.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
}

/// Parses the command line, runs the command, tells what went wrong.
pub fn main() -> ExitCode {
    if let Some(code) = against::as_engine() {
        return code;
    }
    let result = match Cli::parse().command {
        Command::Run(args) => run::main(&args),
        Command::Inspect(args) => inspect::main(&args),
        Command::Bench(args) => bench::main(&args),
        Command::Verify(args) => verify::main(&args),
        Command::Conformance(args) => conformance::main(&args),
    };
    match result {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a report: the object with `--json`, the text without.
fn print(json: bool, report: &impl serde::Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    use std::io::Write;
    let mut text = if json { serde_json::to_string_pretty(report)? } else { text() };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has seen enough, as `head` does.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
