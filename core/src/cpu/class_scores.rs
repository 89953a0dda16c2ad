//! What the classifiers and regressors of ai.onnx.ml share on the CPU. Scores are f64 until they are
//! written.

use super::Io;
use crate::ops::class_scores::{Labels, PostTransform};
use crate::{Num, Result, View};
use std::f64::consts::{PI, SQRT_2};

/// A matrix of features.
pub struct Features {
    /// How many rows.
    pub rows: usize,
    /// How many columns.
    pub columns: usize,
    data: Vec<f64>,
}

impl Features {
    /// Any numbers; a vector is one row.
    pub fn new(x: View<'_>) -> Result<Features> {
        let (rows, columns) = match *x.shape() {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => bail!(InvalidInput, "expected features of shape [C] or [N, C], got {x:?}"),
        };
        let mut data = Vec::new();
        data.try_reserve_exact(x.len()).map_err(|_| err!(OutOfMemory, "no memory for {x:?}"))?;
        for_num!(x.dtype(), T => {
            data.extend(x.slice::<T>()?.iter().map(|&x| Num::to_f64(x)));
            Ok(())
        })?;
        Ok(Features { rows, columns, data })
    }

    /// One row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.columns..][..self.columns]
    }
}

/// The sum of products.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The position of the largest number, the first of equals; 0 of none.
pub fn argmax(x: &[f64]) -> usize {
    let mut best = 0;
    for (i, &value) in x.iter().enumerate() {
        if value > x[best] {
            best = i;
        }
    }
    best
}

/// Writes a classifier's outputs: row `i` has the class `answers[i].0` and the scores `answers[i].1`.
pub fn write_classes(io: &mut Io<'_>, labels: &Labels, answers: &[(usize, Vec<f64>)]) -> Result<()> {
    if io.wants(0) {
        let y = io.output(0)?;
        let missing = |class: usize| err!(InvalidModel, "class {class} has no label");
        match labels {
            // Without labels the classes are their own.
            Labels::Ints(labels) => {
                for (y, &(class, _)) in y.into_slice::<i64>()?.iter_mut().zip(answers) {
                    let label = labels.get(class).copied().or(labels.is_empty().then_some(class as i64));
                    *y = label.ok_or_else(|| missing(class))?;
                }
            }
            Labels::Strings(labels) => {
                for (y, &(class, _)) in y.into_strings()?.iter_mut().zip(answers) {
                    *y = labels.get(class).cloned().ok_or_else(|| missing(class))?;
                }
            }
        }
    }
    if io.wants(1) {
        let width = answers.first().map_or(0, |(_, scores)| scores.len());
        let y = match answers.is_empty() {
            true => io.output(1)?,
            false => io.make(1, crate::DType::F32, &[answers.len(), width])?,
        };
        write_scores(y.into_slice()?, answers.iter().map(|(_, scores)| scores.as_slice()));
    }
    Ok(())
}

/// Writes rows of scores.
pub fn write_scores<'a>(y: &mut [f32], rows: impl Iterator<Item = &'a [f64]>) {
    y.iter_mut().zip(rows.flatten()).for_each(|(y, &score)| *y = score as f32);
}

impl PostTransform {
    /// The scores of two classes from that of the second. Runtimes leave softmax out here.
    pub fn two_of_one(self, score: f64, probability: bool) -> Vec<f64> {
        match self {
            PostTransform::Logistic => vec![logistic(-score), logistic(score)],
            PostTransform::Probit => vec![probit(1.0 - score), probit(score)],
            _ if probability => vec![1.0 - score, score],
            _ => vec![-score, score],
        }
    }

    /// Applies it to the scores of one row.
    pub fn apply(self, scores: &mut [f64]) {
        match self {
            PostTransform::None => {}
            PostTransform::Logistic => scores.iter_mut().for_each(|s| *s = logistic(*s)),
            PostTransform::Probit => scores.iter_mut().for_each(|s| *s = probit(*s)),
            PostTransform::Softmax => {
                let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                scores.iter_mut().for_each(|s| *s = (*s - max).exp());
                normalize(scores);
            }
            // As softmax, but what is zero stays zero.
            PostTransform::SoftmaxZero => {
                let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                scores.iter_mut().for_each(|s| {
                    *s = if s.abs() > 1e-7 { (*s - max).exp() } else { *s * (-max).exp() };
                });
                normalize(scores);
            }
        }
    }
}

fn normalize(scores: &mut [f64]) {
    let sum: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|s| *s = if sum == 0.0 { 0.5 } else { *s / sum });
}

/// The logistic function.
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The quantile of the normal distribution, by Winitzki's approximation as runtimes compute it.
fn probit(p: f64) -> f64 {
    let x = 2.0 * p - 1.0;
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let v = 2.0 / (PI * 0.147) + 0.5 * log;
    let root = (-v + (v * v - log / 0.147).sqrt()).sqrt();
    SQRT_2 * if x < 0.0 { -root } else { root }
}
