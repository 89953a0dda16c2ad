//! Chains: functions of floats that follow one another.

use crate::harness::{Case, exact, random};
use edgewise_core::DType::F32;
use edgewise_core::Tensor;
use edgewise_core::ops::Op;
use edgewise_core::ops::activation::Activation;
use edgewise_core::ops::binary::Function::{Add, Div, Mul, Pow, Sub};
use edgewise_core::ops::chain::{Chain, Function, Place, Step};
use edgewise_core::ops::gated::Gated;
use edgewise_core::ops::unary::Unary;
use edgewise_core::ops::variadic::Variadic;
use std::sync::Arc;

const NASTY: [f32; 14] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    7.25,
    -87.0,
    88.5,
    1e30,
    -1e-30,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

fn one(function: Function) -> Step {
    Step { function, place: Place::Only }
}

fn first(function: Function) -> Step {
    Step { function, place: Place::First }
}

fn second(function: Function) -> Step {
    Step { function, place: Place::Second }
}

fn chain(steps: &[Step], inputs: Vec<Tensor>) -> Case {
    let inputs: Vec<Option<Tensor>> = inputs.into_iter().map(Some).collect();
    Case::rewritten(Op::Chain(Arc::new(Chain { steps: steps.to_vec() })), &inputs)
}

/// Every function once, in places that it may have.
fn functions() -> Vec<Step> {
    let activations = [
        Activation::Celu { alpha: 1.5 },
        Activation::Elu { alpha: 0.5 },
        Activation::Gelu { tanh: false },
        Activation::Gelu { tanh: true },
        Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        Activation::HardSwish,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Mish,
        Activation::Relu,
        Activation::Selu { alpha: 1.6, gamma: 1.05 },
        Activation::Shrink { bias: 0.25, lambd: 0.5 },
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::Softsign,
        Activation::Swish { alpha: 1.7 },
        Activation::ThresholdedRelu { alpha: 0.75 },
    ];
    let unary = [
        Unary::Abs,
        Unary::Atan,
        Unary::Ceil,
        Unary::Erf,
        Unary::Floor,
        Unary::Neg,
        Unary::Reciprocal,
        Unary::Round,
        Unary::Sign,
        Unary::Sqrt,
        Unary::Tanh,
    ];
    let gated =
        [Gated::PRelu { by_channel: false }, Gated::SwiGLU { alpha: 1.25 }, Gated::BiasGelu, Gated::FastGelu];
    let two = [Add, Sub, Mul, Div].map(Function::Arithmetic);
    let two = two.into_iter().chain([Variadic::Max, Variadic::Min].map(Function::Variadic));
    let mut all: Vec<Step> = activations.map(Function::Activation).map(one).into();
    all.extend(unary.map(Function::Unary).map(one));
    all.extend(gated.map(Function::Gated).map(first));
    all.extend(two.flat_map(|function| [first(function), second(function)]));
    all.push(one(Function::Clip { low: -0.75, high: 2.0 }));
    all
}

#[test]
fn every_function_is_a_step() {
    let (x, other) = (exact(&[7, 14], &NASTY.repeat(7)), random(F32, &[7, 1], 3.0));
    for step in functions() {
        let steps = [step, one(Function::Unary(Unary::Neg))];
        let beside = (step.place != Place::Only).then(|| other.clone());
        chain(&steps, [x.clone()].into_iter().chain(beside).collect()).check();
    }
}

#[test]
fn tensors_beside_broadcast_in_any_axis() {
    let steps = [
        first(Function::Arithmetic(Mul)),
        second(Function::Arithmetic(Sub)),
        one(Function::Activation(Activation::Sigmoid)),
        first(Function::Variadic(Variadic::Max)),
    ];
    let cases: [(&[usize], [&[usize]; 3]); 7] = [
        (&[2, 3, 4, 5], [&[3, 1, 1], &[], &[2, 1, 4, 1]]),
        (&[65, 3], [&[65, 1], &[3], &[1, 1]]),
        (&[1], [&[1], &[], &[1]]),
        (&[], [&[], &[], &[]]),
        (&[0, 4], [&[4], &[1], &[0, 4]]),
        (&[2, 1, 2, 1, 2, 1, 3], [&[2, 1, 1, 1, 2, 1, 1], &[2, 1, 1, 1, 3], &[3]]),
        (&[4099], [&[1], &[4099], &[]]),
    ];
    for (shape, beside) in cases {
        let inputs = beside.iter().map(|other| random(F32, other, 2.0));
        chain(&steps, [random(F32, shape, 3.0)].into_iter().chain(inputs).collect()).check();
    }
    // The same tensor goes through and lies beside.
    let x = random(F32, &[33], 2.0);
    chain(&[first(Function::Arithmetic(Mul)), one(Function::Unary(Unary::Exp))], vec![x.clone(), x]).check();
}

#[test]
fn what_one_launch_does_not_hold_goes_on_in_others() {
    let x = random(F32, &[5, 31], 2.0);
    let rounds: Vec<Step> = (0..32)
        .map(|i| match i % 4 {
            0 => first(Function::Arithmetic(Add)),
            1 => one(Function::Unary(Unary::Tanh)),
            2 => first(Function::Arithmetic(Mul)),
            _ => one(Function::Activation(Activation::LeakyRelu { alpha: 0.5 })),
        })
        .collect();
    for len in [1, 7, 8, 9, 16, 17, 32] {
        let steps = &rounds[..len];
        let beside = steps.iter().filter(|step| step.place != Place::Only).count();
        let inputs = (0..beside).map(|i| random(F32, if i % 2 == 0 { &[31] } else { &[5, 1] }, 1.5));
        chain(steps, [x.clone()].into_iter().chain(inputs).collect()).check();
    }
}

#[test]
fn a_step_rounds_as_its_operator_does_alone() {
    // Fused, the product and the sum would leave what the rounding of the product has lost.
    let x = exact(&[4], &[1.0f32 + f32::EPSILON, 3.0 + 2.0 * f32::EPSILON, 1e-3, 12_345.678]);
    let square: Vec<f32> =
        [1.0f32 + f32::EPSILON, 3.0 + 2.0 * f32::EPSILON, 1e-3, 12_345.678].map(|x| x * x).into();
    let steps = [first(Function::Arithmetic(Mul)), first(Function::Arithmetic(Sub))];
    chain(&steps, vec![x.clone(), x, exact(&[4], &square)]).exactly().check();
    // Powers with exponents beside, in both places.
    for step in [first(Function::Arithmetic(Pow)), second(Function::Arithmetic(Pow))] {
        let (x, e) = (random(F32, &[3, 7], 2.0), exact(&[7], &[2.0f32, 0.5, -1.0, 3.0, 0.0, 1.5, 1.0]));
        chain(&[one(Function::Unary(Unary::Abs)), step], vec![x, e]).check();
    }
}
