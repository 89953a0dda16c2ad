//! Plans as golden text: what a change of the planner does to a real model is seen in its diff.
//!
//! `EDGEWISE_BLESS=1 cargo test --test plans` writes the files anew.

use edgewise::graph::Fact;
use edgewise::plan::{Carry, Home, check};
use edgewise::{DType, Options, Session};
use std::path::Path;

fn plan_of(model: &str, shape: &[usize]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let session = Session::open(root.join(model), Options::default()).expect("the model loads");
    let program = session.program();
    let input = program.graph().inputs[0];
    let live = [(input, Fact::sized(DType::F32, shape), Home::Owned(input))];
    let segment = program.segment(0, &live, false).expect("the plan binds");
    check(&program, 0, &live, &segment, &Carry::default()).expect("every step reads what the graph means");
    format!("{}\n{}", program.graph().text(), segment.text(&program))
}

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans").join(name);
    if std::env::var_os("EDGEWISE_BLESS").is_some() {
        std::fs::write(&path, text).expect("the golden file can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{} differs; EDGEWISE_BLESS=1 writes it anew:\n{text}", path.display());
}

#[test]
fn digits_in_floats() {
    golden("digits_fp32.plan", &plan_of("models/zoo/digits/digits_fp32.onnx", &[2, 1, 8, 8]));
}

#[test]
fn digits_in_integers() {
    golden("digits_int8.plan", &plan_of("models/zoo/digits/digits_int8.onnx", &[2, 1, 8, 8]));
}
