//! RNN, GRU and LSTM: one layer of a recurrent network, run forward, in reverse or both over a sequence.
//!
//! Until opset 6 there was `output_sequence`, which said nothing that the outputs do not say; from 14 on
//! `layout = 1` puts the batch first. Activations are named per direction and take their alphas and betas,
//! those that have any, in turn from two lists. Clipping applies to what goes into the gates' activations,
//! not to the cell. Floats of every width.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{Dim, Result};
use smallvec::smallvec;

/// RNN, GRU or LSTM.
#[derive(Clone, Debug)]
pub struct Rnn {
    /// Which of them.
    pub cell: Cell,
    /// Per direction, whether it goes backward in time.
    pub reverse: Vec<bool>,
    /// The activations of one direction after the other.
    pub activations: Vec<Activation>,
    /// What goes into the gates' activations stays between this and its negative.
    pub clip: Option<f32>,
    /// Whether the batch is the first axis, before time.
    pub batch_first: bool,
    /// Whether the weights' gates are their last axis, as com.microsoft has them.
    pub gates_last: bool,
    hidden: Option<i64>,
}

/// What happens in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// One gate.
    Rnn,
    /// Update, reset and hidden gates.
    Gru {
        /// Whether the reset gate applies after the recurrent product, not before.
        linear_before_reset: bool,
    },
    /// Input, output, forget and cell gates.
    Lstm {
        /// Whether the forget gate is one minus the input gate.
        input_forget: bool,
    },
}

impl Cell {
    /// How many gates it has.
    pub fn gates(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Gru { .. } => 3,
            Cell::Lstm { .. } => 4,
        }
    }

    fn activations(self) -> &'static [&'static str] {
        match self {
            Cell::Rnn => &["tanh"],
            Cell::Gru { .. } => &["sigmoid", "tanh"],
            Cell::Lstm { .. } => &["sigmoid", "tanh", "tanh"],
        }
    }
}

/// A function with its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation {
    /// The function.
    pub function: Function,
    /// Its first constant.
    pub alpha: f32,
    /// Its second constant.
    pub beta: f32,
}

/// What an activation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are ONNX's")]
pub enum Function {
    Relu,
    Tanh,
    Sigmoid,
    Affine,
    LeakyRelu,
    ThresholdedRelu,
    ScaledTanh,
    HardSigmoid,
    Elu,
    Softsign,
    Softplus,
}

/// The functions by name, with the defaults of the constants that they take.
const FUNCTIONS: &[(&str, Function, Option<f32>, Option<f32>)] = &[
    ("relu", Function::Relu, None, None),
    ("tanh", Function::Tanh, None, None),
    ("sigmoid", Function::Sigmoid, None, None),
    ("affine", Function::Affine, Some(1.0), Some(0.0)),
    ("leakyrelu", Function::LeakyRelu, Some(0.01), None),
    ("thresholdedrelu", Function::ThresholdedRelu, Some(1.0), None),
    ("scaledtanh", Function::ScaledTanh, Some(1.0), Some(1.0)),
    ("hardsigmoid", Function::HardSigmoid, Some(0.2), Some(0.5)),
    ("elu", Function::Elu, Some(1.0), None),
    ("softsign", Function::Softsign, None, None),
    ("softplus", Function::Softplus, None, None),
];

/// The sizes of a layer's axes: symbols while a graph is compiled, numbers when it runs.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sizes {
    pub steps: Dim,
    pub batch: Dim,
    pub input: Dim,
    pub hidden: Dim,
}

impl Operator for Rnn {
    fn parse(a: &mut Attrs) -> Result<Rnn> {
        let cell = match a.op() {
            "RNN" => Cell::Rnn,
            "GRU" if a.version() < 3 => Cell::Gru { linear_before_reset: false },
            "GRU" => Cell::Gru { linear_before_reset: a.flag("linear_before_reset", false)? },
            _ => Cell::Lstm { input_forget: a.flag("input_forget", false)? },
        };
        let quantized = a.op() == "DynamicQuantizeLSTM";
        match cell {
            _ if quantized => a.arity(12..=12, 0..=3)?,
            Cell::Lstm { .. } => a.arity(3..=8, 0..=3)?,
            _ => a.arity(3..=6, 0..=2)?,
        }
        if a.version() < 7 && !quantized {
            a.ignore(&["output_sequence"]);
        }
        let forward: &[bool] = &[false];
        // The first version's default was misspelled, and a file may spell it out.
        let reverse = a.choice(
            "direction",
            &[
                ("forward", forward),
                ("foward", forward),
                ("reverse", &[true]),
                ("bidirectional", &[false, true]),
            ],
        )?;
        let clip = a.float("clip")?;
        ensure!(clip.is_none_or(|c| c >= 0.0), InvalidModel, "clip must not be negative, got {clip:?}");
        let hidden = a.int("hidden_size")?;
        ensure!(hidden.is_none_or(|h| h > 0), InvalidModel, "hidden_size must be positive, got {hidden:?}");
        Ok(Rnn {
            cell,
            reverse: reverse.to_vec(),
            activations: activations(a, cell, reverse.len())?,
            clip,
            batch_first: a.version() >= 14 && a.flag("layout", false)?,
            gates_last: quantized,
            hidden,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let sizes = self.sizes(|i| cx.dims(i).cloned())?;
        let mut or_unknown = |dim: Option<Dim>| dim.unwrap_or_else(|| cx.unknown_dim());
        let (steps, batch, hidden) = match sizes {
            Some(s) => (s.steps, s.batch, s.hidden),
            None => (or_unknown(None), or_unknown(None), or_unknown(self.hidden.map(Dim::from))),
        };
        let directions = Dim::from(self.reverse.len());
        let (y, state): (Dims, Dims) = match self.batch_first {
            false => (
                smallvec![steps, directions.clone(), batch.clone(), hidden.clone()],
                smallvec![directions, batch, hidden],
            ),
            true => (
                smallvec![batch.clone(), steps, directions.clone(), hidden.clone()],
                smallvec![batch, directions, hidden],
            ),
        };
        let dtype = cx.dtype(0)?;
        cx.set_tensor(0, dtype, Some(y));
        for i in 1..cx.output_count() {
            cx.set_tensor(i, dtype, Some(state.clone()));
        }
        Ok(())
    }
}

impl Rnn {
    /// The sizes, from the inputs' dims, which must agree; `None` where the ranks are not known.
    pub fn sizes(&self, dims: impl Fn(usize) -> Option<Dims>) -> Result<Option<Sizes>> {
        let (Some(x), Some(r)) = (dims(0), dims(2)) else { return Ok(None) };
        for (i, dims) in [(0, &x), (2, &r)] {
            ensure!(dims.len() == 3, InvalidModel, "input {i} must have rank 3, got shape {dims:?}");
        }
        let (steps, batch) = if self.batch_first { (&x[1], &x[0]) } else { (&x[0], &x[1]) };
        let hidden = self.hidden.map_or_else(|| r[2 - self.gates_last as usize].clone(), Dim::from);
        let sizes =
            Sizes { steps: steps.clone(), batch: batch.clone(), input: x[2].clone(), hidden: hidden.clone() };

        let gates = Dim::from(self.cell.gates()) * hidden.clone();
        let d = || Dim::from(self.reverse.len());
        let weights = |depth: Dim| -> Dims {
            if self.gates_last {
                smallvec![d(), depth, gates.clone()]
            } else {
                smallvec![d(), gates.clone(), depth]
            }
        };
        let state: Dims = match self.batch_first {
            false => smallvec![d(), batch.clone(), hidden.clone()],
            true => smallvec![batch.clone(), d(), hidden.clone()],
        };
        let expected: [(usize, Dims); 7] = [
            (1, weights(x[2].clone())),
            (2, weights(hidden.clone())),
            (3, smallvec![d(), gates.clone() * Dim::from(2)]),
            (4, smallvec![batch.clone()]),
            (5, state.clone()),
            (6, state),
            (7, smallvec![d(), hidden * Dim::from(3)]),
        ];
        for (i, expected) in expected {
            let Some(dims) = dims(i) else { continue };
            let fits = |(a, b): (&Dim, &Dim)| a == b || a.known().is_none() || b.known().is_none();
            ensure!(
                dims.len() == expected.len() && dims.iter().zip(&expected).all(fits),
                InvalidModel,
                "input {i} must have shape {expected:?}, got {dims:?}"
            );
        }
        Ok(Some(sizes))
    }
}

/// The activations of every direction; the attributes may name those of one or of two.
fn activations(a: &mut Attrs, cell: Cell, directions: usize) -> Result<Vec<Activation>> {
    let count = cell.activations().len();
    let names =
        a.strs("activations")?.unwrap_or_else(|| cell.activations().iter().map(|s| s.to_string()).collect());
    ensure!(
        names.len() == count || names.len() == 2 * count,
        InvalidModel,
        "expected {count} activations per direction, got {}",
        names.join(", ")
    );
    let mut alphas = a.floats("activation_alpha")?.unwrap_or_default().into_iter();
    let mut betas = a.floats("activation_beta")?.unwrap_or_default().into_iter();
    let named = names.iter().map(|name| {
        let lower = name.to_ascii_lowercase();
        let &(_, function, alpha, beta) = FUNCTIONS
            .iter()
            .find(|(known, ..)| *known == lower)
            .ok_or_else(|| err!(InvalidModel, "'{name}' is no activation of a recurrent layer"))?;
        let next = |default: Option<f32>, given: &mut dyn Iterator<Item = f32>| {
            default.map_or(0.0, |default| given.next().unwrap_or(default))
        };
        Ok(Activation { function, alpha: next(alpha, &mut alphas), beta: next(beta, &mut betas) })
    });
    let named = named.collect::<Result<Vec<_>>>()?;
    Ok(named.into_iter().cycle().take(count * directions).collect())
}
