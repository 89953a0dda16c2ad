//! Tensors in a folder that every engine can read: `tensors.json` and a file of plain bytes for each.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A tensor with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// The input or output that it is for.
    pub name: String,
    /// The element type in short: `f32`, `i64`, `u8` …
    pub dtype: String,
    /// The sizes of the axes.
    pub dims: Vec<usize>,
    /// The elements, little-endian; in a file of their own.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

const INDEX: &str = "tensors.json";

/// Writes tensors into a folder, in their order: `0.bin`, `1.bin` …
pub fn write_folder(folder: &Path, tensors: &[Tensor]) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    for (i, tensor) in tensors.iter().enumerate() {
        let file = folder.join(format!("{i}.bin"));
        std::fs::write(&file, &tensor.bytes).with_context(|| format!("writing {}", file.display()))?;
    }
    let index = folder.join(INDEX);
    std::fs::write(&index, serde_json::to_string_pretty(tensors)?)
        .with_context(|| format!("writing {}", index.display()))
}

/// Reads the tensors of a folder.
pub fn read_folder(folder: &Path) -> Result<Vec<Tensor>> {
    let read = |name: &str| {
        let file = folder.join(name);
        std::fs::read(&file).with_context(|| format!("reading {}", file.display()))
    };
    let mut tensors: Vec<Tensor> = serde_json::from_slice(&read(INDEX)?)?;
    for (i, tensor) in tensors.iter_mut().enumerate() {
        tensor.bytes = read(&format!("{i}.bin"))?;
    }
    Ok(tensors)
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
        let tensors = [tensor("a/b", &[], 1.5f32.to_le_bytes().to_vec()), tensor("empty", &[0, 3], vec![])];
        let folder = std::env::temp_dir().join(format!("edgewise-bench-{}", std::process::id()));
        write_folder(&folder, &tensors).unwrap();
        assert_eq!(read_folder(&folder).unwrap(), tensors);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(tensors[0].numbers().unwrap(), [1.5]);
        assert!(read_folder(&folder).is_err());
    }
}
