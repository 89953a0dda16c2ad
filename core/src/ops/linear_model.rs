//! LinearClassifier and LinearRegressor of ai.onnx.ml 1: scores are products of rows and coefficients.

use super::class_scores::{Labels, PostTransform, infer_classifier, infer_regressor, rows_and_columns};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};

/// LinearClassifier.
#[derive(Clone, Debug)]
pub struct LinearClassifier {
    /// One row of coefficients per score.
    pub coefficients: Vec<f64>,
    /// Added to the scores; none means zeros.
    pub intercepts: Vec<f64>,
    /// The names of classes.
    pub labels: Labels,
    /// What becomes of scores.
    pub post: PostTransform,
}

impl Operator for LinearClassifier {
    fn parse(a: &mut Attrs) -> Result<LinearClassifier> {
        a.arity(1..=1, 2..=2)?;
        a.ignore(&["multi_class"]);
        let coefficients = a.floats("coefficients")?;
        Ok(LinearClassifier {
            coefficients: wide(a.required("coefficients", coefficients)?),
            intercepts: wide(a.floats("intercepts")?.unwrap_or_default()),
            labels: Labels::parse(a, "classlabels_ints", "classlabels_strings")?,
            post: PostTransform::parse(a)?,
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (_, columns) = rows_and_columns(cx)?;
        let scores = match columns.size() {
            Some(columns) => Some(self.scores(columns)?),
            None => None,
        };
        infer_classifier(cx, &self.labels, scores.map(|n| if self.two_of_one(n) { 2 } else { n }))
    }
}

impl LinearClassifier {
    /// How many scores rows of that many columns give.
    pub fn scores(&self, columns: usize) -> Result<usize> {
        let scores = rows("coefficients", self.coefficients.len(), columns)?;
        let (have, none) = (self.intercepts.len(), self.intercepts.is_empty());
        ensure!(none || have == scores, InvalidModel, "expected {scores} intercepts, got {have}");
        Ok(scores)
    }

    /// Whether one score stands for two classes.
    pub fn two_of_one(&self, scores: usize) -> bool {
        scores == 1 && self.labels.len() == 2
    }
}

/// LinearRegressor.
#[derive(Clone, Debug)]
pub struct LinearRegressor {
    /// One row of coefficients per target.
    pub coefficients: Vec<f64>,
    /// Added to the results; none means zeros.
    pub intercepts: Vec<f64>,
    /// How many results there are.
    pub targets: usize,
    /// What becomes of results.
    pub post: PostTransform,
}

impl Operator for LinearRegressor {
    fn parse(a: &mut Attrs) -> Result<LinearRegressor> {
        a.arity(1..=1, 1..=1)?;
        let targets = a.int_or("targets", 1)?;
        let targets = usize::try_from(targets).ok().filter(|&t| t > 0);
        let targets = targets.ok_or_else(|| err!(InvalidModel, "targets must be positive"))?;
        let coefficients = wide(a.floats("coefficients")?.unwrap_or_default());
        let intercepts = wide(a.floats("intercepts")?.unwrap_or_default());
        let (have, none) = (intercepts.len(), intercepts.is_empty());
        ensure!(none || have == targets, InvalidModel, "expected {targets} intercepts, got {have}");
        Ok(LinearRegressor { coefficients, intercepts, targets, post: PostTransform::parse(a)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (_, columns) = rows_and_columns(cx)?;
        if let Some(columns) = columns.size() {
            self.check(columns)?;
        }
        infer_regressor(cx, DType::F32, self.targets)
    }
}

impl LinearRegressor {
    /// Refuses rows of another length than the coefficients are for.
    pub fn check(&self, columns: usize) -> Result<()> {
        let have = self.coefficients.len();
        let fits = columns.checked_mul(self.targets) == Some(have);
        ensure!(fits, InvalidModel, "{have} coefficients for {columns} columns and {} targets", self.targets);
        Ok(())
    }
}

/// f32 parameters as f64.
pub fn wide(x: Vec<f32>) -> Vec<f64> {
    x.into_iter().map(f64::from).collect()
}

fn rows(what: &str, len: usize, columns: usize) -> Result<usize> {
    let fits = columns > 0 && len > 0 && len.is_multiple_of(columns);
    ensure!(fits, InvalidModel, "{len} {what} do not make rows of {columns} columns");
    Ok(len / columns)
}
