//! Tensors in a folder that every engine can read: `tensors.json` says what they are, `tensors.bin` has their
//! bytes, one after the other.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A tensor with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The input or output that it is for.
    pub name: String,
    /// The element type in short: `f32`, `i64`, `u8` …
    pub dtype: String,
    /// The sizes of the axes.
    pub dims: Vec<usize>,
    /// The elements, little-endian.
    pub bytes: Vec<u8>,
}

/// What the index says of a tensor.
#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    dtype: String,
    dims: Vec<usize>,
    /// How many bytes it has.
    bytes: usize,
}

const INDEX: &str = "tensors.json";
const BYTES: &str = "tensors.bin";

/// Writes tensors into a folder, in their order.
pub fn write_folder(folder: &Path, tensors: &[Tensor]) -> Result<()> {
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        std::fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))
    };
    let entry = |t: &Tensor| Entry {
        name: t.name.clone(),
        dtype: t.dtype.clone(),
        dims: t.dims.clone(),
        bytes: t.bytes.len(),
    };
    let entries: Vec<Entry> = tensors.iter().map(entry).collect();
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    write(INDEX, &serde_json::to_vec_pretty(&entries)?)?;
    write(BYTES, &tensors.iter().flat_map(|t| &t.bytes).copied().collect::<Vec<u8>>())
}

/// Reads the tensors of a folder.
pub fn read_folder(folder: &Path) -> Result<Vec<Tensor>> {
    let read = |name: &str| {
        let file = folder.join(name);
        std::fs::read(&file).with_context(|| format!("reading {}", file.display()))
    };
    let entries: Vec<Entry> = serde_json::from_slice(&read(INDEX)?)?;
    let mut left = &read(BYTES)?[..];
    let tensor = |Entry { name, dtype, dims, bytes }: Entry| {
        let (own, rest) = left.split_at_checked(bytes).with_context(|| format!("'{name}' is cut off"))?;
        left = rest;
        Ok(Tensor { name, dtype, dims, bytes: own.to_vec() })
    };
    entries.into_iter().map(tensor).collect()
}

impl Tensor {
    /// The elements as f64, where they are numbers of a common type.
    pub fn numbers(&self) -> Result<Vec<f64>> {
        macro_rules! each {
            ($T:ty) => {
                self.bytes
                    .as_chunks::<{ size_of::<$T>() }>()
                    .0
                    .iter()
                    .map(|b| <$T>::from_le_bytes(*b) as f64)
                    .collect()
            };
        }
        Ok(match self.dtype.as_str() {
            "f32" => each!(f32),
            "f64" => each!(f64),
            "i64" => each!(i64),
            "i32" => each!(i32),
            "i16" => each!(i16),
            "u16" => each!(u16),
            "i8" => each!(i8),
            "u8" | "bool" => each!(u8),
            other => anyhow::bail!("'{}': {other} is not compared", self.name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_back_what_was_written() {
        let tensor = |name: &str, dims: &[usize], bytes: Vec<u8>| Tensor {
            name: name.into(),
            dtype: "f32".into(),
            dims: dims.to_vec(),
            bytes,
        };
        let (half, two) = (1.5f32.to_le_bytes(), [2f32.to_le_bytes(), 3f32.to_le_bytes()].concat());
        let tensors =
            [tensor("a/b", &[], half.to_vec()), tensor("empty", &[0, 3], vec![]), tensor("two", &[2], two)];
        let folder = std::env::temp_dir().join(format!("edgewise-bench-{}", std::process::id()));
        write_folder(&folder, &tensors).unwrap();
        assert_eq!(read_folder(&folder).unwrap(), tensors);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(tensors[0].numbers().unwrap(), [1.5]);
        assert!(read_folder(&folder).is_err());
    }
}
