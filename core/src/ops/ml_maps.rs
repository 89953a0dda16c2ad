//! ZipMap, DictVectorizer, CastMap: between tensors and maps. All of ai.onnx.ml 1.

use super::class_scores::Labels;
use super::{Attrs, Operator};
use crate::graph::{Dims, Fact, Infer};
use crate::{DType, Dim, Kind, Result};

/// A sequence of maps, one per row, from labels to the row's elements.
#[derive(Clone, Debug)]
pub struct ZipMap {
    /// The keys.
    pub labels: Labels,
}

impl Operator for ZipMap {
    fn parse(a: &mut Attrs) -> Result<ZipMap> {
        a.arity(1..=1, 1..=1)?;
        let labels = Labels::parse(a, "classlabels_int64s", "classlabels_strings")?;
        ensure!(!labels.is_empty(), InvalidModel, "class labels must be given");
        Ok(ZipMap { labels })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let columns = cx.dims(0).and_then(|d| d.last()).and_then(Dim::size);
        ensure!(
            columns.is_none_or(|c| c == self.labels.len()),
            InvalidModel,
            "{} labels for {columns:?} columns",
            self.labels.len()
        );
        cx.set(0, Fact::of(Kind::Sequence(Box::new(self.map_kind()))));
        Ok(())
    }
}

impl ZipMap {
    /// The kind of the maps.
    pub fn map_kind(&self) -> Kind {
        Kind::Map(self.labels.dtype(), Box::new(Kind::Tensor(DType::F32)))
    }
}

/// A map's values at the places that a vocabulary gives its keys.
#[derive(Clone, Debug)]
pub struct DictVectorizer {
    /// The keys, in the order of the result.
    pub vocabulary: Labels,
}

impl Operator for DictVectorizer {
    fn parse(a: &mut Attrs) -> Result<DictVectorizer> {
        a.arity(1..=1, 1..=1)?;
        let vocabulary = Labels::parse(a, "int64_vocabulary", "string_vocabulary")?;
        ensure!(!vocabulary.is_empty(), InvalidModel, "a vocabulary must be given");
        Ok(DictVectorizer { vocabulary })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (key, dtype) = map_types(cx)?;
        ensure!(
            key == self.vocabulary.dtype(),
            InvalidModel,
            "a vocabulary of {} cannot hold keys of type {key}",
            self.vocabulary.dtype()
        );
        cx.set_tensor(0, dtype, Some(Dims::from_iter([Dim::from(1), Dim::from(self.vocabulary.len())])));
        Ok(())
    }
}

/// A map's values in the order of its integer keys, as another type.
#[derive(Clone, Debug)]
pub struct CastMap {
    /// The type of the result.
    pub to: DType,
    /// The length of a result in which keys are places; `None` puts values side by side.
    pub sparse: Option<usize>,
}

impl Operator for CastMap {
    fn parse(a: &mut Attrs) -> Result<CastMap> {
        a.arity(1..=1, 1..=1)?;
        let types = [("TO_FLOAT", DType::F32), ("TO_STRING", DType::Str), ("TO_INT64", DType::I64)];
        let to = a.choice("cast_to", &types)?;
        let len = a.int_or("max_map", 1)?;
        let sparse = a.choice("map_form", &[("DENSE", false), ("SPARSE", true)])?;
        ensure!(!sparse || len > 0, InvalidModel, "max_map must be positive, got {len}");
        Ok(CastMap { to, sparse: sparse.then_some(len as usize) })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let (key, _) = map_types(cx)?;
        ensure!(key == DType::I64, InvalidModel, "keys must be integers, got {key}");
        let len = self.sparse.map_or_else(|| cx.unknown_dim(), Dim::from);
        cx.set_tensor(0, self.to, Some(Dims::from_iter([Dim::from(1), len])));
        Ok(())
    }
}

fn map_types(cx: &Infer<'_>) -> Result<(DType, DType)> {
    match &cx.input(0)?.kind {
        Kind::Map(key, value) if value.dtype().is_some() => Ok((*key, value.dtype().unwrap_or(DType::F32))),
        other => Err(err!(InvalidModel, "input 0 must be a map to numbers or strings, got {other}")),
    }
}
