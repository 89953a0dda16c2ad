//! TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor: forests of decision trees.
//!
//! The classifier and the regressor (ai.onnx.ml 1; 3 adds f64 parameters as tensors; deprecated in 5) list
//! nodes by tree and node id, leaves among them, and the votes of leaves beside them. TreeEnsemble (5) lists
//! inner nodes and leaves apart. All become one [`Forest`], which is sound by construction: every index is in
//! range and no path comes back to where it was.

use super::class_scores::{Labels, PostTransform, infer_classifier, infer_regressor};
use super::{Attrs, Operator};
use crate::graph::Infer;
use crate::{DType, Result};
use std::ops::Range;

mod forest;
mod parse;

pub use forest::{Forest, Node, Test, Vote};

/// How the votes of trees become one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// TreeEnsemble or TreeEnsembleRegressor.
#[derive(Clone, Debug)]
pub struct TreeEnsemble {
    /// The trees.
    pub forest: Forest,
    /// How votes become one.
    pub aggregate: Aggregate,
    /// What becomes of results.
    pub post: PostTransform,
    /// Added to the results before that; none means zeros.
    pub base: Vec<f64>,
    /// Whether the result is f32 whatever the input is.
    to_f32: bool,
}

impl Operator for TreeEnsemble {
    fn parse(a: &mut Attrs) -> Result<TreeEnsemble> {
        a.arity(1..=1, 1..=1)?;
        if a.op() == "TreeEnsemble" {
            return parse::ensemble(a);
        }
        let targets = a.int("n_targets")?;
        let targets = a.required("n_targets", targets)?;
        let targets = usize::try_from(targets).ok().filter(|&t| t > 0);
        let targets = targets.ok_or_else(|| err!(InvalidModel, "n_targets must be positive"))?;
        let forest = parse::forest(a, "target", targets)?;
        let aggregates = [
            ("SUM", Aggregate::Sum),
            ("AVERAGE", Aggregate::Average),
            ("MIN", Aggregate::Min),
            ("MAX", Aggregate::Max),
        ];
        let aggregate = a.choice("aggregate_function", &aggregates)?;
        let (base, _) = parse::numbers(a, "base_values")?;
        let (have, none) = (base.len(), base.is_empty());
        ensure!(none || have == targets, InvalidModel, "expected {targets} base values, got {have}");
        Ok(TreeEnsemble { forest, aggregate, post: PostTransform::parse(a)?, base, to_f32: true })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = if self.to_f32 { DType::F32 } else { cx.dtype(0)? };
        infer_regressor(cx, dtype, self.forest.targets)
    }
}

/// TreeEnsembleClassifier.
#[derive(Clone, Debug)]
pub struct TreeEnsembleClassifier {
    /// The trees; targets are classes.
    pub forest: Forest,
    /// The names of classes.
    pub labels: Labels,
    /// What becomes of scores.
    pub post: PostTransform,
    /// Added to the scores before that; none means zeros.
    pub base: Vec<f64>,
}

impl Operator for TreeEnsembleClassifier {
    fn parse(a: &mut Attrs) -> Result<TreeEnsembleClassifier> {
        a.arity(1..=1, 2..=2)?;
        let labels = Labels::parse(a, "classlabels_int64s", "classlabels_strings")?;
        ensure!(!labels.is_empty(), InvalidModel, "class labels must be given");
        let forest = parse::forest(a, "class", labels.len())?;
        let (base, _) = parse::numbers(a, "base_values")?;
        let (have, want) = (base.len(), labels.len());
        let fits = have == 0 || have == want || have == 1 && want == 2;
        ensure!(fits, InvalidModel, "expected {want} base values, got {have}");
        Ok(TreeEnsembleClassifier { forest, labels, post: PostTransform::parse(a)?, base })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        infer_classifier(cx, &self.labels, Some(self.labels.len()))
    }
}

impl Forest {
    /// The votes that a range of them is.
    pub fn votes(&self, range: &Range<usize>) -> &[Vote] {
        &self.votes[range.clone()]
    }
}
