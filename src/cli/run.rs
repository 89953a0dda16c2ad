//! `edgewise run`: a model on inputs, and what came out.

use super::dims::DimsArgs;
use super::model::{DeviceArgs, Found, ModelArgs, device_name};
use super::show::{self, Summary, TOP};
use super::{Verdict, files, output, seeded};
use anyhow::{Result, bail};
use edgewise::models::{npy, package::Class};
use edgewise::run::Profile;
use edgewise::{RunOptions, Session, Value};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run a model on inputs and show what comes out
#[derive(clap::Args)]
#[command(after_help = "Examples:
  edgewise run digits examples/digits/three.png
  edgewise run model.onnx --input ids=ids.npy --input mask=mask.npy --out answers
  edgewise run model.onnx --random --dims batch=2,seq=16")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Files for the inputs in order: .npy, .npz, .pb, .json, .txt, or pictures for a package
    #[arg(value_name = "INPUT")]
    files: Vec<PathBuf>,
    /// A file for the input of that name
    #[arg(long = "input", value_name = "NAME=FILE", value_parser = named_file)]
    named: Vec<(String, PathBuf)>,
    /// Make up the inputs that are not given
    #[arg(long)]
    random: bool,
    /// What made-up inputs depend on
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    dims: DimsArgs,
    #[command(flatten)]
    device: DeviceArgs,
    /// Write the outputs into this folder as .npy files
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write a trace of every step, for Chrome or Perfetto
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    device: String,
    threads: usize,
    ms: f64,
    outputs: Vec<Output>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    samples: Vec<Sample>,
}

#[derive(Serialize)]
struct Output {
    name: String,
    #[serde(flatten)]
    summary: Summary,
}

/// One sample of a batch: the classes that it may belong to.
#[derive(Serialize)]
struct Sample {
    name: String,
    label: String,
    top: Vec<Likely>,
    #[serde(skip)]
    classes: Vec<Class>,
}

#[derive(Serialize)]
struct Likely {
    label: String,
    index: usize,
    probability: f32,
}

pub fn main(args: &Args) -> Result<Verdict> {
    let found = args.model.find()?;
    let options = args.device.options()?;
    let device = device_name(options.device.as_ref());
    let session = found.load(options)?;
    let inputs = files::read(&session, found.package.as_ref(), &args.files, &args.named)?;
    let values = complete(args, &session, inputs.values)?;

    let profile = args.profile.as_ref().map(|_| Profile::default());
    let named: Vec<(&str, Value)> = values.iter().map(|(name, v)| (name.as_str(), v.clone())).collect();
    let began = Instant::now();
    let options = RunOptions { profile: profile.as_ref(), ..RunOptions::default() };
    let (outputs, _) = session.run_with(&named, &options).map_err(|e| e.in_file(&found.name))?;
    let ms = show::ms(began.elapsed());

    if let (Some(file), Some(profile)) = (&args.profile, &profile) {
        output::write(file, profile.trace().as_bytes())?;
    }
    if let Some(folder) = &args.out {
        write(folder, &session, &outputs)?;
    }
    let report = Report {
        model: found.name.clone(),
        variant: found.variant.clone(),
        device,
        threads: session.threads(),
        ms,
        samples: samples(&found, &session, &outputs, &inputs.pictures),
        outputs: summaries(&session, &outputs),
    };
    super::print(args.json, &report, || report.text())?;
    Ok(Verdict::Passed)
}

/// The inputs with made-up ones for what is missing, if the caller wants that.
fn complete(args: &Args, session: &Session, given: Vec<(String, Value)>) -> Result<Vec<(String, Value)>> {
    if args.random {
        return seeded::fill(session, &args.dims.of(session)?, &given, args.seed);
    }
    args.dims.of(session)?;
    let is_given = |name: &str| given.iter().any(|(given, _)| given == name);
    let missing: Vec<String> = session
        .inputs()
        .iter()
        .filter(|port| !is_given(&port.name))
        .map(|port| format!("{} ({})", port.name, port.fact))
        .collect();
    if !missing.is_empty() {
        bail!(
            "{}: inputs are missing: {}; give files for them (--input NAME=FILE), or --random to make them up",
            args.model.model,
            missing.join(", ")
        );
    }
    Ok(given)
}

fn write(folder: &Path, session: &Session, outputs: &[Value]) -> Result<()> {
    let mut pending = output::Pending::in_folder(folder)?;
    for (port, value) in session.outputs().iter().zip(outputs) {
        for (suffix, tensor) in show::tensors(value) {
            let name = output::file_name(&format!("{}{suffix}", port.name));
            pending.write(&folder.join(format!("{name}.npy")), &npy::write(&tensor)?)?;
        }
    }
    pending.finish()
}

fn summaries(session: &Session, outputs: &[Value]) -> Vec<Output> {
    let all = session.outputs().iter().zip(outputs).flat_map(|(port, value)| {
        show::tensors(value).into_iter().map(|(suffix, tensor)| Output {
            name: format!("{}{suffix}", port.name),
            summary: Summary::of(&tensor),
        })
    });
    all.collect()
}

fn samples(found: &Found, session: &Session, outputs: &[Value], pictures: &[PathBuf]) -> Vec<Sample> {
    let Some(package) = &found.package else { return Vec::new() };
    let classes = session.outputs().iter().zip(outputs).find_map(|(port, value)| match value {
        Value::Tensor(tensor) => package.classes(&port.name, tensor),
        _ => None,
    });
    let sample = |(i, classes): (usize, Vec<Class>)| {
        let name = pictures.get(i).map_or_else(|| format!("sample {i}"), |p| p.display().to_string());
        let likely =
            |c: &Class| Likely { label: c.label.clone(), index: c.index, probability: c.probability };
        let label = classes.first().map(|c| c.label.clone()).unwrap_or_default();
        Sample { name, label, top: classes.iter().take(TOP).map(likely).collect(), classes }
    };
    classes.into_iter().flatten().enumerate().map(sample).collect()
}

impl Report {
    fn text(&self) -> String {
        let mut out = String::new();
        for sample in &self.samples {
            let _ = writeln!(out, "{}: {}\n{}", sample.name, sample.label, show::bars(&sample.classes));
        }
        if self.samples.is_empty() {
            for output in &self.outputs {
                let _ = writeln!(out, "{}: {}", output.name, output.summary.text());
            }
        }
        let variant = self.variant.as_ref().map(|v| format!(" ({v})")).unwrap_or_default();
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        let _ = writeln!(
            out,
            "{}{variant} on {} with {} {threads}, {:.2} ms",
            self.model, self.device, self.threads, self.ms
        );
        out
    }
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.into(), file.into())),
        _ => Err(format!("expected NAME=FILE, got '{text}'")),
    }
}
