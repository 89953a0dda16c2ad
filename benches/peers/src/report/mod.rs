//! What the figures are written as: JSON with everything, a table for people, a chart.

mod chart;
mod gpu;
mod table;

pub use chart::chart;
pub use table::table;

use crate::case::{Case, Place, cold_goal};
use crate::measure::{Figures, Outcome, Ratio, Sample};
use serde::Serialize;

/// One case in one place with so many threads; our own engine comes first.
#[derive(Serialize)]
pub struct Row {
    pub case: &'static str,
    pub place: Place,
    pub threads: usize,
    /// What the ratio of run times to the place's onnxruntime should be, and that of cold starts.
    pub goal: f64,
    pub cold_goal: f64,
    pub engines: Vec<Entry>,
}

/// An engine in a row.
#[derive(Serialize)]
pub struct Entry {
    pub engine: String,
    #[serde(flatten)]
    pub figures: Option<Figures>,
    pub error: Option<String>,
    /// Our times over this engine's.
    pub ratios: Option<Ratios>,
}

/// Our figures over a peer's.
#[derive(Serialize)]
pub struct Ratios {
    pub wall: Ratio,
    pub cpu: Ratio,
    pub cold: Ratio,
    pub peak: Option<f64>,
    /// Of dispatches on a GPU.
    pub dispatches: Option<f64>,
}

/// Where and how everything was measured.
#[derive(Serialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub system: String,
    pub rounds: usize,
    pub seconds: f64,
    /// Names and versions of the engines.
    pub engines: Vec<String>,
}

/// Everything.
#[derive(Serialize)]
pub struct Report {
    pub machine: Machine,
    pub rows: Vec<Row>,
}

/// More threads scale a little worse: what the goal is then multiplied by.
const THREADS_SLACK: f64 = 1.05;

impl Row {
    /// Puts outcomes beside each other; the first is ours.
    pub fn new(case: &Case, place: Place, threads: usize, names: &[String], outcomes: Vec<Outcome>) -> Row {
        let goal = case.goal(place).unwrap_or(f64::NAN);
        let ours = outcomes.first().and_then(|o| o.as_ref().ok()).cloned();
        let entry = |(name, outcome): (&String, Outcome)| {
            let (figures, error) = match outcome {
                Ok(figures) => (Some(figures), None),
                Err(error) => (None, Some(error)),
            };
            let ratios = ours.as_ref().zip(figures.as_ref()).and_then(|(a, b)| Ratios::of(a, b));
            Entry { engine: name.clone(), figures, error, ratios }
        };
        Row {
            case: case.name,
            place,
            threads,
            goal: if threads == 1 { goal } else { goal * THREADS_SLACK },
            cold_goal: cold_goal(place),
            engines: names.iter().zip(outcomes).map(entry).collect(),
        }
    }
}

impl Ratios {
    fn of(ours: &Figures, peer: &Figures) -> Option<Ratios> {
        let figure = |f: fn(&Sample) -> f64| ours.ratio(peer, f);
        Some(Ratios {
            wall: figure(|s| s.wall_ms)?,
            cpu: figure(|s| s.cpu_ms)?,
            cold: figure(|s| s.cold_ms)?,
            dispatches: ours
                .calls
                .zip(peer.calls)
                .map(|(a, b)| a.dispatches as f64 / b.dispatches.max(1) as f64),
            peak: ours.peak_bytes.zip(peer.peak_bytes).map(|(a, b)| a as f64 / b.max(1) as f64),
        })
    }
}

impl Machine {
    /// This one, now.
    pub fn here(rounds: usize, seconds: f64, engines: Vec<String>) -> Machine {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        Machine {
            processor: model.unwrap_or(std::env::consts::ARCH).into(),
            processors: std::thread::available_parallelism().map_or(1, |n| n.get()),
            system: std::env::consts::OS.into(),
            rounds,
            seconds,
            engines,
        }
    }
}
