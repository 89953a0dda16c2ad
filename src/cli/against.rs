//! `bench --against`: other engines on the same model and inputs, in turn with this one.

use super::model::Found;
use super::show;
use anyhow::{Context, Result};
use edgewise::{Value, block_on};
use edgewise_bench::measure::{Figures, Job, Outcome, rounds};
use edgewise_bench::ours::Edgewise;
pub use edgewise_bench::peer::Peer as Engine;
use edgewise_bench::web::Driver;
use edgewise_bench::{ENGINE, peer, setup};
use edgewise_bench_runner::{Tensor, write_folder};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Fresh processes or pages of every engine, and how long each of them runs.
const ROUNDS: usize = 5;
const SECONDS: f64 = 1.0;
/// Our module for Chromium.
const BUILD: &str = "relaxed";

/// What an engine measured beside ours.
#[derive(Serialize)]
pub struct Peer {
    #[serde(flatten)]
    figures: Figures,
    /// Our median, in the same rounds, over this engine's.
    ratio: f64,
    /// The same of the time from the start of the process to the first output.
    cold_ratio: f64,
}

/// If the program was started as one of the processes that are measured: what that came to.
pub fn as_engine() -> Option<ExitCode> {
    let mut args = std::env::args().skip(1);
    if args.next()? != ENGINE {
        return None;
    }
    Some(match edgewise_bench_runner::run::<Edgewise>(&mut args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    })
}

/// Sets the engines up and measures them; an engine that fails is an error.
pub fn measure(
    engines: &[Engine],
    found: &Found,
    inputs: &[(String, Value)],
    threads: usize,
) -> Result<BTreeMap<String, Peer>> {
    if engines.is_empty() {
        return Ok(BTreeMap::new());
    }
    let folder = setup::home().join("inputs");
    let tensors = inputs.iter().map(tensor).collect::<Result<Vec<_>>>()?;
    write_folder(&folder.join("bench"), &tensors)?;
    let model = file(found)?;
    let models = model.parent().unwrap_or(Path::new("/"));
    let name =
        model.file_name().and_then(|name| name.to_str()).context("the model's file has no plain name")?;
    let job = Job { models, model: name, inputs: &folder, input: "bench", threads, seconds: SECONDS };

    let mut sides = Vec::new();
    if engines.iter().any(|engine| *engine != Engine::OrtWeb) {
        sides.push(peer::native(engines)?);
    }
    if engines.contains(&Engine::OrtWeb) {
        let driver = Driver::start(&setup::browser(BUILD, false)?, models, &folder)?;
        sides.push(peer::web(engines, BUILD, driver));
    }
    let mut peers = BTreeMap::new();
    for runners in sides {
        let mut outcomes = runners.iter().zip(rounds(&runners, &job, ROUNDS, |_| {}));
        let done = |(runner, outcome): (&edgewise_bench::measure::Runner, Outcome)| {
            outcome.map_err(|error| anyhow::anyhow!("{}: {error}", runner.name))
        };
        let ours = done(outcomes.next().context("nobody ran")?)?;
        for outcome in outcomes {
            let figures = done(outcome)?;
            let ratio = |figure| ours.ratio(&figures, figure).map_or(f64::NAN, |ratio| ratio.median);
            let (ratio, cold_ratio) = (ratio(|s| s.wall_ms), ratio(|s| s.cold_ms));
            peers.insert(figures.engine.clone(), Peer { figures, ratio, cold_ratio });
        }
    }
    Ok(peers)
}

fn tensor((name, value): &(String, Value)) -> Result<Tensor> {
    let tensor =
        value.tensor().with_context(|| format!("input '{name}' cannot be given to other engines"))?;
    Ok(Tensor {
        name: name.clone(),
        dtype: tensor.dtype().to_string(),
        dims: tensor.shape().to_vec(),
        bytes: tensor.view().bytes().to_vec(),
    })
}

/// The model as a file, which other engines want.
fn file(found: &Found) -> Result<PathBuf> {
    let path = Path::new(&found.name);
    if path.is_file() {
        return Ok(path.canonicalize()?);
    }
    let mut bytes = vec![0; usize::try_from(found.source.len())?];
    block_on(found.source.read(0, &mut bytes))?;
    let path = setup::home().join("package.onnx");
    std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    Ok(path)
}

impl Peer {
    pub fn text(&self) -> String {
        let f = &self.figures;
        format!(
            "{} ms, ours over it {}; cold start {} ms, ours over it {}",
            show::short(f.wall_ms.median),
            show::short(self.ratio),
            show::short(f.cold_ms.median),
            show::short(self.cold_ratio)
        )
    }
}
