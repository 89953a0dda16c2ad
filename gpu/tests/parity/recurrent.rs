//! Recurrent networks: every cell, in both directions, with all that may be left out.

use crate::harness::{Case, exact, random, tensor};
use edgewise_core::DType::*;
use edgewise_core::Tensor;
use edgewise_core::ops::Attr;

const STEPS: usize = 4;
const BATCH: usize = 3;
const INPUT: usize = 5;

/// The inputs of a layer, all of them.
fn inputs(gates: usize, directions: usize, hidden: usize, batch_first: bool) -> Vec<Option<Tensor>> {
    let of = |shape: &[usize]| Some(random(F32, shape, 0.8));
    let (x, state) = match batch_first {
        true => ([BATCH, STEPS, INPUT], [BATCH, directions, hidden]),
        false => ([STEPS, BATCH, INPUT], [directions, BATCH, hidden]),
    };
    vec![
        of(&x),
        of(&[directions, gates * hidden, INPUT]),
        of(&[directions, gates * hidden, hidden]),
        of(&[directions, 2 * gates * hidden]),
        Some(exact(&[BATCH], &[4i32, 0, 2])),
        of(&state),
        of(&state),
        of(&[directions, 3 * hidden]),
    ]
}

/// The same without some of the inputs.
fn without(inputs: &[Option<Tensor>], left_out: &[usize]) -> Vec<Option<Tensor>> {
    let keep = |(i, input): (usize, &Option<Tensor>)| input.clone().filter(|_| !left_out.contains(&i));
    inputs.iter().enumerate().map(keep).collect()
}

#[test]
fn layers_agree() {
    for (name, gates, count, outputs) in [("RNN", 1, 6, 2), ("GRU", 3, 6, 2), ("LSTM", 4, 8, 3)] {
        for (direction, directions) in [("forward", 1), ("reverse", 1), ("bidirectional", 2)] {
            for layout in [0, 1] {
                for (hidden, left_out) in
                    [(3, &[][..]), (7, &[3, 4, 5, 6, 7]), (66, &[4]), (2, &[5, 6]), (1, &[3, 7])]
                {
                    let attrs = [
                        ("direction", Attr::Str(direction.into())),
                        ("layout", Attr::Int(layout)),
                        ("hidden_size", Attr::Int(hidden as i64)),
                    ];
                    let all = inputs(gates, directions, hidden, layout == 1);
                    let inputs = without(&all[..count], left_out);
                    let case = Case::of("", name, 22, &attrs, &inputs, outputs);
                    case.clone().check();
                    case.wanting(&[outputs - 1]).check();
                }
            }
        }
    }
}

#[test]
fn cells_have_variants() {
    let attrs = [("linear_before_reset", Attr::Int(1)), ("clip", Attr::Float(0.3))];
    Case::of("", "GRU", 22, &attrs, &inputs(3, 1, 5, false)[..6], 2).check();
    let attrs = [("input_forget", Attr::Int(1)), ("clip", Attr::Float(0.5))];
    Case::of("", "LSTM", 22, &attrs, &inputs(4, 1, 5, false), 3).check();
    let none = [Some(tensor(F32, &[2, 1, 3], &[0.5])), Some(random(F32, &[1, 4, 3], 1.0))];
    let inputs = [none[0].clone(), none[1].clone(), Some(random(F32, &[1, 4, 4], 1.0))];
    Case::of("", "RNN", 22, &[], &inputs, 2).check();
    let empty = [Some(Tensor::zeros(F32, &[0, 2, 3]).unwrap()), inputs[1].clone(), inputs[2].clone()];
    Case::of("", "RNN", 22, &[], &empty, 2).check();
}

#[test]
fn activations_are_named() {
    let names = |names: &[&str]| Attr::Strs(names.iter().map(|name| name.to_string()).collect());
    for name in [
        "Relu",
        "Tanh",
        "Sigmoid",
        "Affine",
        "LeakyRelu",
        "ScaledTanh",
        "HardSigmoid",
        "Elu",
        "Softsign",
        "Softplus",
    ] {
        let attrs = [("activations", names(&[name])), ("activation_alpha", Attr::Floats(vec![0.4]))];
        let takes_one = matches!(name, "Affine" | "LeakyRelu" | "ScaledTanh" | "HardSigmoid" | "Elu");
        let attrs = if takes_one { &attrs[..] } else { &attrs[..1] };
        Case::of("", "RNN", 22, attrs, &inputs(1, 1, 4, false)[..6], 2).check();
    }
    let attrs = [("activations", names(&["HardSigmoid", "Softsign", "Relu"]))];
    Case::of("", "LSTM", 22, &attrs, &inputs(4, 1, 4, false), 3).check();
    let attrs = [("activations", names(&["ThresholdedRelu"]))];
    assert!(!Case::of("", "RNN", 22, &attrs, &inputs(1, 1, 4, false)[..6], 2).is_taken());
}
