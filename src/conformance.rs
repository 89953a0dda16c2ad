//! Runs cases in the layout of ONNX's backend tests and compares what comes out.
//!
//! A case is a folder with `model.onnx`, `test_data_set_N/{input,output}_K.pb`, and optionally `tol.txt`
//! with `rtol atol`. Integers, booleans and strings must be equal (unless `atol` is at least 1: a step of
//! quantization), NaN equals NaN.

use crate::run::Cost;
use crate::{DType, ErrorKind, MapKeys, Options, Result, RunOptions, Session, Tensor, Value, err, onnx};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every output agreed.
    Passed,
    /// It did not run, or an output differed.
    Failed(String),
}

/// Of one case.
#[derive(Clone, Debug)]
pub struct Report {
    /// The folder's name.
    pub name: String,
    /// The operators of the model, by how often they occur.
    pub operators: BTreeMap<String, usize>,
    /// Whether the device ran all of them; the processor does where there is no other.
    pub on_device: bool,
    /// What became of it.
    pub outcome: Outcome,
}

/// The case folders at or below a folder, in order.
pub fn find_cases(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(folder) = open.pop() {
        if folder.join("model.onnx").is_file() {
            found.push(folder);
            continue;
        }
        let entries =
            std::fs::read_dir(&folder).map_err(|e| crate::Error::from(e).in_file(folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Runs one case.
pub fn run_case(dir: &Path, options: &Options) -> Report {
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut report = Report { name, operators: BTreeMap::new(), on_device: true, outcome: Outcome::Passed };
    if let Err(e) = run(dir, options, &mut report) {
        report.outcome = Outcome::Failed(e.to_string());
    }
    report
}

fn run(dir: &Path, options: &Options, report: &mut Report) -> Result<()> {
    let session = Session::open(dir.join("model.onnx"), options.clone())?;
    for node in &session.program().graph().nodes {
        *report.operators.entry(node.op_name.clone()).or_default() += 1;
    }
    let tolerance = tolerance(dir)?;
    let mut sets = 0;
    for n in 0.. {
        let set = dir.join(format!("test_data_set_{n}"));
        if !set.is_dir() {
            break;
        }
        let cost = run_set(&set, &session, tolerance)?;
        report.on_device &= options.device.is_none() || (cost.launches > 0 && cost.steps == 0);
        sets += 1;
    }
    crate::ensure!(sets > 0, NotFound, "{} has no test_data_set_0", dir.display());
    Ok(())
}

fn tolerance(dir: &Path) -> Result<(f64, f64)> {
    let Ok(text) = std::fs::read_to_string(dir.join("tol.txt")) else { return Ok((1e-3, 1e-7)) };
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|t| t.parse().ok()).collect();
    match numbers[..] {
        [rtol, atol] => Ok((rtol, atol)),
        _ => {
            Err(err!(Io, "expected two numbers, got '{}'", text.trim())
                .in_file(dir.join("tol.txt").display()))
        }
    }
}

fn run_set(set: &Path, session: &Session, tolerance: (f64, f64)) -> Result<Cost> {
    let read = |kind: &str, i: usize, port: &crate::Port| -> Result<Option<Value>> {
        let path = set.join(format!("{kind}_{i}.pb"));
        match std::fs::read(&path) {
            Ok(bytes) => onnx::read_value(&path.display().to_string(), &bytes, &port.fact.kind).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(crate::Error::from(e).in_file(path.display())),
        }
    };
    let mut inputs = Vec::new();
    for (i, port) in session.inputs().iter().enumerate() {
        if let Some(value) = read("input", i, port)? {
            inputs.push((port.name.as_str(), value));
        }
    }
    let (outputs, cost) = session.run_with(&inputs, &RunOptions::default())?;
    for (i, (port, got)) in session.outputs().iter().zip(&outputs).enumerate() {
        let Some(expected) = read("output", i, port)? else { continue };
        compare(&expected, got, tolerance)
            .map_err(|e| err!(InvalidInput, "output '{}': {}", port.name, e.what()))?;
    }
    Ok(cost)
}

/// An error that says where two values differ.
pub fn compare(expected: &Value, got: &Value, tolerance: (f64, f64)) -> Result<()> {
    let differ = |what: String| Err(crate::Error::new(ErrorKind::InvalidInput, what));
    match (expected, got) {
        (Value::Tensor(a), Value::Tensor(b)) => compare_tensors(a, b, tolerance),
        (Value::Sequence(_, a), Value::Sequence(_, b)) if a.len() == b.len() => {
            a.iter().zip(b).try_for_each(|(a, b)| compare(a, b, tolerance))
        }
        (Value::Optional(_, Some(a)), Value::Optional(_, Some(b))) => compare(a, b, tolerance),
        (Value::Optional(_, None), Value::Optional(_, None)) => Ok(()),
        (Value::Map(a), Value::Map(b)) => {
            let same = match (&a.keys, &b.keys) {
                (MapKeys::Ints(a), MapKeys::Ints(b)) => a == b,
                (MapKeys::Strings(a), MapKeys::Strings(b)) => a == b,
                _ => false,
            };
            if !same {
                return differ(format!("expected the keys {:?}, got {:?}", a.keys, b.keys));
            }
            compare_tensors(&a.values, &b.values, tolerance)
        }
        _ => differ(format!("expected {expected:?}, got {got:?}")),
    }
}

fn compare_tensors(expected: &Tensor, got: &Tensor, (rtol, atol): (f64, f64)) -> Result<()> {
    let differ = |what: String| Err(crate::Error::new(ErrorKind::InvalidInput, what));
    if expected.dtype() != got.dtype() || expected.shape() != got.shape() {
        return differ(format!("expected {expected:?}, got {got:?}"));
    }
    if expected.dtype() == DType::Str {
        let (a, b) = (expected.view(), got.view());
        return if a.strings()? == b.strings()? {
            Ok(())
        } else {
            differ(format!("expected {:?}, got {:?}", a.strings()?, b.strings()?))
        };
    }
    let exact =
        !expected.dtype().is_float() && atol < 1.0 && !matches!(expected.dtype(), DType::C64 | DType::C128);
    let (a, b) = (numbers(expected)?, numbers(got)?);
    let wrong = |(&a, &b): (&f64, &f64)| match (a.is_nan(), b.is_nan()) {
        (true, true) => false,
        (true, false) | (false, true) => true,
        _ if a == b => false,
        _ => exact || (a - b).abs() > atol + rtol * a.abs() || (a - b).abs().is_nan(),
    };
    let count = a.iter().zip(&b).filter(|&pair| wrong(pair)).count();
    match a.iter().zip(&b).enumerate().find(|(_, pair)| wrong(*pair)) {
        None => Ok(()),
        Some((i, (a, b))) => differ(format!(
            "{count} of {} elements of {expected:?} differ; first at {i}: expected {a}, got {b}",
            expected.len()
        )),
    }
}

/// Elements as f64; 64-bit integers that f64 cannot hold are compared by their halves.
fn numbers(t: &Tensor) -> Result<Vec<f64>> {
    let view = t.view();
    Ok(match t.dtype() {
        DType::F64 => t.slice::<f64>()?.to_vec(),
        DType::C64 | DType::F32 => view.units::<f32>().iter().map(|&x| x as f64).collect(),
        DType::C128 => view.units::<f64>().to_vec(),
        DType::I64 | DType::U64 => view
            .units::<u64>()
            .iter()
            .flat_map(|&x| {
                let x = x as i64;
                if x.unsigned_abs() < 1 << 53 {
                    vec![x as f64]
                } else {
                    vec![(x >> 32) as f64, x as u32 as f64]
                }
            })
            .collect(),
        _ => view.to_f32s()?.into_iter().map(f64::from).collect(),
    })
}
