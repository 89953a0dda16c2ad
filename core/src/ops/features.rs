//! Binarizer, Imputer, Normalizer, Scaler, ArrayFeatureExtractor, FeatureVectorizer, OneHotEncoder: what is
//! done to features before a model sees them.
//!
//! All of ai.onnx.ml 1. Numbers are f32, f64, i32 or i64; Normalizer, Scaler, FeatureVectorizer and
//! OneHotEncoder give f32.

use super::class_scores::Labels;
use super::{Attrs, Operator};
use crate::graph::{Dims, Infer};
use crate::{DType, Dim, Result};

/// 1 above a threshold, 0 elsewhere.
#[derive(Clone, Debug)]
pub struct Binarizer {
    /// The threshold.
    pub threshold: f32,
}

impl Operator for Binarizer {
    fn parse(a: &mut Attrs) -> Result<Binarizer> {
        a.arity(1..=1, 1..=1)?;
        Ok(Binarizer { threshold: a.float_or("threshold", 0.0)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.like_input()
    }
}

/// Other values in place of one value.
#[derive(Clone, Debug)]
pub struct Imputer {
    /// What is replaced in floats; NaN means every NaN.
    pub replaced_float: f32,
    /// What is replaced in integers.
    pub replaced_int: i64,
    /// By what, for each column or for all, in floats.
    pub floats: Vec<f32>,
    /// The same in integers.
    pub ints: Vec<i64>,
}

impl Operator for Imputer {
    fn parse(a: &mut Attrs) -> Result<Imputer> {
        a.arity(1..=1, 1..=1)?;
        Ok(Imputer {
            replaced_float: a.float_or("replaced_value_float", 0.0)?,
            replaced_int: a.int_or("replaced_value_int64", 0)?,
            floats: a.floats("imputed_value_floats")?.unwrap_or_default(),
            ints: a.ints("imputed_value_int64s")?.unwrap_or_default(),
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let count = if cx.dtype(0)?.is_float() { self.floats.len() } else { self.ints.len() };
        one_or_per_column(cx, "imputed values", count)?;
        cx.like_input()
    }
}

/// What rows are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The largest element.
    Max,
    /// The sum of absolute values.
    L1,
    /// The root of the sum of squares.
    L2,
}

/// Rows divided by their norm.
#[derive(Clone, Debug)]
pub struct Normalizer {
    /// Which.
    pub norm: Norm,
}

impl Operator for Normalizer {
    fn parse(a: &mut Attrs) -> Result<Normalizer> {
        a.arity(1..=1, 1..=1)?;
        Ok(Normalizer { norm: a.choice("norm", &[("MAX", Norm::Max), ("L1", Norm::L1), ("L2", Norm::L2)])? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dims = cx.dims(0).cloned();
        cx.dtype(0)?;
        cx.set_tensor(0, DType::F32, dims);
        Ok(())
    }
}

/// (x - offset) · scale
#[derive(Clone, Debug)]
pub struct Scaler {
    /// Of each column or of all.
    pub offset: Vec<f32>,
    /// Of each column or of all.
    pub scale: Vec<f32>,
}

impl Operator for Scaler {
    fn parse(a: &mut Attrs) -> Result<Scaler> {
        a.arity(1..=1, 1..=1)?;
        Ok(Scaler {
            offset: a.floats("offset")?.unwrap_or_else(|| vec![0.0]),
            scale: a.floats("scale")?.unwrap_or_else(|| vec![1.0]),
        })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        one_or_per_column(cx, "offsets", self.offset.len())?;
        one_or_per_column(cx, "scales", self.scale.len())?;
        let dims = cx.dims(0).cloned();
        cx.set_tensor(0, DType::F32, dims);
        Ok(())
    }
}

fn one_or_per_column(cx: &Infer<'_>, what: &str, count: usize) -> Result<()> {
    let columns = cx.dims(0).and_then(|d| d.last()).and_then(Dim::size);
    let fits = count == 1 || columns.is_none_or(|c| c == count) && count > 0;
    ensure!(fits, InvalidModel, "expected {what} for {columns:?} columns or one for all, got {count}");
    Ok(())
}

/// Some columns.
#[derive(Clone, Debug)]
pub struct ArrayFeatureExtractor;

impl Operator for ArrayFeatureExtractor {
    fn parse(a: &mut Attrs) -> Result<ArrayFeatureExtractor> {
        a.arity(2..=2, 1..=1)?;
        Ok(ArrayFeatureExtractor)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let count = cx.dims(1).map(|d| d.iter().cloned().fold(Dim::from(1), |n, d| n * d));
        let count = count.unwrap_or_else(|| cx.unknown_dim());
        let dims = match cx.dims(0).map(|d| d.as_slice()) {
            None => None,
            Some([]) => bail!(InvalidModel, "a scalar has no columns"),
            // A vector becomes a matrix of one row, as every runtime does.
            Some([_]) => Some(Dims::from_iter([Dim::from(1), count])),
            Some([outer @ .., _]) => Some(outer.iter().cloned().chain([count]).collect()),
        };
        let dtype = cx.dtype(0)?;
        cx.set_tensor(0, dtype, dims);
        Ok(())
    }
}

/// The columns of all inputs side by side.
#[derive(Clone, Debug)]
pub struct FeatureVectorizer {
    /// Columns that each input has there: cut off, or filled up with zeros.
    pub columns: Option<Vec<usize>>,
}

impl Operator for FeatureVectorizer {
    fn parse(a: &mut Attrs) -> Result<FeatureVectorizer> {
        a.arity(1..=usize::MAX, 1..=1)?;
        let columns = a.ints("inputdimensions")?;
        if let Some(columns) = &columns {
            ensure!(
                columns.len() == a.input_count() && columns.iter().all(|&c| c >= 0),
                InvalidModel,
                "inputdimensions must have one size per input, got {columns:?} for {} inputs",
                a.input_count()
            );
        }
        Ok(FeatureVectorizer { columns: columns.map(|c| c.into_iter().map(|c| c as usize).collect()) })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let mut rows = None;
        let mut total = Some(Dim::from(0));
        for i in 0..cx.input_count() {
            cx.dtype(i)?;
            let (r, c) = match cx.dims(i).map(|d| d.as_slice()) {
                None => (None, None),
                Some([c]) => (Some(Dim::from(1)), Some(c.clone())),
                Some([r, c]) => (Some(r.clone()), Some(c.clone())),
                Some(other) => bail!(InvalidModel, "expected features of shape [C] or [N, C], got {other:?}"),
            };
            if let (Some(a), Some(b)) = (rows.as_ref().and_then(Dim::known), r.as_ref().and_then(Dim::known))
            {
                ensure!(a == b, InvalidModel, "inputs have {a} and {b} rows");
            }
            rows = rows.or(r);
            let c = self.columns.as_ref().map(|c| Dim::from(c[i])).or(c);
            total = total.zip(c).map(|(total, c)| total + c);
        }
        let rows = rows.unwrap_or_else(|| cx.unknown_dim());
        let total = total.unwrap_or_else(|| cx.unknown_dim());
        cx.set_tensor(0, DType::F32, Some(Dims::from_iter([rows, total])));
        Ok(())
    }
}

/// A 1 at the place of the category, along a new last axis.
#[derive(Clone, Debug)]
pub struct OneHotEncoder {
    /// The categories.
    pub categories: Labels,
    /// Whether an unknown category gives zeros instead of an error.
    pub zeros: bool,
}

impl Operator for OneHotEncoder {
    fn parse(a: &mut Attrs) -> Result<OneHotEncoder> {
        a.arity(1..=1, 1..=1)?;
        let categories = Labels::parse(a, "cats_int64s", "cats_strings")?;
        ensure!(!categories.is_empty(), InvalidModel, "one of cats_int64s and cats_strings must be given");
        Ok(OneHotEncoder { categories, zeros: a.flag("zeros", true)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let dtype = cx.dtype(0)?;
        ensure!(
            (dtype == DType::Str) == (self.categories.dtype() == DType::Str),
            InvalidModel,
            "categories of type {} cannot be found in {dtype}",
            self.categories.dtype()
        );
        let count = Dim::from(self.categories.len());
        let dims = cx.dims(0).map(|d| d.iter().cloned().chain([count]).collect());
        cx.set_tensor(0, DType::F32, dims);
        Ok(())
    }
}
