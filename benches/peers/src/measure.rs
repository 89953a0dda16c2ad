//! Rounds: every engine once, then every engine again, each time from scratch, so that whatever else the machine
//! does falls on all of them alike.

use crate::process::{self, Engine};
use crate::stats::{Spread, median};
use crate::web::{self, Calls, Driver};
use anyhow::{Context, Result};
use serde::Serialize;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

/// Runs that a process makes while its memory is watched.
const MEMORY_RUNS: usize = 10;

/// An engine and where it runs.
pub struct Runner {
    pub name: String,
    pub how: How,
}

/// Where an engine runs.
pub enum How {
    /// In a process of its own.
    Process(Engine),
    /// In a page of its own, in a browser that the pages share.
    Page { driver: Rc<RefCell<Driver>>, build: String, script: &'static str, device: Option<&'static str> },
}

/// What every engine runs.
pub struct Job<'a> {
    pub models: &'a Path,
    pub model: &'a str,
    pub inputs: &'a Path,
    /// A folder in `inputs`.
    pub input: &'a str,
    pub threads: usize,
    pub seconds: f64,
}

/// One engine's figures; spreads are over rounds.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub engine: String,
    pub cold_ms: Spread,
    pub first_ms: Spread,
    /// Of each round's median.
    pub wall_ms: Spread,
    /// On the processors, all threads together.
    pub cpu_ms: Spread,
    /// Anonymous memory at its most, less an empty process's.
    pub peak_bytes: Option<u64>,
    /// What one run asked of a GPU.
    pub calls: Option<Calls>,
    pub rounds: Vec<Sample>,
}

/// One round of one engine.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    pub cold_ms: f64,
    pub first_ms: f64,
    pub wall_ms: f64,
    pub cpu_ms: f64,
    #[serde(skip)]
    pub calls: Option<Calls>,
}

/// An engine's figures, or why there are none.
pub type Outcome = Result<Figures, String>;

/// Runs so many rounds. An engine that fails is left out from then on.
pub fn rounds(runners: &[Runner], job: &Job, count: usize, mut tick: impl FnMut(&str)) -> Vec<Outcome> {
    let mut samples: Vec<Result<Vec<Sample>, String>> = runners.iter().map(|_| Ok(Vec::new())).collect();
    for round in 0..count {
        // Neither is always the one that finds the caches warm.
        let order = 0..runners.len();
        let order: Vec<usize> = if round % 2 == 0 { order.collect() } else { order.rev().collect() };
        for i in order {
            tick(&runners[i].name);
            let Ok(done) = &mut samples[i] else { continue };
            match runners[i].round(job) {
                Ok(sample) => done.push(sample),
                Err(error) => samples[i] = Err(format!("{error:#}")),
            }
        }
    }
    let figures = |(runner, samples): (&Runner, Result<Vec<Sample>, String>)| {
        let peak_bytes = samples.as_ref().ok().and_then(|_| runner.peak_bytes(job).transpose());
        let peak_bytes = peak_bytes.transpose().map_err(|e| format!("{e:#}"))?;
        Figures::of(&runner.name, samples?, peak_bytes).ok_or_else(|| "no rounds".to_string())
    };
    runners.iter().zip(samples).map(figures).collect()
}

impl Runner {
    fn round(&self, job: &Job) -> Result<Sample> {
        match &self.how {
            How::Process(engine) => {
                let round = engine.round(&job.process(None), false)?;
                let middle = |times: &[f64]| median(times).context("no runs were measured");
                Ok(Sample {
                    cold_ms: round.cold_ms,
                    first_ms: round.report.first_ms,
                    wall_ms: middle(&round.report.wall_ms)?,
                    cpu_ms: middle(&round.report.cpu_ms)?,
                    calls: None,
                })
            }
            How::Page { driver, build, script, device } => {
                let round = driver.borrow_mut().round(&web::Job {
                    engine: script,
                    build: web::build_for(build, job.threads),
                    isa: None,
                    device: *device,
                    model: job.model,
                    inputs: job.input,
                    threads: job.threads,
                    seconds: job.seconds,
                    most: None,
                    outputs: false,
                    profile: false,
                })?;
                Ok(Sample {
                    cold_ms: round.cold_ms,
                    first_ms: round.first_ms,
                    wall_ms: median(&round.wall_ms).context("no runs were measured")?,
                    cpu_ms: round.cpu_ms,
                    calls: round.calls,
                })
            }
        }
    }

    /// In a process that is not timed.
    fn peak_bytes(&self, job: &Job) -> Result<Option<u64>> {
        match &self.how {
            How::Process(engine) => Ok(engine.round(&job.process(Some(MEMORY_RUNS)), true)?.peak_bytes),
            How::Page { .. } => Ok(None),
        }
    }
}

impl Job<'_> {
    fn process(&self, most: Option<usize>) -> process::Job {
        process::Job {
            model: self.models.join(self.model),
            inputs: self.inputs.join(self.input),
            outputs: None,
            threads: self.threads,
            seconds: self.seconds,
            most,
        }
    }
}

impl Figures {
    fn of(engine: &str, rounds: Vec<Sample>, peak_bytes: Option<u64>) -> Option<Figures> {
        let spread = |figure: fn(&Sample) -> f64| Spread::of(&rounds.iter().map(figure).collect::<Vec<_>>());
        Some(Figures {
            engine: engine.into(),
            cold_ms: spread(|s| s.cold_ms)?,
            first_ms: spread(|s| s.first_ms)?,
            wall_ms: spread(|s| s.wall_ms)?,
            cpu_ms: spread(|s| s.cpu_ms)?,
            peak_bytes,
            calls: rounds.last().and_then(|sample| sample.calls),
            rounds,
        })
    }

    /// Our figure over a peer's: the ratio of the medians, and the spread of the rounds' own ratios.
    pub fn ratio(&self, peer: &Figures, figure: fn(&Sample) -> f64) -> Option<Ratio> {
        let ours: Vec<f64> = self.rounds.iter().map(figure).collect();
        let theirs: Vec<f64> = peer.rounds.iter().map(figure).collect();
        let pairs: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
        let spread = Spread::of(&pairs)?;
        Some(Ratio { median: median(&ours)? / median(&theirs)?, p25: spread.p25, p75: spread.p75 })
    }
}

/// A ratio and its spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    pub median: f64,
    pub p25: f64,
    pub p75: f64,
}
