//! Chain, an operator of our own: functions of f32s that follow one another element by element.
//!
//! Input 0 goes through all steps in their order. A step that is a function of two numbers takes the other one
//! from the next input, which broadcasts to input 0 and never the other way round. Every step rounds as its
//! operator does alone. Models call it `edgewise.Chain`; the attribute `steps` is a graph of those operators, of
//! which each takes what the one before it made.

use super::activation::Activation;
use super::align::Align;
use super::gated::Gated;
use super::unary::Unary;
use super::variadic::Variadic;
use super::{Attrs, Op, Operator, binary};
use crate::graph::{Graph, Infer, Node, ValueId};
use crate::{DType, Dim, Result};

/// Steps, one after the other.
#[derive(Clone, Debug)]
pub struct Chain {
    /// What is done.
    pub steps: Vec<Step>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// What is computed.
    pub function: Function,
    /// Where it takes what the step before made, if it takes two numbers; from the next input comes the other.
    pub place: Place,
}

/// Which operand goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// There is one.
    Only,
    /// The first of two.
    First,
    /// The second of two.
    Second,
}

/// What is computed of each element.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "these are the operators of the same names")]
pub enum Function {
    Activation(Activation),
    Arithmetic(binary::Function),
    Clip {
        low: f32,
        high: f32,
    },
    Gated(Gated),
    Unary(Unary),
    /// Of two numbers.
    Variadic(Variadic),
}

impl Function {
    /// What a node computes of each element, if that is all that it does. `number` gives constants of one
    /// element.
    pub fn of(node: &Node, number: impl Fn(ValueId) -> Option<f32>) -> Option<Function> {
        Some(match &node.op {
            Op::Activation(op) => Function::Activation(**op),
            Op::Binary(op) => {
                use binary::Function::{Add, Div, Mul, Pow, Sub};
                let floats = op.align == Align::Numpy && matches!(op.function, Add | Sub | Mul | Div | Pow);
                floats.then_some(Function::Arithmetic(op.function))?
            }
            Op::Clip(op) => {
                let limit = |i: usize, attr: Option<f32>, open: f32| match node.inputs.get(i) {
                    Some(Some(limit)) => number(*limit),
                    _ => Some(attr.unwrap_or(open)),
                };
                let low = limit(1, op.min, f32::NEG_INFINITY)?;
                Function::Clip { low, high: limit(2, op.max, f32::INFINITY)? }
            }
            Op::Gated(op) => match **op {
                Gated::PRelu { by_channel: true } => return None,
                Gated::FastGelu if node.inputs.len() < 2 => {
                    Function::Activation(Activation::Gelu { tanh: true })
                }
                op => Function::Gated(op),
            },
            Op::Unary(op) if !matches!(**op, Unary::Not | Unary::BitwiseNot) => Function::Unary(**op),
            Op::Variadic(op) if matches!(**op, Variadic::Max | Variadic::Min) && node.inputs.len() == 2 => {
                Function::Variadic(**op)
            }
            _ => return None,
        })
    }

    /// Where what goes through may be among its operands.
    pub fn places(&self) -> &'static [Place] {
        match self {
            Function::Activation(_) | Function::Clip { .. } | Function::Unary(_) => &[Place::Only],
            // The second one gives way where they differ in shape.
            Function::Gated(_) => &[Place::First],
            Function::Arithmetic(_) | Function::Variadic(_) => &[Place::First, Place::Second],
        }
    }
}

impl Operator for Chain {
    fn parse(a: &mut Attrs) -> Result<Chain> {
        let graph = a.graph("steps")?;
        let chain = Chain::of(&a.required("steps", graph)?)?;
        let others = chain.steps.iter().filter(|step| step.place != Place::Only).count();
        a.arity(1 + others..=1 + others, 1..=1)?;
        Ok(chain)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let one = Dim::from(1);
        for i in 0..cx.input_count() {
            let dtype = cx.dtype(i)?;
            ensure!(dtype == DType::F32, InvalidModel, "input {i} must be f32, got {dtype}");
            let (Some(x), Some(other)) = (cx.dims(0), cx.dims(i)) else { continue };
            let fits = |(x, other): (&Dim, &Dim)| {
                *other == one || x == other || x.known().is_none() || other.known().is_none()
            };
            let fit = other.len() <= x.len() && x.iter().rev().zip(other.iter().rev()).all(fits);
            ensure!(fit, InvalidModel, "the shape of input {i}, {other:?}, does not broadcast to {x:?}");
        }
        cx.like_input()
    }
}

impl Chain {
    /// That of a graph whose inputs are those of the chain.
    fn of(graph: &Graph) -> Result<Chain> {
        let Some((&x, mut others)) = graph.inputs.split_first() else {
            bail!(InvalidModel, "the steps take no input")
        };
        let number = |id: ValueId| match graph.values[id.at()].constant.as_ref()?.tensor()?.slice::<f32>() {
            Ok([number]) => Some(*number),
            _ => None,
        };
        let mut value = x;
        let mut steps = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let (Some(function), [Some(y)]) = (Function::of(node, number), &node.outputs[..]) else {
                bail!(InvalidModel, "'{}' ({}) cannot be a step", node.name, node.op_name)
            };
            let fits = |place: &&Place| match place {
                Place::Only => node.inputs.first() == Some(&Some(value)),
                Place::First => node.inputs[..] == [Some(value), others.first().copied()],
                Place::Second => node.inputs[..] == [others.first().copied(), Some(value)],
            };
            let Some(&place) = function.places().iter().find(fits) else {
                bail!(InvalidModel, "'{}' does not take what the step before it makes", node.name)
            };
            if place != Place::Only {
                others = others.get(1..).unwrap_or_default();
            }
            steps.push(Step { function, place });
            value = *y;
        }
        let ends = graph.outputs[..] == [value] && others.is_empty() && graph.captures == 0;
        ensure!(ends, InvalidModel, "the steps must take every input and give what the last one makes");
        Ok(Chain { steps })
    }
}
