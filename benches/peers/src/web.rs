//! Engines in Chromium: a driver opens a fresh page for every round.

use crate::setup::{Browser, package};
use anyhow::{Context, Result, bail, ensure};
use edgewise_bench_runner::Tensor;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The driver and the browser that it keeps.
pub struct Driver {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

/// What the builds of our module that have threads are called at the end.
const THREADS: &str = "-threads";

/// The build of our module that runs on the browser's GPU.
pub const GPU_BUILD: &str = "relaxed";

/// What a page calls the browser's GPU.
pub const GPU: &str = "gpu";

/// Whether a build has threads.
pub fn has_threads(build: &str) -> bool {
    build.ends_with(THREADS)
}

/// Which build runs on so many threads: `build`, unless it takes the best one that has them.
pub fn build_for(build: &str, threads: usize) -> &str {
    if threads > 1 && !has_threads(build) { "relaxed-threads" } else { build }
}

/// What a page does. The names are those that driver.mjs and page.html take.
#[derive(Clone, Debug, Serialize)]
pub struct Job<'a> {
    /// `edgewise`, `edgewise-worker`, `ort-web` or `ort-web-gpu`: a script beside the page.
    pub engine: &'a str,
    /// The build of our module.
    pub build: &'a str,
    /// The instruction set that our module uses; the best where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isa: Option<&'a str>,
    /// `gpu` for the browser's GPU; the processor where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<&'a str>,
    /// A file in the folder of models.
    pub model: &'a str,
    /// A folder in the folder of inputs.
    pub inputs: &'a str,
    pub threads: usize,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
    /// Whether the outputs come back.
    pub outputs: bool,
    /// Whether a trace of one run comes back; our own engine makes it.
    pub profile: bool,
}

/// What came of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// Of our own engine: the instruction set that it used, and the threads that it had.
    pub isa: Option<String>,
    pub threads: Option<usize>,
    /// Of our own engine: the GPU that it used, and what the latest run did.
    pub gpu: Option<Gpu>,
    /// What reached the browser's GPU in one run.
    pub calls: Option<Calls>,
    /// What a script says that tests something.
    pub lines: Option<Vec<String>>,
    /// From navigation to the first output.
    pub cold_ms: f64,
    pub first_ms: f64,
    pub wall_ms: Vec<f64>,
    /// What the page's process computed, per run.
    pub cpu_ms: f64,
    pub outputs: Option<Vec<Output>>,
    pub profile: Option<String>,
}

/// The GPU of our own engine, and what a run did.
#[derive(Clone, Debug, Deserialize)]
pub struct Gpu {
    pub name: String,
    pub features: Vec<String>,
    /// Kernel calls on the processor and on the GPU.
    pub steps: usize,
    pub launches: usize,
    /// Tensors that went there and came back.
    pub uploads: usize,
    pub downloads: usize,
}

/// Calls of WebGPU.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Calls {
    pub dispatches: usize,
    pub submits: usize,
    pub uploads: usize,
    pub downloads: usize,
}

/// What makes Chromium have a GPU where the machine has none: one in software.
pub const SOFTWARE_GPU: [&str; 3] =
    ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];

/// An output; the bytes as base64.
#[derive(Clone, Debug, Deserialize)]
pub struct Output {
    pub name: String,
    pub dtype: String,
    pub dims: Vec<usize>,
    pub bytes: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Error { error: String },
    Round(Box<Round>),
}

impl Driver {
    /// Starts the driver and the browser, the latter with some arguments of its own.
    pub fn start(browser: &Browser, models: &Path, inputs: &Path, own: &[&str]) -> Result<Driver> {
        let mut command = Command::new("node");
        command.arg(package().join("web/driver.mjs")).arg(&browser.chromium).arg(&browser.npm);
        command.arg(&browser.ours).arg(models).arg(inputs).args(own);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting node")?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let mut driver = Driver { child, to, from: BufReader::new(from.context("no pipe")?) };
        match driver.line()?.as_str() {
            "ready" => Ok(driver),
            _ => bail!("the browser could not be started; the driver says why above"),
        }
    }

    /// Empty if the driver has ended.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }

    /// Runs a job in a fresh page.
    pub fn round(&mut self, job: &Job) -> Result<Round> {
        let to = self.to.as_mut().context("the driver has ended")?;
        writeln!(to, "{}", serde_json::to_string(job)?).context("the driver has ended")?;
        let line = self.line()?;
        match serde_json::from_str(&line).with_context(|| format!("the driver said '{line}'"))? {
            Answer::Error { error } => bail!("{error}"),
            Answer::Round(round) => Ok(*round),
        }
    }
}

impl Round {
    /// An error unless a script that tests something says of each of its cases that it is `ok`.
    pub fn all_is_well(&self) -> Result<()> {
        let lines = self.lines.as_deref().context("the page says nothing")?;
        let wrong: Vec<&str> =
            lines.iter().map(String::as_str).filter(|line| !line.ends_with(": ok")).collect();
        ensure!(wrong.is_empty() && !lines.is_empty(), "of {} cases: {}", lines.len(), wrong.join("\n"));
        Ok(())
    }

    /// The outputs; an error if they were not asked for.
    pub fn tensors(&self) -> Result<Vec<Tensor>> {
        let outputs = self.outputs.as_ref().context("the page gave no outputs")?;
        let tensor = |o: &Output| -> Result<Tensor> {
            let bytes = base64(&o.bytes).with_context(|| format!("'{}' is not base64", o.name))?;
            Ok(Tensor { name: o.name.clone(), dtype: o.dtype.clone(), dims: o.dims.clone(), bytes })
        };
        outputs.iter().map(tensor).collect()
    }
}

/// Bytes from base64, as browsers write it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| {
        Some(match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        })
    };
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let bits = group.iter().try_fold(0u32, |bits, c| Some(bits << 6 | u32::from(digit(*c)?)))?;
        let bits = bits << (6 * (4 - group.len()));
        let made = bits.to_be_bytes();
        bytes.extend_from_slice(made.get(1..group.len())?);
    }
    Some(bytes)
}

impl Drop for Driver {
    /// The driver ends, and with it the browser, when nobody talks to it anymore.
    fn drop(&mut self) {
        self.to = None;
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        let pairs = [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob")];
        for (text, want) in pairs {
            assert_eq!(base64(text).unwrap(), want.as_bytes(), "{text}");
        }
        assert_eq!(base64("/+8="), Some(vec![255, 239]));
        assert_eq!(base64("Zm9*"), None);
    }
}
