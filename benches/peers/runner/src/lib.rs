//! One engine in a process of its own, as every Rust engine of the benches runs.
//!
//! The process talks with who started it in lines: it says `up` when it runs and `idle` when it has read the
//! inputs, and waits for a line. Then it loads the model and runs it, says `first`, runs on, and writes a
//! [`Report`] as one line of JSON. So the measuring side can look at an idle process's memory, and can time
//! everything up to the first output, with a clock of its own.

mod tensor;

pub use tensor::{Tensor, read_folder, write_folder};

use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Measured runs are at least so many, however long they take.
const FEWEST: usize = 3;

/// What to run.
pub struct Job {
    /// The model's file.
    pub model: PathBuf,
    /// One tensor for each input.
    pub inputs: Vec<Tensor>,
    /// How many threads a run may use.
    pub threads: usize,
    /// How long the measured runs together take at least.
    pub seconds: f64,
    /// Stop after so many measured runs.
    pub most: usize,
    /// Where the outputs of the first run go.
    pub outputs: Option<PathBuf>,
}

/// An engine with a model that is ready to run.
pub trait Engine: Sized {
    /// Loads the model and prepares the inputs.
    fn load(job: &Job) -> Result<Self>;

    /// Runs once; every output is made.
    fn run(&mut self) -> Result<()>;

    /// The outputs of the latest run.
    fn outputs(&mut self) -> Result<Vec<Tensor>>;
}

/// What one process measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Loading the engine's library, where the process is not what a program that links it would be.
    #[serde(default)]
    pub library_ms: f64,
    /// From the path of the model to ready.
    pub load_ms: f64,
    /// The first run.
    pub first_ms: f64,
    /// Each run after the first.
    pub wall_ms: Vec<f64>,
    /// What all threads of the process computed during each of them.
    pub cpu_ms: Vec<f64>,
}

/// The `main` of an engine's process.
pub fn main<E: Engine>() -> ExitCode {
    match run::<E>(&mut std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The same, for a program that has taken its own arguments away.
pub fn run<E: Engine>(args: &mut dyn Iterator<Item = String>) -> Result<()> {
    println!("up");
    let job = Job::parse(args)?;
    println!("idle");
    std::io::stdin().read_line(&mut String::new()).context("waiting for a line")?;

    let began = Instant::now();
    let mut engine = E::load(&job)?;
    let load_ms = ms(began.elapsed());
    let began = Instant::now();
    engine.run()?;
    let first_ms = ms(began.elapsed());
    println!("first");

    if let Some(folder) = &job.outputs {
        write_folder(folder, &engine.outputs()?)?;
    }
    let mut report = Report { load_ms, first_ms, ..Report::default() };
    let began = Instant::now();
    while report.wall_ms.len() < job.most
        && (report.wall_ms.len() < FEWEST || began.elapsed().as_secs_f64() < job.seconds)
    {
        let (wall, cpu) = (Instant::now(), cpu_time());
        engine.run()?;
        report.cpu_ms.push(ms(cpu_time().saturating_sub(cpu)));
        report.wall_ms.push(ms(wall.elapsed()));
    }
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

impl Job {
    fn parse(args: &mut dyn Iterator<Item = String>) -> Result<Job> {
        let (mut model, mut inputs, mut outputs) = (None, None, None);
        let (mut threads, mut seconds, mut most) = (1, 1.0, usize::MAX);
        while let Some(flag) = args.next() {
            let value = args.next().with_context(|| format!("{flag} wants a value"))?;
            match flag.as_str() {
                "--model" => model = Some(PathBuf::from(value)),
                "--inputs" => inputs = Some(PathBuf::from(value)),
                "--outputs" => outputs = Some(PathBuf::from(value)),
                "--threads" => threads = value.parse()?,
                "--seconds" => seconds = value.parse()?,
                "--most" => most = value.parse()?,
                _ => bail!("unknown option {flag}"),
            }
        }
        let model = model.context("--model is missing")?;
        let inputs = read_folder(&inputs.context("--inputs is missing")?)?;
        Ok(Job { model, inputs, threads, seconds, most, outputs })
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// What all threads of this process have computed so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
