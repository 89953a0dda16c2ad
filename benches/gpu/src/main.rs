//! `cargo run --release -p edgewise-gpu-bench`: the ladder of all kernels on this machine's GPU.

use anyhow::{Context, Result, bail};
use clap::Parser;
use edgewise_core::block_on;
use edgewise_core::device::Device;
use edgewise_gpu::{Preference, open_gpus};
use edgewise_gpu_bench::{cases, climb};
use std::path::PathBuf;
use std::process::ExitCode;

/// Each kernel of the GPU against its floor: the least time in which that GPU could have done the work
#[derive(Parser)]
#[command(after_help = "Examples:
  cargo run --release -p edgewise-gpu-bench
  cargo run --release -p edgewise-gpu-bench -- --filter 'bytes.*3×3' --rounds 15
  cargo run --release -p edgewise-gpu-bench -- --json ladder.json")]
struct Args {
    /// Only cases whose family and name match
    #[arg(long, value_name = "REGEX", default_value = "")]
    filter: String,
    /// How often everything is measured, in turn
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Write what was measured into a file, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only list the cases
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let wanted = regex_lite::Regex::new(&args.filter).context("--filter")?;
    let mut cases = cases::all();
    cases.retain(|case| wanted.is_match(&case.to_string()));
    if cases.is_empty() {
        bail!("--filter: no case matches; --list names them");
    }
    if args.list {
        cases.iter().for_each(|case| println!("{case}"));
        return Ok(());
    }
    let gpu = block_on(open_gpus(Preference::Performance))?.into_iter().next().context("there is no GPU")?;
    eprintln!("{}", gpu.name());
    let ladder = climb(&gpu, &cases, usize::from(args.rounds), |what| eprintln!("{what}"))?;
    print!("{ladder}");
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&ladder)? + "\n";
        std::fs::write(file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
