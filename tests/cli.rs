//! The command line as a person meets it: what it prints, how it ends, what it leaves behind.

#![cfg(feature = "cli")]

use edgewise::models::npy;
use edgewise::{DType, Tensor};
use std::path::{Path, PathBuf};
use std::process::Command;

const DIGITS: &str = "models/zoo/digits";
const INT8: &str = "models/zoo/digits/digits_int8.onnx";

/// How a command ended and what it printed.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn edgewise(args: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgewise"));
    let output = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    Ended {
        code: output.status.code().expect("no signal ended it"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn passes(args: &[&str]) -> String {
    let ended = edgewise(args);
    assert_eq!(ended.code, 0, "{args:?}: {}{}", ended.stdout, ended.stderr);
    ended.stdout
}

/// Ends with that code and one line that says all of this.
#[track_caller]
fn fails(code: i32, args: &[&str], says: &[&str]) {
    let ended = edgewise(args);
    assert_eq!(ended.code, code, "{args:?}: {}{}", ended.stdout, ended.stderr);
    for what in says {
        assert!(ended.stderr.contains(what), "{args:?} should say {what:?}: {}", ended.stderr);
    }
    if code == 1 {
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "one sentence: {}", ended.stderr);
    }
}

fn json(args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&passes(args)).unwrap()
}

/// A folder of the test's own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("edgewise-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self.path(name)
    }

    fn npy(&self, name: &str, tensor: &Tensor) -> String {
        self.file(name, &npy::write(tensor).unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn image(n: usize) -> Tensor {
    Tensor::zeros(DType::F32, &[n, 1, 8, 8]).unwrap()
}

#[test]
fn a_picture_is_recognized() {
    for model in [DIGITS, "digits"] {
        let text = passes(&["run", model, "examples/digits/three.png"]);
        assert!(text.contains("three.png: 3\n") && text.contains("██") && text.contains("cpu"), "{text}");
    }
    let report = json(&["run", DIGITS, "--variant", "fp32", "examples/digits/nine.png", "--json"]);
    assert_eq!(report["samples"][0]["label"], "9");
    assert_eq!(report["variant"], "fp32");
    assert_eq!(report["outputs"][0]["shape"], serde_json::json!([1, 10]));
}

#[test]
fn pictures_make_a_batch() {
    let report = json(&["run", DIGITS, "examples/digits/two.png", "examples/digits/six.png", "--json"]);
    let labels: Vec<&str> =
        report["samples"].as_array().unwrap().iter().map(|s| s["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["2", "6"]);
}

#[test]
fn tensors_come_from_npy_and_json_and_go_to_npy() {
    let folder = Folder::new("out");
    let input = folder.npy("x.npy", &image(3));
    let out = folder.path("answers");
    passes(&["run", INT8, &input, "--out", &out]);
    let scores = npy::read(&std::fs::read(folder.0.join("answers/probabilities.npy")).unwrap()).unwrap();
    assert_eq!(scores.shape(), [3, 10]);
    assert_eq!(std::fs::read_dir(folder.0.join("answers")).unwrap().count(), 1, "nothing else is left");

    let zeros = serde_json::json!({ "image": vec![vec![vec![vec![0.0; 8]; 8]; 1]; 1] });
    let object = folder.file("x.json", zeros.to_string().as_bytes());
    let from_json = json(&["run", INT8, &object, "--json"]);
    let one = folder.npy("one.npy", &image(1));
    let from_npy = json(&["run", INT8, "--input", &format!("image={one}"), "--json"]);
    assert_eq!(from_json["outputs"], from_npy["outputs"]);
}

#[test]
fn inputs_are_made_up_on_request_and_always_the_same() {
    let run = || json(&["run", INT8, "--random", "--dims", "N=2", "--json"])["outputs"].clone();
    assert_eq!(run(), run());
    assert_eq!(run()[0]["shape"], serde_json::json!([2, 10]));
    let other = json(&["run", INT8, "--random", "--dims", "N=2", "--seed", "1", "--json"]);
    assert_ne!(other["outputs"], run());
}

#[test]
fn a_trace_is_written() {
    let folder = Folder::new("trace");
    let file = folder.path("trace.json");
    passes(&["run", DIGITS, "--random", "--profile", &file]);
    let trace: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(!trace["traceEvents"].as_array().unwrap().is_empty());
}

#[test]
fn a_model_is_inspected() {
    let text = passes(&["inspect", DIGITS, "--plan"]);
    for what in ["input image: f32[N, 1, 8, 8]", "output probabilities:", "Conv 3", "qdq", "N=1", "plan:"] {
        assert!(text.contains(what), "{what}: {text}");
    }
    let one = json(&["inspect", INT8, "--json"]);
    let eight = json(&["inspect", INT8, "--dims", "N=8", "--json"]);
    let arena = |report: &serde_json::Value| report["program"]["memory"]["arena_bytes"].as_u64().unwrap();
    assert!(arena(&eight) > arena(&one));
    assert_eq!(one["unsupported"], serde_json::json!([]));
    let computes = &one["program"]["computes"];
    assert_eq!(computes["arithmetic"], "integer", "{computes}");
    assert_eq!(computes["integer"]["QLinearConv"], 3);
    assert_eq!(computes["stays_float"], serde_json::json!([]));
}

#[test]
fn every_unsupported_operator_is_listed() {
    let folder = Folder::new("unsupported");
    // The operator's name, as the file has it: field 4 of a node, its length, its text.
    let mut bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(INT8)).unwrap();
    for (from, to) in [(b"\x22\x04Conv", b"\x22\x04Cxnv"), (b"\x22\x04Gemm", b"\x22\x04Gxmm")] {
        for at in 0..bytes.len() - from.len() {
            if bytes[at..].starts_with(from) {
                bytes[at..at + to.len()].copy_from_slice(to);
            }
        }
    }
    let model = folder.file("model.onnx", &bytes);
    let ended = edgewise(&["inspect", &model, "--json"]);
    assert_eq!(ended.code, 1);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["unsupported"][0]["operator"], "Cxnv");
    assert_eq!(report["unsupported"][0]["nodes"], 3);
    assert_eq!(report["unsupported"][1]["operator"], "Gxmm");
    fails(1, &["run", &model, "--random"], &[&model, "Cxnv"]);
}

#[test]
fn a_model_is_measured() {
    let report = json(&["bench", DIGITS, "--runs", "3", "--threads", "1", "--json"]);
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    let mut expected =
        ["model", "device", "threads", "load_ms", "first_ms", "median_ms", "p95_ms", "runs", "peak_bytes"];
    expected.sort_unstable();
    assert_eq!(
        {
            let mut keys = keys;
            keys.sort();
            keys
        },
        expected.iter().collect::<Vec<_>>()
    );
    assert_eq!((report["runs"].as_u64(), report["threads"].as_u64()), (Some(3), Some(1)));
    assert!(report["median_ms"].as_f64() <= report["p95_ms"].as_f64());
    #[cfg(not(feature = "peers"))]
    fails(1, &["bench", DIGITS, "--against", "tract"], &["feature 'peers'"]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let report = json(&["verify", DIGITS, "--dims", "N=5", "--json"]);
    assert_eq!(report["passed"], true);
    for device in report["devices"].as_object().unwrap().values() {
        assert_eq!((&device["bit_equal"], &device["max_abs_diff"]), (&true.into(), &(0.0).into()));
    }
}

#[cfg(feature = "tract")]
#[test]
fn an_independent_engine_agrees() {
    for variant in ["int8", "fp32"] {
        let report =
            json(&["verify", DIGITS, "--variant", variant, "--dims", "N=2", "--against", "tract", "--json"]);
        assert_eq!(report["devices"]["tract"]["passed"], true, "{variant}: {report}");
    }
}

#[cfg(not(feature = "tract"))]
#[test]
fn an_engine_that_is_not_built_in_is_named() {
    fails(1, &["verify", DIGITS, "--against", "tract"], &["feature 'tract'"]);
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    fails(1, &["run", DIGITS, "--random", "--device", "cuda"], &["no", "device", "--device cpu"]);
    fails(1, &["verify", DIGITS, "--devices", "cpu,cuda"], &["device"]);
    passes(&["run", DIGITS, "--random", "--device", "cpu"]);
}

#[test]
fn a_gpu_gives_the_bits_of_the_cpu_or_is_missed_by_name() {
    let call = ["verify", DIGITS, "--devices", "cpu,gpu", "--dims", "N=3", "--json"];
    let ended = edgewise(&call);
    if ended.code == 1 && ended.stderr.contains("no GPU was found") {
        assert!(std::env::var_os("EDGEWISE_GPU_REQUIRED").is_none(), "{}", ended.stderr);
        return println!("skipped: {}", ended.stderr);
    }
    let report = json(&call);
    let devices = report["devices"].as_object().unwrap();
    let (_, gpu) = devices.iter().find(|(name, _)| name.starts_with("gpu")).unwrap();
    assert_eq!((&gpu["passed"], &gpu["bit_equal"]), (&true.into(), &true.into()), "{report}");
    let placed = json(&["inspect", DIGITS, "--device", "gpu", "--json"]);
    assert!(placed["program"]["placement"]["gpu"].as_u64().is_some_and(|n| n >= 8), "{placed}");
    passes(&["verify", DIGITS, "--devices", "cpu,gpu", "--stepwise"]);
}

#[test]
fn wrong_calls_end_with_2() {
    fails(2, &["run", DIGITS, "--no-such-option"], &["--no-such-option"]);
    fails(2, &["run"], &["<MODEL>"]);
    fails(2, &["nonsense"], &["nonsense"]);
    fails(2, &["run", DIGITS, "--threads", "0"], &["threads"]);
    fails(2, &["run", DIGITS, "--device", "tpu"], &["tpu"]);
    fails(2, &["run", DIGITS, "--dims", "N"], &["NAME=SIZE"]);
    fails(2, &["run", DIGITS, "--input", "x"], &["NAME=FILE"]);
    fails(2, &["conformance", "x", "--filter", "("], &["filter"]);
}

#[test]
fn help_ends_with_an_example() {
    for command in ["run", "inspect", "bench", "verify", "conformance"] {
        let text = passes(&[command, "--help"]);
        let example = text.rfind("Example").unwrap_or_else(|| panic!("{command}: {text}"));
        assert!(text[example..].contains(&format!("edgewise {command}")), "{command}: {text}");
        assert!(text.contains("--json"), "{command}");
    }
}

#[test]
fn models_that_cannot_be_read_are_named() {
    let folder = Folder::new("models");
    fails(1, &["run", "no/such/model.onnx"], &["no/such/model.onnx"]);
    fails(1, &["inspect", "examples"], &["examples", "no edgewise.toml"]);
    fails(1, &["run", INT8, "--variant", "fp32", "--random"], &["--variant"]);
    fails(1, &["run", DIGITS, "--variant", "int2", "--random"], &["it has fp32, int8"]);
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(INT8)).unwrap();
    for len in [0, 1, 100, bytes.len() / 2, bytes.len() - 1] {
        let cut = folder.file("cut.onnx", &bytes[..len]);
        fails(1, &["run", &cut, "--random"], &[&cut]);
        fails(1, &["inspect", &cut], &[&cut]);
    }
    let text = folder.file("text.onnx", b"this is no model, and it says so");
    fails(1, &["run", &text, "--random"], &[&text]);
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let folder = Folder::new("inputs");
    let npy = |name: &str, tensor: Tensor| folder.npy(name, &tensor);
    let good = npy("good.npy", image(1));
    let integers = npy("integers.npy", Tensor::zeros(DType::I64, &[1, 1, 8, 8]).unwrap());
    let wide = npy("wide.npy", Tensor::zeros(DType::F32, &[1, 1, 8, 9]).unwrap());
    let flat = npy("flat.npy", Tensor::zeros(DType::F32, &[64]).unwrap());
    let cut = folder.file("cut.npy", &std::fs::read(&good).unwrap()[..200]);

    fails(1, &["run", INT8], &["image (f32[N, 1, 8, 8])", "--random"]);
    fails(1, &["run", INT8, &good, &good], &["all are given"]);
    fails(1, &["run", INT8, "--input", &format!("picture={good}")], &["no input 'picture'", "image"]);
    fails(1, &["run", INT8, "--input", &format!("image={good}"), &good], &["all are given"]);
    fails(1, &["run", INT8, &integers], &["'image' must be f32, got i64"]);
    fails(1, &["run", INT8, &wide], &["axis 3 must be 8"]);
    fails(1, &["run", INT8, &flat], &["f32[64]"]);
    fails(1, &["run", INT8, &cut], &["cut.npy", "header promises"]);
    fails(1, &["run", INT8, "no/such.npy"], &["no/such.npy"]);
    fails(1, &["run", INT8, "README"], &["README", "expected .npy"]);
    fails(1, &["run", INT8, "examples/digits/three.png"], &["three.png", "package"]);
    fails(1, &["run", DIGITS, &folder.file("broken.png", b"\x89PNG\r\n\x1a\nxx")], &["broken.png"]);
    fails(1, &["run", INT8, "--random", "--dims", "M=2"], &["no symbol 'M'; it has N"]);
    for command in ["run", "bench", "inspect"] {
        for size in ["N=9000000000000000", "N=9223372036854775807"] {
            let random = if command == "run" { &["--random"][..] } else { &[] };
            fails(1, &[&[command, INT8, "--dims", size], random].concat(), &["error"]);
        }
    }
}

#[test]
fn failures_leave_nothing_behind() {
    let folder = Folder::new("partial");
    let bad = folder.npy("bad.npy", &Tensor::zeros(DType::F32, &[1]).unwrap());
    let out = folder.path("out");
    fails(1, &["run", INT8, &bad, "--out", &out], &["image"]);
    assert!(!Path::new(&out).exists());
    // The folder's name is taken by a file.
    let taken = folder.file("taken", b"mine");
    fails(1, &["run", DIGITS, "--random", "--out", &taken], &["taken"]);
    assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
    fails(1, &["run", DIGITS, "--random", "--profile", &folder.path("no/folder.json")], &["folder.json"]);
    let mut names: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bad.npy", "taken"]);
}

/// A TensorProto of floats: dims, the type, raw data.
fn tensor_pb(tensor: &Tensor) -> Vec<u8> {
    let mut out = Vec::new();
    tensor.shape().iter().for_each(|&d| out.extend([0x08, d as u8]));
    out.extend([0x10, 1, 0x4a]);
    let bytes = tensor.view().bytes();
    let (low, high) = (bytes.len() & 0x7f | 0x80, bytes.len() >> 7);
    out.extend([low as u8, high as u8]);
    out.extend_from_slice(bytes);
    out
}

#[test]
fn cases_pass_fail_or_are_skipped() {
    let folder = Folder::new("cases");
    let input = folder.npy("x.npy", &image(1));
    passes(&["run", INT8, &input, "--out", &folder.path("answer")]);
    let answer = npy::read(&std::fs::read(folder.0.join("answer/probabilities.npy")).unwrap()).unwrap();
    let mut wrong = answer.clone();
    wrong.view_mut().into_slice::<f32>().unwrap()[3] += 1.0;
    for (case, output) in [("test_right", &answer), ("test_wrong", &wrong)] {
        let set = folder.0.join("node").join(case).join("test_data_set_0");
        std::fs::create_dir_all(&set).unwrap();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join(INT8);
        std::fs::copy(model, folder.0.join("node").join(case).join("model.onnx")).unwrap();
        std::fs::write(set.join("input_0.pb"), tensor_pb(&image(1))).unwrap();
        std::fs::write(set.join("output_0.pb"), tensor_pb(output)).unwrap();
    }
    let cases = folder.path("node");
    let ended = edgewise(&["conformance", &cases, "--list-failures"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("test_wrong: output 'probabilities': 1 of 10 elements"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.ends_with("1 on device\n1 passed, 1 failed, 0 skipped\n"), "{}", ended.stdout);

    passes(&["conformance", &cases, "--filter", "right$"]);
    let known = folder.file("known", b"# remarks\n\ntest_wrong  it is meant to be\n");
    let text = passes(&["conformance", &cases, "--exceptions", &known]);
    assert!(text.ends_with("1 passed, 0 failed, 1 skipped\n"), "{text}");
    let both = folder.file("both", b"test_wrong why\ntest_right why\n");
    let ended = edgewise(&["conformance", &cases, "--exceptions", &both, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &report["failed"]), (1, &1.into()));
    assert!(report["failures"]["test_right"].as_str().unwrap().contains("passes"));
    fails(1, &["conformance", &cases, "--exceptions", &folder.file("bare", b"test_wrong")], &["no reason"]);
    fails(1, &["conformance", &cases, "--filter", "nothing"], &["no case"]);
    fails(1, &["conformance", "no/such/folder"], &["no/such/folder"]);
}
