//! One case, from its node to the lines that are printed.

#[path = "../../../gpu/tests/common/mod.rs"]
mod common;

use edgewise_gpu_bench::{cases, climb};
use std::collections::BTreeSet;

#[test]
fn a_case_becomes_a_line_with_its_floor() {
    let Some(gpu) = common::gpu() else { return };
    let mut cases = cases::all();
    cases.retain(|case| case.name == "MatMul 128×384×384" || case.name.starts_with("MiniLM DynamicQuantize"));
    assert_eq!(cases.len(), 2);
    let ladder = climb(&gpu, &cases, 2, |_| {}).unwrap();
    assert!(ladder.left.is_empty());
    let [matmul, all, parts @ ..] = &ladder.rungs[..] else { panic!("{ladder}") };
    assert!(matmul.kernel.starts_with("matmul"), "{}", matmul.kernel);
    assert_eq!(all.kernel, format!("{} launches", parts.len()));
    for rung in [matmul, all] {
        let floor = rung.floor.unwrap();
        assert!(floor.us > 0.0 && floor.us.is_finite() && floor.share > 0.0, "{ladder}");
    }
    assert!(
        parts.len() > 1 && parts.iter().all(|part| part.floor.is_none() && part.us.median < all.us.median)
    );
    let text = ladder.to_string();
    let line = text.lines().find(|line| line.starts_with("MatMul 128×384×384")).unwrap();
    assert!(line.contains(" % ") && line.ends_with(&matmul.kernel), "{line}");
}

#[test]
fn cases_have_names_of_their_own() {
    let cases = cases::all();
    let names: BTreeSet<String> = cases.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), cases.len());
}
