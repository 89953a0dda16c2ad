//! Tensors of a file: small ones are read at once, large ones stay where they are.

use super::skim::Payloads;
use super::stored::{Reads, Stored};
use super::{Source, proto};
use crate::graph::Constant;
use crate::tensor::{byte_count, element_count};
use crate::{DType, ErrorKind, Limits, Num, Result, Shape, Tensor};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files with external data, each opened once.
pub struct Files {
    model: Arc<dyn Source>,
    opened: Vec<(String, Arc<dyn Source>)>,
    /// What was taken along while the model passed, until a tensor claims it.
    payloads: Payloads,
    /// What tensors have claimed: a function's is claimed wherever it is called.
    claimed: BTreeMap<u64, Stored>,
    limits: Limits,
    /// Bytes of constants that were written out so far.
    made: u64,
    /// Bytes of constants that will be loaded.
    stored: u64,
    reads: Reads,
}

/// Names may share bytes of a file (tied weights do), but only so often: weights take at most this many times
/// the files' bytes when they are loaded.
const SHARES: u64 = 4;

impl Files {
    /// For a model in `source`, of which those payloads were taken along.
    pub fn new(source: Arc<dyn Source>, payloads: Payloads, limits: &Limits) -> Files {
        let (opened, claimed, reads) = (Vec::new(), BTreeMap::new(), Reads::default());
        Files { model: source, opened, payloads, claimed, limits: limits.clone(), made: 0, stored: 0, reads }
    }

    /// How the reading of its weights goes, from here on.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// A constant from a tensor message.
    pub fn constant(&mut self, t: &proto::Tensor) -> Result<Constant> {
        self.read(t).map_err(|e| err_in(e, &t.name))
    }

    /// A tensor that must be in memory: an attribute's.
    pub fn tensor(&mut self, t: &proto::Tensor) -> Result<Tensor> {
        let elsewhere = || err!(Unsupported, "tensor '{}' of an attribute lies in another file", t.name);
        match self.constant(t)? {
            Constant::Tensor(tensor) => Ok(tensor),
            Constant::Stored(stored) => stored.loaded().cloned().ok_or_else(elsewhere),
            Constant::Derived(_) | Constant::Packed(..) => Err(elsewhere()),
        }
    }

    fn read(&mut self, t: &proto::Tensor) -> Result<Constant> {
        let dtype = proto::dtype(t.dtype)?;
        let shape = sizes(&t.dims)?;
        if t.is_external {
            return self.external(t, dtype, shape);
        }
        if let Some(range) = &t.stored {
            let (source, len) = (self.model.clone(), range.end - range.start);
            self.count(len)?;
            if let Some(claimed) = self.claimed.get(&range.start) {
                return Ok(Constant::Stored(claimed.clone()));
            }
            let stored = self.stored(&t.name, (dtype, shape), source, range.start, len)?;
            if let Some(payload) = self.payloads.remove(&range.start) {
                stored.fill(payload)?;
                self.claimed.insert(range.start, stored.clone());
            }
            return Ok(Constant::Stored(stored));
        }
        let bytes = byte_count(dtype, &shape)? as u64;
        self.made += bytes;
        ensure!(
            self.made <= self.limits.max_bytes,
            LimitExceeded,
            "constants take more than the limit of {} bytes",
            self.limits.max_bytes
        );
        Ok(Constant::Tensor(if dtype == DType::Str {
            Tensor::from_strings(&shape, t.strings.clone())?
        } else if let Some(raw) = &t.raw {
            Tensor::from_bytes(dtype, &shape, raw)?
        } else {
            typed(dtype, &shape, t)?
        }))
    }

    fn external(&mut self, t: &proto::Tensor, dtype: DType, shape: Shape) -> Result<Constant> {
        let entry = |key: &str| t.external.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        let number = |key: &str| match entry(key).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => match text.parse::<u64>() {
                Ok(n) => Ok(Some(n)),
                Err(_) => Err(err!(InvalidModel, "external data's {key} must be a number, got '{text}'")),
            },
        };
        let path = entry("location").ok_or_else(|| err!(InvalidModel, "external data has no location"))?;
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let source = self.open(path)?;
        let len = length.unwrap_or(byte_count(dtype, &shape)? as u64);
        self.count(len)?;
        self.stored(&t.name, (dtype, shape), source, offset, len).map(Constant::Stored)
    }

    fn stored(
        &self,
        name: &str,
        (dtype, shape): (DType, Shape),
        source: Arc<dyn Source>,
        offset: u64,
        len: u64,
    ) -> Result<Stored> {
        let bytes = byte_count(dtype, &shape)?;
        ensure!(dtype != DType::Str, InvalidModel, "strings cannot be raw data");
        ensure!(
            len == bytes as u64,
            InvalidModel,
            "{dtype}{shape:?} takes {bytes} bytes, its data has {len}"
        );
        let end = offset.checked_add(len).filter(|end| *end <= source.len());
        ensure!(
            end.is_some(),
            InvalidModel,
            "bytes {offset}..+{len} lie outside the {} bytes of {}",
            source.len(),
            source.name()
        );
        Ok(Stored::new(name, (dtype, shape), (source, offset, bytes), &self.reads))
    }

    fn count(&mut self, bytes: u64) -> Result<()> {
        let files =
            self.opened.iter().map(|(_, source)| source.len()).fold(self.model.len(), u64::saturating_add);
        self.stored = self.stored.saturating_add(bytes);
        ensure!(
            self.stored / SHARES <= files,
            LimitExceeded,
            "the weights name {} bytes, more than {SHARES} times the {files} bytes of the files",
            self.stored
        );
        Ok(())
    }

    fn open(&mut self, path: &str) -> Result<Arc<dyn Source>> {
        if let Some((_, source)) = self.opened.iter().find(|(name, _)| name == path) {
            return Ok(source.clone());
        }
        ensure!(stays_inside(path), InvalidModel, "external data '{path}' leads outside the model's folder");
        let source = self.model.beside(path)?;
        self.opened.push((path.into(), source.clone()));
        Ok(source)
    }

    /// A dense constant from a sparse one.
    pub fn dense(&mut self, s: &proto::Sparse) -> Result<Tensor> {
        self.scatter(s).map_err(|e| err_in(e, &s.values.name))
    }

    fn scatter(&mut self, s: &proto::Sparse) -> Result<Tensor> {
        let (values, indices) = (self.tensor(&s.values)?, self.tensor(&s.indices)?.view().to_i64s()?);
        let shape = sizes(&s.dims)?;
        self.made += byte_count(values.dtype(), &shape)? as u64;
        ensure!(self.made <= self.limits.max_bytes, LimitExceeded, "a sparse tensor is too large when dense");
        let mut dense = Tensor::zeros(values.dtype(), &shape)?;
        let (count, len, rank) = (values.len(), dense.len(), shape.len());
        let steps = crate::strides(&shape);
        // Indices are linear, or one row of coordinates per value.
        let rows = if indices.len() == count { 1 } else { rank };
        ensure!(
            indices.len() == count * rows,
            InvalidModel,
            "{count} sparse values have {} indices",
            indices.len()
        );
        for_width!(values.dtype(), T => {
            let (from, to) = (values.view().units::<T>(), dense.view_mut().into_units::<T>()?);
            for (value, at) in from.iter().zip(indices.chunks(rows.max(1))) {
                let linear = match at {
                    [one] => Some(*one),
                    many => many.iter().zip(&steps).try_fold(0i64, |sum, (&i, &step)| {
                        sum.checked_add(i.checked_mul(step as i64)?)
                    }),
                };
                let at = linear.and_then(|i| usize::try_from(i).ok()).filter(|i| *i < len);
                let at = at.ok_or_else(|| err!(InvalidModel, "a sparse index {at:?} lies outside {shape:?}"))?;
                to[at] = *value;
            }
            Ok(())
        })?;
        Ok(dense)
    }
}

/// Whether a path names something in the model's folder, by its text.
pub fn stays_inside(path: &str) -> bool {
    let escapes = path.is_empty()
        || path.starts_with(['/', '\\'])
        || path.contains(':')
        || path.split(['/', '\\']).any(|part| part == "..");
    !escapes
}

fn err_in(e: crate::Error, name: &str) -> crate::Error {
    let kind = match e.kind() {
        ErrorKind::InvalidInput => ErrorKind::InvalidModel,
        kind => kind,
    };
    crate::Error::new(kind, format!("tensor '{name}': {}", e.what()))
}

fn sizes(dims: &[i64]) -> Result<Shape> {
    dims.iter()
        .map(|&d| usize::try_from(d).map_err(|_| err!(InvalidModel, "a size must not be negative, got {d}")))
        .collect()
}

/// From the typed fields: floats, doubles, or integers that hold every other type.
fn typed(dtype: DType, shape: &[usize], t: &proto::Tensor) -> Result<Tensor> {
    match dtype {
        DType::F32 | DType::C64 => Tensor::from_bytes(dtype, shape, &t.floats),
        DType::F64 | DType::C128 => Tensor::from_bytes(dtype, shape, &t.doubles),
        // Two or four elements in each integer's low byte, as in raw data.
        _ if dtype.is_packed() || dtype.bits() == 8 => {
            let bytes: Vec<u8> = t.ints.iter().map(|&i| i as u8).collect();
            Tensor::from_bytes(dtype, shape, &bytes)
        }
        DType::F16 | DType::BF16 => {
            let bytes: Vec<u8> = t.ints.iter().flat_map(|&i| (i as u16).to_le_bytes()).collect();
            Tensor::from_bytes(dtype, shape, &bytes)
        }
        _ => {
            let (len, got) = (element_count(shape)?, t.ints.len());
            ensure!(len == got, InvalidModel, "{dtype}{shape:?} takes {len} elements, got {got}");
            let mut tensor = Tensor::zeros(dtype, shape)?;
            for_int!(dtype, T => {
                for (to, &from) in tensor.view_mut().into_slice::<T>()?.iter_mut().zip(&t.ints) {
                    *to = T::from_i64(from);
                }
                Ok(())
            })?;
            Ok(tensor)
        }
    }
}
