//! What the classifiers and regressors of ai.onnx.ml share: class labels, what becomes of scores, and the
//! shapes of their outputs.

use super::Attrs;
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// What becomes of scores in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "ONNX's names say it")]
pub enum PostTransform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl PostTransform {
    /// Reads the attribute, which is a name.
    pub fn parse(a: &mut Attrs) -> Result<PostTransform> {
        a.choice(
            "post_transform",
            &[
                ("NONE", PostTransform::None),
                ("SOFTMAX", PostTransform::Softmax),
                ("LOGISTIC", PostTransform::Logistic),
                ("SOFTMAX_ZERO", PostTransform::SoftmaxZero),
                ("PROBIT", PostTransform::Probit),
            ],
        )
    }
}

/// The names of classes.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Labels {
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

impl Labels {
    /// Reads both attributes, of which one may be given.
    pub fn parse(a: &mut Attrs, ints: &str, strings: &str) -> Result<Labels> {
        let empty = |n: usize| n == 0;
        let ints_given = a.ints(ints)?.filter(|v| !empty(v.len()));
        let strings_given = a.strs(strings)?.filter(|v| !empty(v.len()));
        match (ints_given, strings_given) {
            (Some(_), Some(_)) => Err(err!(InvalidModel, "only one of {ints} and {strings} may be given")),
            (_, Some(labels)) => Ok(Labels::Strings(labels)),
            (labels, None) => Ok(Labels::Ints(labels.unwrap_or_default())),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Labels::Ints(labels) => labels.len(),
            Labels::Strings(labels) => labels.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// These, or 0 and 1 where they do not name two classes: what one score decides.
    pub fn or_numbers(&self) -> Labels {
        match self {
            Labels::Ints(labels) if labels.len() == 1 => Labels::Ints(vec![0, 1]),
            Labels::Strings(labels) if labels.len() == 1 => Labels::Strings(vec!["0".into(), "1".into()]),
            labels => labels.clone(),
        }
    }

    /// Their element type.
    pub fn dtype(&self) -> DType {
        match self {
            Labels::Ints(_) => DType::I64,
            Labels::Strings(_) => DType::Str,
        }
    }
}

/// The dims of features: a vector is one row.
pub fn rows_and_columns(cx: &mut Infer<'_>) -> Result<(Dim, Dim)> {
    Ok(match cx.dims(0).map(|d| d.as_slice()) {
        None => (cx.unknown_dim(), cx.unknown_dim()),
        Some([columns]) => (Dim::from(1), columns.clone()),
        Some([rows, columns]) => (rows.clone(), columns.clone()),
        Some(other) => bail!(InvalidModel, "expected features of shape [C] or [N, C], got {other:?}"),
    })
}

/// A classifier's outputs: a label and `scores` scores for every row.
pub fn infer_classifier(cx: &mut Infer<'_>, labels: &Labels, scores: Option<usize>) -> Result<()> {
    let (rows, _) = rows_and_columns(cx)?;
    let scores = scores.map_or_else(|| cx.unknown_dim(), Dim::from);
    cx.set_tensor(0, labels.dtype(), Some(Dims::from_iter([rows.clone()])));
    cx.set_tensor(1, DType::F32, Some(Dims::from_iter([rows, scores])));
    Ok(())
}

/// A regressor's output: `targets` numbers for every row.
pub fn infer_regressor(cx: &mut Infer<'_>, dtype: DType, targets: usize) -> Result<()> {
    let (rows, _) = rows_and_columns(cx)?;
    cx.set_tensor(0, dtype, Some(Dims::from_iter([rows, Dim::from(targets)])));
    Ok(())
}
