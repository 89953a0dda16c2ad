//! Starts an engine's process, times it up to its first output, watches its memory.

use anyhow::{Context, Result, bail};
use edgewise_bench_runner::Report;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How to start an engine.
#[derive(Clone, Debug)]
pub struct Engine {
    pub program: PathBuf,
    /// What comes before the job's options.
    pub args: Vec<String>,
    /// Whether starting the process belongs to a cold start. An interpreter's start does not: no program that
    /// uses the engine's library has to pay it.
    pub counts_start: bool,
}

/// What is run.
pub struct Job {
    pub model: PathBuf,
    pub inputs: PathBuf,
    pub outputs: Option<PathBuf>,
    pub threads: usize,
    pub seconds: f64,
    /// Measured runs at most.
    pub most: Option<usize>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Round {
    /// From the start of the process to the first output, without reading the inputs.
    pub cold_ms: f64,
    pub report: Report,
    /// The most anonymous memory, less what the process had before it loaded the model.
    pub peak_bytes: Option<u64>,
}

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(500);

impl Engine {
    /// Runs a job; `memory` says whether its memory is watched, which disturbs its times.
    pub fn round(&self, job: &Job, memory: bool) -> Result<Round> {
        let began = Instant::now();
        let mut talk = Talk::start(self, job)?;
        talk.expect("up")?;
        let start_ms = if self.counts_start { ms(began.elapsed()) } else { 0.0 };
        talk.expect("idle")?;
        let watch =
            Watch { pid: talk.child.id(), peak_bytes: AtomicU64::new(0), done: AtomicBool::new(false) };
        let idle_bytes = watch.anonymous_bytes();
        std::thread::scope(|scope| {
            if memory {
                scope.spawn(|| watch.look());
            }
            let finished = talk.finish();
            watch.done.store(true, Ordering::Relaxed);
            let (to_first_ms, report) = finished?;
            let cold_ms = start_ms + report.library_ms + to_first_ms;
            let peak = watch.peak_bytes.load(Ordering::Relaxed);
            let peak_bytes = memory.then(|| peak.saturating_sub(idle_bytes));
            Ok(Round { cold_ms, report, peak_bytes })
        })
    }
}

/// A process that is talked with in lines.
struct Talk {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Talk {
    fn start(engine: &Engine, job: &Job) -> Result<Talk> {
        let mut command = Command::new(&engine.program);
        command.args(&engine.args).arg("--model").arg(&job.model).arg("--inputs").arg(&job.inputs);
        command.args(["--threads", &job.threads.to_string(), "--seconds", &job.seconds.to_string()]);
        if let Some(most) = job.most {
            command.args(["--most", &most.to_string()]);
        }
        if let Some(outputs) = &job.outputs {
            command.arg("--outputs").arg(outputs);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting {}", engine.program.display()))?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (to, from) = (to.context("no pipe")?, BufReader::new(from.context("no pipe")?));
        Ok(Talk { child, to, from })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            bail!("the engine's process ended early ({}); it says why above", self.child.wait()?);
        }
        Ok(line.trim_end().into())
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        match self.line()? {
            line if line == word => Ok(()),
            line => bail!("the engine's process said '{line}' in place of '{word}'"),
        }
    }

    /// Lets it load and run; gives the time up to the first output, and its report.
    fn finish(&mut self) -> Result<(f64, Report)> {
        let began = Instant::now();
        self.to.write_all(b"go\n")?;
        self.expect("first")?;
        let to_first_ms = ms(began.elapsed());
        let report = serde_json::from_str(&self.line()?)?;
        self.child.wait()?;
        Ok((to_first_ms, report))
    }
}

impl Drop for Talk {
    /// After an error it must not go on computing beside the next round.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Watches a process's memory from outside.
struct Watch {
    pid: u32,
    peak_bytes: AtomicU64,
    done: AtomicBool,
}

impl Watch {
    fn look(&self) {
        while !self.done.load(Ordering::Relaxed) {
            self.peak_bytes.fetch_max(self.anonymous_bytes(), Ordering::Relaxed);
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Zero once it has ended, or where the system does not tell.
    fn anonymous_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
