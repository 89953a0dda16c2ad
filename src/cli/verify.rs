//! `edgewise verify`: the same inputs on every device, and on an independent engine.
//!
//! What a reader would get wrong: the number of threads counts as a device here, since it must not change a
//! single bit.

use super::dims::DimsArgs;
use super::model::{Device, Found, ModelArgs, device_name};
use super::{Verdict, seeded, show};
use anyhow::{Result, ensure};
use clap::ValueEnum;
use edgewise::conformance::compare;
use edgewise::device::Device as AnyDevice;
use edgewise::optimize::Arithmetic;
use edgewise::{Options, Session, Stepwise, Tensor, Value, block_on};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// How far another engine's floats may be off: relative, absolute.
const TOLERANCE: (f64, f64) = (1e-3, 1e-4);

/// Run a model on several devices or engines and compare what comes out
#[derive(clap::Args)]
#[command(after_help = "Examples:
  edgewise verify digits
  edgewise verify model.onnx --against tract --dims batch=1")]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The devices to compare
    #[arg(long, value_enum, value_name = "DEVICE,…", value_delimiter = ',', default_value = "cpu")]
    devices: Vec<Device>,
    /// An independent engine to compare with, too
    #[arg(long, value_enum, value_name = "ENGINE")]
    against: Option<Engine>,
    /// Compare every step in place of the outputs
    #[arg(long)]
    stepwise: bool,
    #[command(flatten)]
    dims: DimsArgs,
    /// What the inputs depend on
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// An engine that is not ours.
#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    /// tract-onnx, in builds with the feature `tract`
    Tract,
}

#[derive(Serialize)]
struct Report {
    model: String,
    dims: BTreeMap<String, i64>,
    /// What the others are compared with.
    reference: String,
    devices: BTreeMap<String, Comparison>,
    passed: bool,
}

/// All outputs of one device.
#[derive(Serialize)]
struct Comparison {
    passed: bool,
    bit_equal: bool,
    max_abs_diff: f64,
    outputs: BTreeMap<String, Difference>,
}

/// One output.
#[derive(Serialize)]
struct Difference {
    bit_equal: bool,
    max_abs_diff: f64,
    /// Why it does not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Inputs by name.
type Inputs = [(String, Value)];

pub fn main(args: &Args) -> Result<Verdict> {
    let devices = args.devices.iter().filter_map(|d| d.open().transpose()).collect::<Result<Vec<_>>>()?;
    ensure!(!args.stepwise || !devices.is_empty(), "--stepwise compares two devices: --devices cpu,gpu");
    let found = args.model.find()?;
    let session = found.load(Options::default())?;
    let dims = args.dims.of(&session)?;
    let inputs = seeded::fill(&session, &dims, &[], args.seed)?;
    let reference = run(&session, &inputs)?;

    // On a machine with one processor the reference has one thread; four of them still share the work.
    let other = if session.threads() == 1 { 4 } else { 1 };
    let name = |threads: usize| format!("cpu, threads={threads}");
    let again = found.load(Options { threads: other, ..Options::default() })?;
    let again = run(&again, &inputs)?;
    let mut compared = BTreeMap::from([(name(other), Comparison::of(&session, &reference, &again, None))]);
    for device in devices {
        let options = Options { device: Some(device.clone()), ..Options::default() };
        let comparison = match args.stepwise {
            true => stepwise(&found, &inputs, &device)?,
            false => {
                let outputs = run(&found.load(options)?, &inputs)?;
                // Integers are the same everywhere; floats are not summed in the same order.
                let integer = session.coverage()?.arithmetic == Arithmetic::Integer;
                Comparison::of(&session, &reference, &outputs, (!integer).then_some(TOLERANCE))
            }
        };
        compared.insert(device_name(Some(&device)), comparison);
    }
    if let Some(Engine::Tract) = args.against {
        let outputs = tract(&found, &session, &inputs)?;
        compared.insert("tract".into(), Comparison::of(&session, &reference, &outputs, Some(TOLERANCE)));
    }
    let report = Report {
        model: found.name.clone(),
        dims: dims.all().clone(),
        reference: name(session.threads()),
        passed: compared.values().all(|d| d.passed),
        devices: compared,
    };
    super::print(args.json, &report, || report.text())?;
    Ok(if report.passed { Verdict::Passed } else { Verdict::Failed })
}

fn run(session: &Session, inputs: &Inputs) -> Result<Vec<Value>> {
    let named: Vec<(&str, Value)> = inputs.iter().map(|(name, v)| (name.as_str(), v.clone())).collect();
    Ok(session.run(&named)?)
}

/// Runs every step on the device for itself, on what the processor gives it, and compares what comes out.
fn stepwise(found: &Found, inputs: &Inputs, device: &Arc<dyn AnyDevice>) -> Result<Comparison> {
    let named: Vec<(&str, Value)> = inputs.iter().map(|(name, v)| (name.as_str(), v.clone())).collect();
    let model = block_on(Stepwise::load(found.source.clone(), &Options::default()))?;
    let mut outputs = BTreeMap::new();
    for step in block_on(model.run(&named, device))? {
        let Some(got) = &step.got else { continue };
        let tolerance = match step.exact {
            true => None,
            // Bytes that floats were rounded to may be one step off.
            false if step.expected.iter().all(|v| v.tensor().is_ok_and(|t| !t.dtype().is_float())) => {
                Some((0.0, 1.0))
            }
            false => Some(TOLERANCE),
        };
        for (i, (expected, got)) in step.expected.iter().zip(got).enumerate() {
            let name = format!("{} ({}), output {i}", step.node, step.op);
            outputs.insert(name, Difference::of(expected, got, tolerance));
        }
    }
    Ok(Comparison::over(outputs))
}

impl Comparison {
    fn over(outputs: BTreeMap<String, Difference>) -> Comparison {
        Comparison {
            passed: outputs.values().all(|d| d.error.is_none()),
            bit_equal: outputs.values().all(|d| d.bit_equal),
            max_abs_diff: outputs.values().map(|d| d.max_abs_diff).fold(0.0, f64::max),
            outputs,
        }
    }

    /// Holds outputs against the reference: every bit, or within a tolerance.
    fn of(
        session: &Session,
        reference: &[Value],
        got: &[Value],
        tolerance: Option<(f64, f64)>,
    ) -> Comparison {
        let outputs: BTreeMap<String, Difference> = session
            .outputs()
            .iter()
            .zip(reference.iter().zip(got))
            .map(|(port, (reference, got))| (port.name.clone(), Difference::of(reference, got, tolerance)))
            .collect();
        Comparison::over(outputs)
    }
}

impl Difference {
    fn of(reference: &Value, got: &Value, tolerance: Option<(f64, f64)>) -> Difference {
        let (a, b) = (show::tensors(reference), show::tensors(got));
        let pairs = || a.iter().zip(&b).map(|((_, a), (_, b))| (a, b));
        let bit_equal = a.len() == b.len() && pairs().all(|(a, b)| same_bits(a, b));
        let max_abs_diff = pairs().map(|(a, b)| max_abs_diff(a, b)).fold(0.0, f64::max);
        let error = match tolerance {
            None if bit_equal => None,
            None => Some("the bits differ".to_string()),
            Some(tolerance) => compare(reference, got, tolerance).err().map(|e| e.to_string()),
        };
        Difference { bit_equal, max_abs_diff, error }
    }
}

fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    let same = a.dtype() == b.dtype() && a.shape() == b.shape() && a.view().bytes() == b.view().bytes();
    // Strings have no bytes.
    same && a.view().strings().ok() == b.view().strings().ok()
}

/// Infinite where one is a number and the other is not.
fn max_abs_diff(a: &Tensor, b: &Tensor) -> f64 {
    let (a, b) = (show::numbers(a), show::numbers(b));
    let diff = |(a, b): (&f64, &f64)| match (a == b || (a.is_nan() && b.is_nan()), (a - b).abs()) {
        (true, _) => 0.0,
        (false, d) if d.is_nan() => f64::INFINITY,
        (false, d) => d,
    };
    a.iter().zip(&b).map(diff).fold(0.0, f64::max)
}

/// The outputs of tract-onnx.
#[cfg(feature = "tract")]
use super::tract::run as tract;

#[cfg(not(feature = "tract"))]
fn tract(_: &Found, _: &Session, _: &Inputs) -> Result<Vec<Value>> {
    anyhow::bail!("--against tract: this build does not have tract-onnx; build it with the feature 'tract'")
}

impl Report {
    fn text(&self) -> String {
        let mut out = format!("{}: compared with {}\n", self.model, self.reference);
        for (device, comparison) in &self.devices {
            let verdict = if comparison.passed { "passed" } else { "failed" };
            let _ = writeln!(out, "{device}: {verdict}");
            for (name, difference) in &comparison.outputs {
                let equal = match difference.bit_equal {
                    true => "bit-equal".to_string(),
                    false => format!("differs by at most {}", show::short(difference.max_abs_diff)),
                };
                let error = difference.error.as_ref().map(|e| format!("; {e}")).unwrap_or_default();
                let _ = writeln!(out, "  {name}: {equal}{error}");
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(x: &[f32]) -> Value {
        Tensor::new(&[x.len()], x).unwrap().into()
    }

    #[test]
    fn differences_are_seen_to_the_bit() {
        let a = value(&[1.0, f32::NAN, 0.0]);
        let same = Difference::of(&a, &a, None);
        assert!(same.bit_equal && same.max_abs_diff == 0.0 && same.error.is_none());
        let zero = Difference::of(&a, &value(&[1.0, f32::NAN, -0.0]), None);
        assert!(!zero.bit_equal && zero.max_abs_diff == 0.0 && zero.error.is_some());
        let near = Difference::of(&a, &value(&[1.00001, f32::NAN, 0.0]), Some(TOLERANCE));
        assert!(!near.bit_equal && near.max_abs_diff > 0.0 && near.error.is_none());
        let nan = Difference::of(&a, &value(&[f32::NAN, f32::NAN, 0.0]), Some(TOLERANCE));
        assert!(nan.max_abs_diff.is_infinite() && nan.error.is_some());
    }
}
