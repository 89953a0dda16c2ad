//! `edgewise conformance`: cases in the layout of ONNX's backend tests.
//!
//! A case runs on a thread of its own. So a panic is one case's failure, and a case that does not end is left
//! behind when its time is over.

use super::Verdict;
use super::model::{Device, device_name};
use anyhow::{Context, Result, anyhow, ensure};
use edgewise::conformance::{Outcome, Report as Case, find_cases, run_case};
use edgewise::device::Device as AnyDevice;
use edgewise::{Limits, Options};
use regex_lite::Regex;
use serde::Serialize;
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// After its time limit a case is asked to stop; this much later it is left behind.
const GRACE: Duration = Duration::from_secs(2);
/// Deeply nested models recurse.
const STACK_BYTES: usize = 16 << 20;

type OnDevice = Arc<dyn AnyDevice>;

/// Run ONNX backend-test cases and compare the outputs
#[derive(clap::Args)]
#[command(after_help = "Example:
  edgewise conformance cases/node --filter '^test_conv' --list-failures")]
pub struct Args {
    /// A folder with cases in it: CASE/model.onnx, CASE/test_data_set_N/{input,output}_K.pb
    dir: PathBuf,
    /// Where to run
    #[arg(long, value_enum, default_value = "auto")]
    device: Device,
    /// Only cases whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// Name each failure with its reason
    #[arg(long)]
    list_failures: bool,
    /// Cases that are known to fail: lines of a case's name and the reason
    #[arg(long, value_name = "FILE")]
    exceptions: Option<PathBuf>,
    /// How many seconds a case may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    device: String,
    passed: usize,
    failed: usize,
    skipped: usize,
    /// Cases that passed with every operator on the device.
    on_device: usize,
    /// Of those: how many have the operator.
    on_device_by_operator: BTreeMap<String, usize>,
    failures: BTreeMap<String, String>,
    /// Exceptions, with their reasons.
    exceptions: BTreeMap<String, String>,
    #[serde(skip)]
    list_failures: bool,
}

pub fn main(args: &Args) -> Result<Verdict> {
    let device = args.device.open()?;
    let exceptions = match &args.exceptions {
        Some(file) => read_exceptions(file)?,
        None => BTreeMap::new(),
    };
    let all = find_cases(&args.dir)?;
    let wanted = |case: &PathBuf| args.filter.as_ref().is_none_or(|filter| filter.is_match(&name(case)));
    let cases: Vec<PathBuf> = all.iter().filter(|case| wanted(case)).cloned().collect();
    ensure!(!cases.is_empty(), "{}: no case is there, or none matches", args.dir.display());
    let known: BTreeSet<String> = all.iter().map(|case| name(case)).collect();
    for stale in exceptions.keys().filter(|name| !known.contains(*name)) {
        eprintln!("warning: the exceptions name '{stale}', and there is no such case");
    }
    note_panics();
    let results = run_all(&cases, Duration::from_secs(args.time_limit), device.as_ref());
    let report = Report::new(device_name(device.as_ref()), results, &exceptions, args.list_failures);
    super::print(args.json, &report, || report.text())?;
    Ok(if report.failed == 0 { Verdict::Passed } else { Verdict::Failed })
}

fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `case-name  reason`, with `#` before remarks. An exception without a reason is refused.
fn read_exceptions(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    let pair = |(number, line): (usize, &str)| {
        let (name, reason) = line
            .split_once(char::is_whitespace)
            .ok_or_else(|| anyhow!("{}: line {number}: '{line}' has no reason", file.display()))?;
        Ok((name.to_string(), reason.trim().to_string()))
    };
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(pair).collect()
}

/// Runs the cases, several at once; gives the results in the order of the cases.
fn run_all(cases: &[PathBuf], limit: Duration, device: Option<&OnDevice>) -> Vec<Case> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let lane = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(i) else { break };
            let result = run_apart(case, limit, device.cloned());
            results.lock().unwrap_or_else(PoisonError::into_inner).insert(i, result);
        }
    };
    let lanes = std::thread::available_parallelism().map_or(1, |n| n.get()).min(cases.len());
    std::thread::scope(|scope| (0..lanes).for_each(|_| drop(scope.spawn(lane))));
    results.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// Runs a case on a thread of its own.
fn run_apart(case: &Path, limit: Duration, device: Option<OnDevice>) -> Case {
    let failed = |why: String| Case {
        name: name(case),
        operators: BTreeMap::new(),
        on_device: false,
        outcome: Outcome::Failed(why),
    };
    let (send, receive) = mpsc::channel();
    let folder = case.to_path_buf();
    let run = move || {
        let limits = Limits { deadline: Some(limit), ..Limits::default() };
        // The cases are the parallel part.
        let options = Options { threads: 1, limits, device, ..Options::default() };
        let result = catch_unwind(AssertUnwindSafe(|| run_case(&folder, &options)));
        // Nobody listens any more if it took too long.
        let _ = send.send(result.map_err(|payload| said(&*payload)));
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run);
    if let Err(e) = thread {
        return failed(format!("no thread could be had: {e}"));
    }
    match receive.recv_timeout(limit + GRACE) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => failed(format!("panic: {panic}")),
        Err(_) => failed(format!("it did not end within {} s", limit.as_secs())),
    }
}

thread_local! {
    /// Where this thread panicked.
    static PANICKED_AT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps panics from printing, and remembers where they were.
fn note_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        PANICKED_AT.with(|at| at.replace(place));
    }));
}

fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| s.to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
    format!("{text}{}", PANICKED_AT.with(RefCell::take))
}

impl Report {
    fn new(
        device: String,
        results: Vec<Case>,
        exceptions: &BTreeMap<String, String>,
        list_failures: bool,
    ) -> Report {
        let mut report = Report {
            device,
            passed: 0,
            failed: 0,
            skipped: 0,
            on_device: 0,
            on_device_by_operator: BTreeMap::new(),
            failures: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            list_failures,
        };
        for case in results {
            report.count(case, exceptions);
        }
        report
    }

    fn count(&mut self, case: Case, exceptions: &BTreeMap<String, String>) {
        match (case.outcome, exceptions.get(&case.name)) {
            (Outcome::Passed, None) => {
                self.passed += 1;
                if case.on_device {
                    self.on_device += 1;
                    for operator in case.operators.into_keys() {
                        *self.on_device_by_operator.entry(operator).or_default() += 1;
                    }
                }
            }
            (Outcome::Passed, Some(_)) => {
                self.failed += 1;
                self.failures.insert(case.name, "it passes, so it is no exception any more".into());
            }
            (Outcome::Failed(why), None) => {
                self.failed += 1;
                self.failures.insert(case.name, why);
            }
            (Outcome::Failed(_), Some(reason)) => {
                self.skipped += 1;
                self.exceptions.insert(case.name, reason.clone());
            }
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        if self.list_failures {
            self.failures.iter().for_each(|(name, why)| {
                let _ = writeln!(out, "{name}: {why}");
            });
        } else if self.failed > 0 {
            let _ = writeln!(out, "(--list-failures names each failure with its reason)");
        }
        let by_operator: Vec<String> =
            self.on_device_by_operator.iter().map(|(operator, n)| format!("{operator} {n}")).collect();
        let _ = writeln!(out, "by operator, on {}: {}", self.device, by_operator.join(", "));
        let _ = writeln!(out, "{} on device", self.on_device);
        let _ = writeln!(out, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, outcome: Outcome) -> Case {
        let operators = BTreeMap::from([("Add".into(), 2)]);
        Case { name: name.into(), operators, on_device: name != "e", outcome }
    }

    #[test]
    fn exceptions_are_skipped_and_must_fail() {
        let exceptions = BTreeMap::from([("b".into(), "why b".into()), ("c".into(), "why c".into())]);
        let failed = |why: &str| Outcome::Failed(why.into());
        let results = vec![
            case("a", Outcome::Passed),
            case("b", failed("x")),
            case("c", Outcome::Passed),
            case("d", failed("y")),
            case("e", Outcome::Passed),
        ];
        let report = Report::new("cpu".into(), results, &exceptions, true);
        assert_eq!((report.passed, report.failed, report.skipped, report.on_device), (2, 2, 1, 1));
        let text = report.text();
        assert!(text.starts_with("c: it passes"), "{text}");
        assert!(text.ends_with("Add 1\n1 on device\n2 passed, 2 failed, 1 skipped\n"), "{text}");
    }
}
