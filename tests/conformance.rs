//! Every conformance case on the CPU, and on a GPU where there is one, held against a list of exceptions.
//!
//! The cases are generated (`cargo xtask test` does it); without them the tests say so and pass. A case that
//! fails must be listed in `tests/exceptions/` with a reason, and one that is listed must fail: a list that is
//! never longer than it has to be.

use edgewise::conformance::{Outcome, Report, find_cases, run_case};
use edgewise::device::Device;
use edgewise::{Limits, Options};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long one run may take. The slowest case takes about a second on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// At least so many of ONNX's 1,884 node cases pass.
const NODE_CASES: usize = 1860;
/// And so many run their operator on a GPU.
#[cfg(feature = "gpu")]
const NODE_CASES_ON_GPU: usize = 1495;
/// And so many of com.microsoft's 1,156.
#[cfg(feature = "gpu")]
const CONTRIB_CASES_ON_GPU: usize = 930;

#[test]
fn conformance_of_the_node_cases() {
    let Some(results) = Results::of("onnx/node", None) else { return };
    results.check(&["tests/exceptions/cpu.txt"]);
    assert!(results.passed >= NODE_CASES, "expected at least {NODE_CASES}, {} passed", results.passed);
}

#[test]
fn conformance_of_the_stored_cases() {
    for group in ["onnx/simple", "onnx/pytorch-converted", "onnx/pytorch-operator"] {
        let Some(results) = Results::of(group, None) else { return };
        results.check_all();
    }
}

#[test]
fn conformance_of_the_contrib_cases() {
    let Some(results) = Results::of("contrib", None) else { return };
    results.check_all();
}

#[cfg(feature = "gpu")]
#[test]
fn conformance_of_the_node_cases_on_a_gpu() {
    let Some(gpu) = gpu() else { return };
    let Some(results) = Results::of("onnx/node", Some(gpu)) else { return };
    results.check(&["tests/exceptions/cpu.txt", "tests/exceptions/gpu.txt"]);
    results.check_on_device(NODE_CASES_ON_GPU);
}

#[cfg(feature = "gpu")]
#[test]
fn conformance_of_the_contrib_cases_on_a_gpu() {
    let Some(gpu) = gpu() else { return };
    let Some(results) = Results::of("contrib", Some(gpu)) else { return };
    results.check(&["tests/exceptions/gpu.txt"]);
    results.check_on_device(CONTRIB_CASES_ON_GPU);
}

/// The GPU of this machine, which may be software; `None`, with a word why, where there is none. A machine of which
/// one is expected says so by `EDGEWISE_GPU_REQUIRED`.
#[cfg(feature = "gpu")]
fn gpu() -> Option<Arc<dyn Device>> {
    match edgewise::gpu::open_blocking(edgewise::gpu::Preference::Performance) {
        Ok(found) => found.into_iter().next(),
        Err(e) => {
            assert!(std::env::var_os("EDGEWISE_GPU_REQUIRED").is_none(), "{e}");
            println!("skipped: {e}");
            None
        }
    }
}

/// What became of the cases of one folder.
struct Results {
    group: &'static str,
    passed: usize,
    /// Cases that passed and did nothing elsewhere.
    on_device: usize,
    /// The reason, by name.
    failed: BTreeMap<String, String>,
    /// Failures by operator.
    operators: BTreeMap<String, usize>,
}

impl Results {
    /// Runs the cases below a folder; `None`, with a word why, where there are none.
    fn of(group: &'static str, device: Option<Arc<dyn Device>>) -> Option<Results> {
        let folder = cases_folder().join(group);
        if !folder.is_dir() {
            println!("{group}: skipped, no cases are generated (cargo xtask test does it)");
            return None;
        }
        let cases = find_cases(&folder).expect("the folder can be read");
        let (failed, operators) = (BTreeMap::new(), BTreeMap::new());
        let mut results = Results { group, passed: 0, on_device: 0, failed, operators };
        for report in run_all(&cases, device.as_ref()) {
            match report.outcome {
                Outcome::Passed => {
                    results.passed += 1;
                    results.on_device += usize::from(report.on_device);
                }
                Outcome::Failed(why) => {
                    for operator in report.operators.into_keys() {
                        *results.operators.entry(operator).or_default() += 1;
                    }
                    results.failed.insert(report.name, why);
                }
            }
        }
        let device = device.map_or("cpu".into(), |device| device.name().to_string());
        let (passed, failed, on_device) = (results.passed, results.failed.len(), results.on_device);
        println!("{group} on {device}: {passed} passed, {failed} failed, {on_device} on device");
        Some(results)
    }

    /// Nothing may fail.
    fn check_all(&self) {
        self.hold_against(&BTreeMap::new());
    }

    /// What fails is what the file lists.
    fn check(&self, exceptions: &[&str]) {
        let read = |name: &&str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            std::fs::read_to_string(&path).expect("the list of exceptions can be read")
        };
        let text: String = exceptions.iter().map(read).collect();
        let mut listed = read_exceptions(&text);
        let here = cases_folder().join(self.group);
        listed.retain(|case, _| here.join(case).is_dir());
        self.hold_against(&listed);
    }

    /// At least so many ran on the device alone.
    #[cfg(feature = "gpu")]
    fn check_on_device(&self, least: usize) {
        let on_device = self.on_device;
        assert!(on_device >= least, "{}: expected at least {least}, {on_device} ran there", self.group);
    }

    fn hold_against(&self, exceptions: &BTreeMap<&str, &str>) {
        let unlisted = || self.failed.iter().filter(|(name, _)| !exceptions.contains_key(name.as_str()));
        for (name, why) in unlisted() {
            println!("FAILED {name}: {why}");
        }
        let stale: Vec<_> = exceptions.keys().filter(|name| !self.failed.contains_key(**name)).collect();
        for name in &stale {
            println!("PASSED {name}, which is listed as an exception: remove the line");
        }
        if !self.failed.is_empty() {
            println!("failures of {} by operator: {:?}", self.group, self.operators);
        }
        assert!(unlisted().next().is_none() && stale.is_empty(), "{} does not conform", self.group);
    }
}

/// Lines of `case  reason`; `#` begins a comment.
fn read_exceptions(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (case, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            assert!(!reason.trim().is_empty(), "exception '{case}' has no reason");
            (case, reason.trim())
        })
        .collect()
}

/// `EDGEWISE_CASES`, or where `cargo xtask` writes them.
fn cases_folder() -> PathBuf {
    let target = || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir))
    };
    std::env::var_os("EDGEWISE_CASES").map_or_else(|| target().join("cases"), PathBuf::from)
}

/// Runs the cases on two threads, each case on one.
fn run_all(cases: &[PathBuf], device: Option<&Arc<dyn Device>>) -> Vec<Report> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut reports = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            reports.push(run_one(case, device));
        }
        reports
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(worker);
        let mut reports = worker();
        reports.extend(other.join().expect("a case cannot take its thread down"));
        reports
    })
}

/// A panic fails its case and no other.
fn run_one(case: &Path, device: Option<&Arc<dyn Device>>) -> Report {
    let limits = Limits { deadline: Some(DEADLINE), ..Limits::default() };
    let options = Options { threads: 1, limits, device: device.cloned(), ..Options::default() };
    // Nothing of a case outlives it, so nothing broken is seen afterwards.
    let run = AssertUnwindSafe(|| run_case(case, &options));
    catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let outcome = Outcome::Failed(format!("panicked: {text}"));
        Report { name, operators: BTreeMap::new(), on_device: false, outcome }
    })
}
