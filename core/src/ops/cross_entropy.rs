//! NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: how unlikely the right classes are, given
//! log-probabilities or given scores. From opset 12; classes are axis 1. The mean is over the weights of
//! what is not ignored.

use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Result};

/// NegativeLogLikelihoodLoss or SoftmaxCrossEntropyLoss.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// Whether the input are scores of which softmax makes probabilities.
    pub softmax: bool,
    /// What becomes of the samples' losses.
    pub reduction: Reduction,
    /// The class of samples that do not count.
    pub ignored: Option<i64>,
}

/// What becomes of the samples' losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Reduction {
    None,
    Sum,
    Mean,
}

impl Operator for CrossEntropy {
    fn parse(a: &mut Attrs) -> Result<CrossEntropy> {
        let softmax = a.op() == "SoftmaxCrossEntropyLoss";
        a.arity(2..=3, 1..=if softmax { 2 } else { 1 })?;
        let choices = [("mean", Reduction::Mean), ("sum", Reduction::Sum), ("none", Reduction::None)];
        Ok(CrossEntropy {
            softmax,
            reduction: a.choice("reduction", &choices)?,
            ignored: a.int("ignore_index")?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        let labels = cx.dtype(1)?;
        ensure!(
            matches!(labels, DType::I32 | DType::I64),
            InvalidModel,
            "input 1 must hold i32 or i64 classes, got {labels}"
        );
        let mut samples = cx.dims(1).cloned();
        if let Some(x) = cx.dims(0) {
            ensure!(x.len() >= 2, InvalidModel, "expected a batch and a class axis, got shape {x:?}");
            let expected: Dims = [&x[..1], &x[2..]].concat().into();
            if let Some(given) = &samples {
                let mut pairs = given.iter().zip(&expected);
                ensure!(
                    given.len() == expected.len()
                        && pairs.all(|(a, b)| a == b || a.known().is_none() || b.known().is_none()),
                    InvalidModel,
                    "input 1 must have shape {expected:?}, got {given:?}"
                );
            }
            samples = Some(expected);
            if let Some(weights) = cx.dims(2) {
                let fits = |len: i64| x[1].known().is_none_or(|classes| classes == len);
                ensure!(
                    weights.len() == 1 && weights[0].known().is_none_or(fits),
                    InvalidModel,
                    "input 2 must have shape [{}], got {weights:?}",
                    x[1]
                );
            }
        }
        cx.set_tensor(0, dtype, if self.reduction == Reduction::None { samples } else { Some(Dims::new()) });
        let scores = cx.dims(0).cloned();
        cx.set_tensor(1, dtype, scores);
        Ok(())
    }
}
