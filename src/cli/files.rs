//! Inputs from files: which input a file is for, and what it holds.

use anyhow::{Context, Result, anyhow, bail, ensure};
use edgewise::models::{Package, npy, npz};
use edgewise::{DType, Kind, Port, Session, Tensor, Value, onnx};
use std::path::{Path, PathBuf};

/// Values by the names of a model's inputs.
#[derive(Default)]
pub struct Inputs {
    pub values: Vec<(String, Value)>,
    /// The pictures, in the order in which they lie in the batch.
    pub pictures: Vec<PathBuf>,
}

/// Reads every file: `named` ones first, then `files` for the inputs that are left, in order.
pub fn read(
    session: &Session,
    package: Option<&Package>,
    files: &[PathBuf],
    named: &[(String, PathBuf)],
) -> Result<Inputs> {
    let mut inputs = Inputs::default();
    for (name, file) in named {
        let port = named_port(session, name, file)?;
        let value = if is_picture(file) {
            inputs.pictures.push(file.clone());
            picture(package, file)?.into()
        } else {
            value(file, port)?
        };
        inputs.add(name, value, file)?;
    }
    let mut pictures = Vec::new();
    for file in files {
        if is_picture(file) {
            pictures.push(picture(package, file)?);
            inputs.pictures.push(file.clone());
        } else {
            inputs.read(session, file)?;
        }
    }
    if let (Some(package), [_, ..]) = (package, &pictures[..]) {
        let file = inputs.pictures.last().cloned().unwrap_or_default();
        inputs.add(&package.manifest().input.name, batch(&pictures)?.into(), &file)?;
    }
    Ok(inputs)
}

impl Inputs {
    fn add(&mut self, name: &str, value: Value, file: &Path) -> Result<()> {
        let twice = self.values.iter().any(|(other, _)| other == name);
        ensure!(!twice, "{}: input '{name}' is given twice", file.display());
        self.values.push((name.into(), value));
        Ok(())
    }

    /// A file without a name: an archive or object names its inputs itself, others take the next one.
    fn read(&mut self, session: &Session, file: &Path) -> Result<()> {
        let place = || file.display().to_string();
        match extension(file).as_str() {
            "npz" => {
                for (name, tensor) in npz::read(&bytes(file)?).with_context(place)? {
                    let port = named_port(session, &name, file)?;
                    self.add(&name, fit(tensor, port).with_context(place)?, file)?;
                }
            }
            "json" if json(file)?.is_object() => {
                let serde_json::Value::Object(object) = json(file)? else { return Ok(()) };
                for (name, value) in object {
                    let port = named_port(session, &name, file)?;
                    self.add(&name, from_json(&value, port).with_context(place)?.into(), file)?;
                }
            }
            _ => {
                let given = |port: &&Port| self.values.iter().any(|(name, _)| *name == port.name);
                let next = session.inputs().iter().find(|port| !given(port));
                let port = next.ok_or_else(|| {
                    anyhow!("{}: the model takes {} and all are given", place(), names(session))
                })?;
                let value = value(file, port)?;
                self.add(&port.name.clone(), value, file)?;
            }
        }
        Ok(())
    }
}

/// A file that holds one value.
fn value(file: &Path, port: &Port) -> Result<Value> {
    let place = || file.display().to_string();
    match extension(file).as_str() {
        "npy" => fit(npy::read(&bytes(file)?).with_context(place)?, port).with_context(place),
        "npz" => {
            let mut arrays = npz::read(&bytes(file)?).with_context(place)?;
            let at = arrays.iter().position(|(name, _)| *name == port.name || arrays.len() == 1);
            let at = at.ok_or_else(|| anyhow!("{}: it has no array '{}'", place(), port.name))?;
            fit(arrays.swap_remove(at).1, port).with_context(place)
        }
        "pb" => Ok(onnx::read_value(&place(), &bytes(file)?, &port.fact.kind)?),
        "json" => Ok(from_json(&json(file)?, port).with_context(place)?.into()),
        "txt" if port.fact.kind == Kind::Tensor(DType::Str) => {
            let text = String::from_utf8(bytes(file)?);
            let text = text.map_err(|_| anyhow!("{}: expected UTF-8 text", place()))?;
            let lines: Vec<String> = text.lines().map(str::to_string).collect();
            Ok(Tensor::from_strings(&[lines.len()], lines)?.into())
        }
        "txt" => bail!(
            "{}: input '{}' is {}, and only string inputs take text without a tokenizer",
            place(),
            port.name,
            port.fact
        ),
        _ => bail!("{}: expected .npy, .npz, .pb, .json, .txt or a picture", place()),
    }
}

/// A tensor from NumPy, brought to a type that NumPy lacks if the model wants such a one.
fn fit(tensor: Tensor, port: &Port) -> Result<Value> {
    Ok(match port.fact.dtype() {
        Some(dtype) => npy::narrow(tensor, dtype)?,
        None => tensor,
    }
    .into())
}

fn picture(package: Option<&Package>, file: &Path) -> Result<Tensor> {
    let package = package.ok_or_else(|| {
        anyhow!("{}: a model file says nothing of pictures; a package does", file.display())
    })?;
    package.picture(&bytes(file)?).with_context(|| file.display().to_string())
}

/// Samples of one shape as one tensor.
fn batch(samples: &[Tensor]) -> Result<Tensor> {
    let all: Vec<u8> = samples.iter().flat_map(|t| t.view().bytes().to_vec()).collect();
    let mut shape = samples[0].shape().to_vec();
    shape[0] = samples.len();
    Ok(Tensor::from_bytes(samples[0].dtype(), &shape, &all)?)
}

fn is_picture(file: &Path) -> bool {
    matches!(extension(file).as_str(), "png" | "jpg" | "jpeg" | "gif" | "bmp" | "webp")
}

fn extension(file: &Path) -> String {
    file.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn bytes(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}

fn json(file: &Path) -> Result<serde_json::Value> {
    serde_json::from_slice(&bytes(file)?).with_context(|| file.display().to_string())
}

fn named_port<'a>(session: &'a Session, name: &str, file: &Path) -> Result<&'a Port> {
    let port = session.inputs().iter().find(|p| p.name == name);
    port.ok_or_else(|| {
        anyhow!("{}: the model has no input '{name}'; it has {}", file.display(), names(session))
    })
}

fn names(session: &Session) -> String {
    session.inputs().iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A tensor of the input's type from nested lists.
fn from_json(value: &serde_json::Value, port: &Port) -> Result<Tensor> {
    let (mut shape, mut at) = (Vec::new(), value);
    while let Some(items) = at.as_array() {
        shape.push(items.len());
        match items.first() {
            Some(first) => at = first,
            None => break,
        }
    }
    let mut leaves = Vec::new();
    flatten(value, &shape, &mut leaves)?;
    let dtype = port.fact.dtype();
    let dtype = dtype.ok_or_else(|| anyhow!("input '{}' is {}, not a tensor", port.name, port.fact))?;
    if dtype == DType::Str {
        let text = |leaf: &&serde_json::Value| leaf.as_str().map(str::to_string);
        let strings: Option<Vec<String>> = leaves.iter().map(text).collect();
        return Ok(Tensor::from_strings(&shape, strings.context("expected strings")?)?);
    }
    from_numbers(&leaves, &shape, dtype)
}

fn from_numbers(leaves: &[&serde_json::Value], shape: &[usize], dtype: DType) -> Result<Tensor> {
    let wrong = |leaf: &serde_json::Value| anyhow!("expected elements of {dtype}, got {leaf}");
    let mut bytes = Vec::new();
    for leaf in leaves {
        let float = || leaf.as_f64().ok_or_else(|| wrong(leaf));
        match dtype {
            DType::Bool => bytes.push(leaf.as_bool().ok_or_else(|| wrong(leaf))? as u8),
            DType::F64 => bytes.extend(float()?.to_le_bytes()),
            DType::U64 => bytes.extend(leaf.as_u64().ok_or_else(|| wrong(leaf))?.to_le_bytes()),
            DType::F16 => bytes.extend(half_bits(float()?).to_le_bytes()),
            _ if dtype.is_integer() => {
                let number = leaf.as_i64().ok_or_else(|| wrong(leaf))?;
                let (low, high) = dtype.integer_range().unwrap_or_default();
                ensure!((low..=high).contains(&number.into()), wrong(leaf));
                let width = (dtype.bits() / 8).max(1);
                bytes.extend(&number.to_le_bytes()[..width]);
            }
            _ if dtype.is_float() => bytes.extend((float()? as f32).to_le_bytes()),
            _ => bail!("{dtype} tensors cannot be read from JSON"),
        }
    }
    // Types that NumPy lacks come in the next wider one from here, too.
    let read_as = match dtype {
        DType::I4 | DType::I2 => DType::I8,
        DType::U4 | DType::U2 => DType::U8,
        DType::F16 | DType::F64 => dtype,
        _ if dtype.is_float() => DType::F32,
        _ => dtype,
    };
    Ok(npy::narrow(Tensor::from_bytes(read_as, shape, &bytes)?, dtype)?)
}

fn half_bits(x: f64) -> u16 {
    half::f16::from_f64(x).to_bits()
}

fn flatten<'a>(
    value: &'a serde_json::Value,
    shape: &[usize],
    into: &mut Vec<&'a serde_json::Value>,
) -> Result<()> {
    match (value.as_array(), shape.split_first()) {
        (Some(items), Some((size, rest))) if items.len() == *size => {
            items.iter().try_for_each(|item| flatten(item, rest, into))
        }
        (None, None) => {
            into.push(value);
            Ok(())
        }
        _ => bail!("the lists must be as long as their neighbors"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewise::graph::Fact;

    fn port(dtype: DType) -> Port {
        Port { name: "x".into(), fact: Fact::unranked(dtype) }
    }

    #[test]
    fn lists_become_tensors() {
        let parse = |text: &str, dtype| from_json(&serde_json::from_str(text).unwrap(), &port(dtype));
        let t = parse("[[1, 2.5], [3, -4]]", DType::F32).unwrap();
        assert_eq!((t.shape(), t.slice::<f32>().unwrap()), (&[2, 2][..], &[1.0, 2.5, 3.0, -4.0][..]));
        assert_eq!(parse("7", DType::I64).unwrap().slice::<i64>().unwrap(), [7]);
        assert_eq!(parse("[]", DType::F32).unwrap().shape(), [0]);
        assert_eq!(parse("[true]", DType::Bool).unwrap().view().bytes(), [1]);
        assert_eq!(parse("[[\"a\"]]", DType::Str).unwrap().shape(), [1, 1]);
        assert_eq!(parse("[-8, 7]", DType::I4).unwrap().view().unpacked().unwrap(), [-8, 7]);
        for (bad, dtype) in [
            ("[[1], [2, 3]]", DType::F32),
            ("[1, [2]]", DType::F32),
            ("[300]", DType::U8),
            ("[1.5]", DType::I32),
        ] {
            assert!(parse(bad, dtype).is_err(), "{bad}");
        }
    }
}
