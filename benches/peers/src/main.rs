//! `cargo run --release -p edgewise-bench`: the table of docs/performance.md, peers set up on the way.

use anyhow::{Context, Result, bail};
use clap::Parser;
use edgewise_bench::case::{self, Case, Place};
use edgewise_bench::measure::{self, Job, Runner};
use edgewise_bench::ours::Edgewise;
use edgewise_bench::report::{self, Machine, Report, Row};
use edgewise_bench::setup::{self, Python};
use edgewise_bench::web::{self, Driver};
use edgewise_bench::{ENGINE, Peer, accuracy, peer};
use edgewise_bench_runner::write_folder;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Edgewise beside its peers: sets them up, runs them interleaved, writes JSON, a table and charts
#[derive(Parser)]
#[command(after_help = "Examples:
  cargo run --release -p edgewise-bench
  cargo run --release -p edgewise-bench -- --native --cases mobilenet --peers ort,rten --rounds 9
  cargo run --release -p edgewise-bench -- --accuracy")]
struct Args {
    /// Only cases whose name matches
    #[arg(long, value_name = "REGEX", default_value = "")]
    cases: String,
    /// Whom to compare with
    #[arg(long, value_enum, value_delimiter = ',', default_value = "ort,ort-web")]
    peers: Vec<Peer>,
    /// Fresh processes or pages of every engine
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each of them runs after its first output
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    /// Threads of a run
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,2")]
    threads: Vec<u16>,
    /// Only natively
    #[arg(long, conflicts_with = "web")]
    native: bool,
    /// Only in Chromium
    #[arg(long)]
    web: bool,
    /// Only on the GPU, in Chromium; the browser is given one in software
    #[arg(long, conflicts_with_all = ["native", "web", "accuracy", "profile"])]
    gpu: bool,
    /// Which build of our module runs in Chromium; on more than one thread that is `relaxed-threads`, unless it has threads
    #[arg(long, value_name = "BUILD", default_value = "relaxed")]
    build: String,
    /// Take our module as it was built last
    #[arg(long)]
    built: bool,
    /// A folder with the models, in place of making them
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Where results go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write a trace of each case in Chromium into a folder, in place of measuring times
    #[arg(long, value_name = "DIR", conflicts_with = "accuracy")]
    profile: Option<PathBuf>,
    /// Compare outputs with onnxruntime's in place of measuring times
    #[arg(long)]
    accuracy: bool,
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    let result = if args.peek().is_some_and(|first| first == ENGINE) {
        // Before anything else: starting is part of what is measured.
        edgewise_bench_runner::run::<Edgewise>(&mut args.skip(1)).map(|()| true)
    } else {
        run(&Args::parse())
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The cases that are asked for: those on a GPU are others.
fn cases(args: &Args) -> Result<Vec<Case>> {
    let wanted = regex_lite::Regex::new(&args.cases).context("--cases")?;
    let places = if args.gpu { &[Place::Gpu][..] } else { &[Place::Native, Place::Web] };
    let mut cases = case::all();
    cases.retain(|case| places.iter().any(|place| case.goal(*place).is_some()));
    let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    cases.retain(|case| wanted.is_match(case.name));
    if cases.is_empty() {
        bail!("--cases: no case matches; there are {}", names.join(", "));
    }
    Ok(cases)
}

/// Whether all is well: nothing of ours failed.
fn run(args: &Args) -> Result<bool> {
    let cases = cases(args)?;
    let python = Python::set_up()?;
    let models = match &args.models {
        Some(models) => models.canonicalize().with_context(|| models.display().to_string())?,
        None => setup::models(&python, &case::groups(&cases))?,
    };
    let inputs = setup::home().join("inputs");
    if args.accuracy {
        let web = if args.native { None } else { Some(driver(args, &models, &inputs)?) };
        return accuracy::run(&cases, &python, &models, &inputs, web, &args.build);
    }
    for case in &cases {
        write_folder(&inputs.join(case.name), &case.inputs(0, &models)?)?;
    }
    if let Some(folder) = &args.profile {
        return profile(args, folder, &cases, &models, &inputs).map(|()| true);
    }
    let mut sides = Vec::new();
    if args.gpu {
        let browser = setup::browser([web::GPU_BUILD], args.built)?;
        let driver = Driver::start(&browser, &models, &inputs, &web::SOFTWARE_GPU)?;
        sides.push((Place::Gpu, peer::gpu(&args.peers, driver)));
    }
    if !args.web && !args.gpu {
        sides.push((Place::Native, peer::native(&args.peers)?));
    }
    if !args.native && !args.gpu {
        sides.push((Place::Web, peer::web(&args.peers, &args.build, driver(args, &models, &inputs)?)));
    }
    let rows = measure_all(args, &cases, &sides, &models, &inputs);
    let machine = Machine::here(args.rounds as usize, args.seconds, setup::versions(&args.peers)?);
    let report = Report { machine, rows };
    let out = args.out.clone().unwrap_or(setup::home().join("results"));
    write(&report, &out)?;
    print!("{}", report::table(&report));
    eprintln!("Results are in {}", out.display());
    Ok(report.rows.iter().all(|row| row.engines.first().is_some_and(|ours| ours.error.is_none())))
}

fn driver(args: &Args, models: &Path, inputs: &Path) -> Result<Driver> {
    // Traces and outputs are those of one thread.
    let timed = args.profile.is_none() && !args.accuracy;
    let threads = args.threads.iter().map(|&threads| if timed { usize::from(threads) } else { 1 });
    let builds: BTreeSet<&str> = threads.map(|threads| web::build_for(&args.build, threads)).collect();
    Driver::start(&setup::browser(builds, args.built)?, models, inputs, &[])
}

/// Traces that Chrome and Perfetto show.
fn profile(args: &Args, folder: &Path, cases: &[Case], models: &Path, inputs: &Path) -> Result<()> {
    let mut driver = driver(args, models, inputs)?;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for case in cases {
        let round = driver.round(&web::Job {
            engine: "edgewise",
            build: &args.build,
            isa: None,
            device: None,
            model: case.model,
            inputs: case.name,
            threads: 1,
            seconds: args.seconds,
            most: None,
            outputs: false,
            profile: true,
        })?;
        let file = folder.join(format!("{}.json", case.name));
        std::fs::write(&file, round.profile.unwrap_or_default())
            .with_context(|| file.display().to_string())?;
        println!("{}", file.display());
    }
    Ok(())
}

fn measure_all(
    args: &Args,
    cases: &[Case],
    sides: &[(Place, Vec<Runner>)],
    models: &Path,
    inputs: &Path,
) -> Vec<Row> {
    let engines: usize = sides.iter().map(|(_, runners)| runners.len()).sum();
    // A page that awaits its GPU has no use for threads.
    let threads = if args.gpu { &[1] } else { &args.threads[..] };
    let steps = cases.len() * threads.len() * engines * args.rounds as usize;
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len}, {eta} to go  {msg}") {
        bar.set_style(style);
    }
    let mut rows = Vec::new();
    for case in cases {
        for (place, runners) in sides {
            for threads in threads {
                let job = Job {
                    models,
                    model: case.model,
                    inputs,
                    input: case.name,
                    threads: usize::from(*threads),
                    seconds: args.seconds,
                };
                let outcomes = measure::rounds(runners, &job, args.rounds as usize, |engine| {
                    bar.set_message(format!("{} {engine}", case.name));
                    bar.inc(1);
                });
                let names: Vec<String> = runners.iter().map(|runner| runner.name.clone()).collect();
                rows.push(Row::new(case, *place, job.threads, &names, outcomes));
            }
        }
    }
    bar.finish_and_clear();
    rows
}

/// `results.json`, `table.md`, and a chart of each place.
fn write(report: &Report, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let put = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    };
    put("results.json", &(serde_json::to_string_pretty(report)? + "\n"))?;
    put("table.md", &report::table(report))?;
    for (place, name) in [(Place::Native, "native.svg"), (Place::Web, "web.svg"), (Place::Gpu, "gpu.svg")] {
        if let Some(chart) = report::chart(report, place) {
            put(name, &chart)?;
        }
    }
    Ok(())
}
