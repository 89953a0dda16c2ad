//! The models that ship with the repository answer as their manifests say.

#![cfg(feature = "models")]

use edgewise::models::{Package, npz};
use edgewise::{Options, Session, Tensor, Value, block_on};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

fn digits(variant: &str) -> (Package, Session) {
    let package = Package::open(root().join("models/zoo/digits")).unwrap();
    let source = package.model(Some(variant)).unwrap();
    let session = block_on(Session::load(source, Options::default(), &mut |_| {})).unwrap();
    (package, session)
}

fn probabilities(session: &Session, images: Tensor) -> Tensor {
    let outputs = session.run(&[("image", Value::Tensor(images))]).unwrap();
    outputs[0].tensor().unwrap().clone()
}

/// Exactly as many held-out samples right as the manifest promises: more would be news, too.
fn held_out_accuracy(variant: &str) {
    let (package, session) = digits(variant);
    let (images, labels) = package.held_out().unwrap();
    let scores = probabilities(&session, images);
    let classes = package.classes("probabilities", &scores).unwrap();
    let right = classes.iter().zip(&labels).filter(|(c, label)| c[0].index as i64 == **label).count();
    let promised = package.manifest().variant(Some(variant)).unwrap().1;
    assert_eq!((right, labels.len()), (499, 500));
    assert_eq!((Some(right), Some(labels.len())), (promised.correct, promised.of));
}

/// The recorded inputs give the recorded probabilities, and the class that the picture shows.
fn recorded_answers(variant: &str) {
    let (package, session) = digits(variant);
    let recorded = std::fs::read(root().join("examples/digits/expected.npz")).unwrap();
    let scores = probabilities(&session, npz::get(&recorded, "inputs").unwrap());
    let expected = npz::get(&recorded, variant).unwrap();
    let pairs = scores.slice::<f32>().unwrap().iter().zip(expected.slice::<f32>().unwrap());
    for (i, (got, expected)) in pairs.enumerate() {
        assert!((got - expected).abs() < 2e-3, "{variant}, element {i}: expected {expected}, got {got}");
    }
    let labels = npz::get(&recorded, "labels").unwrap().view().to_i64s().unwrap();
    for (classes, label) in package.classes("probabilities", &scores).unwrap().iter().zip(labels) {
        assert_eq!(classes[0].label, label.to_string());
    }
}

#[test]
fn int8_gets_499_of_500_right() {
    held_out_accuracy("int8");
}

#[test]
fn fp32_gets_499_of_500_right() {
    held_out_accuracy("fp32");
}

#[test]
fn int8_answers_as_recorded() {
    recorded_answers("int8");
}

#[test]
fn fp32_answers_as_recorded() {
    recorded_answers("fp32");
}
