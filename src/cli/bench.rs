//! `edgewise bench`: how long loading and running take, and how much memory.

use super::dims::DimsArgs;
use super::inspect::{first_segment, weight_bytes};
use super::model::{DeviceArgs, ModelArgs, device_name};
use super::{Verdict, against, seeded, show};
use against::Engine as Peer;
use anyhow::Result;
use edgewise::{Session, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Without `--runs`: as many as this takes, but not fewer than the number below.
const ENOUGH: Duration = Duration::from_secs(2);
const FEWEST: usize = 5;

/// Measure loading, the first run, later runs, and memory
#[derive(clap::Args)]
#[command(after_help = "Examples:
  edgewise bench model.onnx --dims batch=1,seq=128 --threads 4
  edgewise bench model.onnx --dims batch=1 --threads 1 --against ort")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    dims: DimsArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// How many runs to measure after the first (two seconds' worth if left out)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// Other engines to compare with, in builds with the feature `peers`
    #[arg(long, value_enum, value_name = "PEER,…", value_delimiter = ',')]
    against: Vec<Peer>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    device: String,
    threads: usize,
    load_ms: f64,
    first_ms: f64,
    median_ms: f64,
    p95_ms: f64,
    runs: usize,
    /// The process's most; where the system does not tell, weights and planned memory.
    peak_bytes: u64,
    #[serde(skip)]
    planned_bytes: u64,
    /// Other engines, measured in turn with this one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    peers: BTreeMap<String, against::Peer>,
}

pub fn main(args: &Args) -> Result<Verdict> {
    let options = args.device.options()?;
    let device = device_name(options.device.as_ref());
    let began = Instant::now();
    let found = args.model.find()?;
    let session = found.load(options)?;
    let load_ms = show::ms(began.elapsed());

    let dims = args.dims.of(&session)?;
    let values = seeded::fill(&session, &dims, &[], 0)?;
    let arena_bytes = first_segment(&session, &dims)?.arena_bytes as u64;
    let planned_bytes = arena_bytes + weight_bytes(session.program().graph());
    let first_ms = timed(&session, &values)?;
    let times = measure(&session, &values, args.runs)?;
    let peers = against::measure(&args.against, &found, &values, session.threads())?;
    let report = Report {
        peers,
        model: found.name.clone(),
        device,
        threads: session.threads(),
        load_ms,
        first_ms,
        median_ms: quantile(&times, 0.5),
        p95_ms: quantile(&times, 0.95),
        runs: times.len(),
        peak_bytes: peak_resident_bytes().unwrap_or(planned_bytes),
        planned_bytes,
    };
    super::print(args.json, &report, || report.text())?;
    Ok(Verdict::Passed)
}

fn timed(session: &Session, values: &[(String, Value)]) -> Result<f64> {
    let named: Vec<(&str, Value)> = values.iter().map(|(name, v)| (name.as_str(), v.clone())).collect();
    let began = Instant::now();
    let outputs = session.run(&named)?;
    let ms = show::ms(began.elapsed());
    drop(outputs);
    Ok(ms)
}

/// Times of runs, sorted.
fn measure(session: &Session, values: &[(String, Value)], runs: Option<u32>) -> Result<Vec<f64>> {
    let began = Instant::now();
    let more = |done: usize| match runs {
        Some(runs) => done < runs as usize,
        None => done < FEWEST || began.elapsed() < ENOUGH,
    };
    let mut times = Vec::new();
    while more(times.len()) {
        times.push(timed(session, values)?);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// The time that a part `q` of the runs stayed below; between two of them where it falls there.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// The most memory that the process ever held, where the system tells.
fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

impl Report {
    fn text(&self) -> String {
        let row = |name: &str, value: String| format!("{name:<9} {value}\n");
        let ms = |ms: f64| format!("{ms:.3} ms");
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        [
            format!("{} on {} with {} {threads}\n", self.model, self.device, self.threads),
            row("load", ms(self.load_ms)),
            row("first run", ms(self.first_ms)),
            row("median", format!("{} of {} runs", ms(self.median_ms), self.runs)),
            row("p95", ms(self.p95_ms)),
            row(
                "memory",
                format!(
                    "{} at most, {} planned",
                    show::bytes(self.peak_bytes),
                    show::bytes(self.planned_bytes)
                ),
            ),
            self.peers.iter().map(|(name, peer)| row(name, peer.text())).collect(),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_runs() {
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(quantile(&[1.0, 2.0], 1.0), 2.0);
    }
}
