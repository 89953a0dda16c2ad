//! ONNX's messages as plain structs, decoded from the wire. Field numbers are those of the format.
//!
//! Nothing is judged here but the encoding; meaning is [`import`](super::import)'s business. Large payloads
//! stay ranges of the source.

use super::skim::Head;
use super::wire::{Field, Fields};
use crate::{DType, Dim, Kind, Result};
use std::ops::Range;

/// A model file.
#[derive(Default)]
pub struct Model {
    pub ir_version: i64,
    pub opsets: Vec<(String, i64)>,
    pub producer: String,
    pub graph: Option<Graph>,
    pub functions: Vec<Function>,
    pub metadata: Vec<(String, String)>,
}

/// A graph, as it is written.
#[derive(Default)]
pub struct Graph {
    pub name: String,
    pub nodes: Vec<Node>,
    pub initializers: Vec<Tensor>,
    pub sparse: Vec<Sparse>,
    pub inputs: Vec<ValueInfo>,
    pub outputs: Vec<ValueInfo>,
    pub values: Vec<ValueInfo>,
}

/// A node, as it is written; "" among inputs and outputs means left out.
#[derive(Default)]
pub struct Node {
    pub name: String,
    pub op: String,
    pub domain: String,
    pub overload: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: Vec<Attribute>,
}

/// An attribute: a value, or the name of a function's attribute that has it.
#[derive(Default)]
pub struct Attribute {
    pub name: String,
    pub kind: i64,
    pub reference: String,
    pub f: Option<f32>,
    pub i: Option<i64>,
    pub s: Option<String>,
    pub t: Option<Tensor>,
    pub g: Option<Graph>,
    pub tp: Option<Type>,
    pub sparse: Option<Sparse>,
    pub floats: Vec<u8>,
    pub ints: Vec<i64>,
    pub strings: Vec<String>,
    pub tensors: Vec<Tensor>,
    pub graphs: Vec<Graph>,
}

/// A function that the model brings along.
#[derive(Default)]
pub struct Function {
    pub name: String,
    pub domain: String,
    pub overload: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: Vec<String>,
    pub defaults: Vec<Attribute>,
    pub nodes: Vec<Node>,
    pub opsets: Vec<(String, i64)>,
}

/// A tensor's header and where its elements are.
#[derive(Default, Clone)]
pub struct Tensor {
    pub name: String,
    pub dims: Vec<i64>,
    pub dtype: i64,
    /// `raw_data`, or packed floats or doubles that were skipped: the elements' bytes.
    pub stored: Option<Range<u64>>,
    pub raw: Option<Vec<u8>>,
    /// Little-endian f32s, or f64s.
    pub floats: Vec<u8>,
    pub doubles: Vec<u8>,
    pub ints: Vec<i64>,
    pub strings: Vec<String>,
    pub external: Vec<(String, String)>,
    pub is_external: bool,
}

/// A sparse tensor: values, where they are, and the dense dims.
#[derive(Default, Clone)]
pub struct Sparse {
    pub values: Tensor,
    pub indices: Tensor,
    pub dims: Vec<i64>,
}

/// A declared value.
#[derive(Default)]
pub struct ValueInfo {
    pub name: String,
    pub kind: Option<Type>,
}

/// A type, with the dims where it is a tensor whose rank is declared. A dim that is neither a number nor
/// named is `None`.
#[derive(Clone)]
pub struct Type {
    pub kind: Kind,
    pub dims: Option<Vec<Option<Dim>>>,
}

/// Decodes a whole file.
pub fn model(head: &Head, len: u64) -> Result<Model> {
    let mut m = Model::default();
    for field in Fields::of(head, len) {
        let f = field?;
        match f.number {
            1 => m.ir_version = f.int()?,
            2 => m.producer = f.text()?,
            7 => m.graph = Some(graph(f.message()?)?),
            8 => m.opsets.push(opset(f.message()?)?),
            14 => m.metadata.push(entry(f.message()?)?),
            25 => m.functions.push(function(f.message()?)?),
            _ => {}
        }
    }
    Ok(m)
}

fn opset(fields: Fields<'_>) -> Result<(String, i64)> {
    let (mut domain, mut version) = (String::new(), 0);
    for field in fields {
        let f = field?;
        match f.number {
            1 => domain = f.text()?,
            2 => version = f.int()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn entry(fields: Fields<'_>) -> Result<(String, String)> {
    let (mut key, mut value) = (String::new(), String::new());
    for field in fields {
        let f = field?;
        match f.number {
            1 => key = f.text()?,
            2 => value = f.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}

fn graph(fields: Fields<'_>) -> Result<Graph> {
    let mut g = Graph::default();
    for field in fields {
        let f = field?;
        match f.number {
            1 => g.nodes.push(node(f.message()?)?),
            2 => g.name = f.text()?,
            5 => g.initializers.push(tensor(f.message()?)?),
            11 => g.inputs.push(value_info(f.message()?)?),
            12 => g.outputs.push(value_info(f.message()?)?),
            13 => g.values.push(value_info(f.message()?)?),
            15 => g.sparse.push(sparse(f.message()?)?),
            _ => {}
        }
    }
    Ok(g)
}

fn node(fields: Fields<'_>) -> Result<Node> {
    let mut n = Node::default();
    for field in fields {
        let f = field?;
        match f.number {
            1 => n.inputs.push(f.text()?),
            2 => n.outputs.push(f.text()?),
            3 => n.name = f.text()?,
            4 => n.op = f.text()?,
            5 => n.attributes.push(attribute(f.message()?)?),
            7 => n.domain = f.text()?,
            8 => n.overload = f.text()?,
            _ => {}
        }
    }
    Ok(n)
}

fn attribute(fields: Fields<'_>) -> Result<Attribute> {
    let mut a = Attribute::default();
    for field in fields {
        let f = field?;
        match f.number {
            1 => a.name = f.text()?,
            2 => a.f = Some(f.float()?),
            3 => a.i = Some(f.int()?),
            4 => a.s = Some(f.text()?),
            5 => a.t = Some(tensor(f.message()?)?),
            6 => a.g = Some(graph(f.message()?)?),
            7 => f.fixed(&mut a.floats)?,
            8 => f.ints(&mut a.ints)?,
            9 => a.strings.push(f.text()?),
            10 => a.tensors.push(tensor(f.message()?)?),
            11 => a.graphs.push(graph(f.message()?)?),
            14 => a.tp = Some(type_of(f.message()?, 0)?),
            20 => a.kind = f.int()?,
            21 => a.reference = f.text()?,
            22 => a.sparse = Some(sparse(f.message()?)?),
            _ => {}
        }
    }
    Ok(a)
}

fn function(fields: Fields<'_>) -> Result<Function> {
    let mut n = Function::default();
    for field in fields {
        let f = field?;
        match f.number {
            1 => n.name = f.text()?,
            4 => n.inputs.push(f.text()?),
            5 => n.outputs.push(f.text()?),
            6 => n.attributes.push(f.text()?),
            7 => n.nodes.push(node(f.message()?)?),
            9 => n.opsets.push(opset(f.message()?)?),
            10 => n.domain = f.text()?,
            11 => n.defaults.push(attribute(f.message()?)?),
            13 => n.overload = f.text()?,
            _ => {}
        }
    }
    Ok(n)
}

/// A tensor message.
pub fn tensor(fields: Fields<'_>) -> Result<Tensor> {
    let mut t = Tensor::default();
    for field in fields {
        let f = field?;
        match f.number {
            1 => f.ints(&mut t.dims)?,
            2 => t.dtype = f.int()?,
            4 => elements(&f, &mut t.floats, &mut t.stored)?,
            5 | 7 | 11 => f.ints(&mut t.ints)?,
            6 => t.strings.push(f.text()?),
            8 => t.name = f.text()?,
            9 => match f.bytes() {
                Ok(bytes) => t.raw = Some(bytes.to_vec()),
                Err(_) => t.stored = Some(f.range()?),
            },
            10 => elements(&f, &mut t.doubles, &mut t.stored)?,
            13 => t.external.push(entry(f.message()?)?),
            14 => t.is_external = f.int()? == 1,
            _ => {}
        }
    }
    Ok(t)
}

/// Packed floats or doubles: read, or skipped and to be read later.
fn elements(f: &Field<'_>, read: &mut Vec<u8>, stored: &mut Option<Range<u64>>) -> Result<()> {
    match f.range() {
        Ok(range) if f.bytes().is_err() => *stored = Some(range),
        _ => f.fixed(read)?,
    }
    Ok(())
}

fn sparse(fields: Fields<'_>) -> Result<Sparse> {
    let mut s = Sparse::default();
    for field in fields {
        let f = field?;
        match f.number {
            1 => s.values = tensor(f.message()?)?,
            2 => s.indices = tensor(f.message()?)?,
            3 => f.ints(&mut s.dims)?,
            _ => {}
        }
    }
    Ok(s)
}

fn value_info(fields: Fields<'_>) -> Result<ValueInfo> {
    let mut v = ValueInfo::default();
    for field in fields {
        let f = field?;
        match f.number {
            1 => v.name = f.text()?,
            2 => v.kind = Some(type_of(f.message()?, 0)?),
            _ => {}
        }
    }
    Ok(v)
}

/// How deep types may nest; real ones have two or three levels.
const TYPE_DEPTH: usize = 16;

fn type_of(fields: Fields<'_>, depth: usize) -> Result<Type> {
    ensure!(depth < TYPE_DEPTH, LimitExceeded, "types nest deeper than {TYPE_DEPTH}");
    for field in fields {
        let f = field?;
        match f.number {
            1 => return tensor_type(f.message()?),
            4 => return Ok(compound(Kind::Sequence(Box::new(inner(f.message()?, 1, depth)?)))),
            9 => return Ok(compound(Kind::Optional(Box::new(inner(f.message()?, 1, depth)?)))),
            5 => {
                let mut key = None;
                for field in f.message()? {
                    let f = field?;
                    if f.number == 1 {
                        key = Some(dtype(f.int()?)?);
                    }
                }
                let key =
                    key.ok_or_else(|| err!(InvalidModel, "a map type at byte {} has no key type", f.at))?;
                ensure!(
                    matches!(key, DType::I64 | DType::Str),
                    Unsupported,
                    "a map type at byte {} has keys of {key}; they must be i64 or str",
                    f.at
                );
                return Ok(compound(Kind::Map(key, Box::new(inner(f.message()?, 2, depth)?))));
            }
            7 => bail!(Unsupported, "opaque types are not supported"),
            8 => bail!(Unsupported, "sparse tensors as graph values are not supported"),
            _ => {}
        }
    }
    Err(err!(InvalidModel, "a type says nothing"))
}

fn compound(kind: Kind) -> Type {
    Type { kind, dims: None }
}

fn inner(fields: Fields<'_>, number: u32, depth: usize) -> Result<Kind> {
    for field in fields {
        let f = field?;
        if f.number == number {
            return Ok(type_of(f.message()?, depth + 1)?.kind);
        }
    }
    Err(err!(InvalidModel, "a sequence, optional or map type has no element type"))
}

fn tensor_type(fields: Fields<'_>) -> Result<Type> {
    let (mut elements, mut dims) = (None, None);
    for field in fields {
        let f = field?;
        match f.number {
            1 => elements = Some(dtype(f.int()?)?),
            2 => dims = Some(shape(f.message()?)?),
            _ => {}
        }
    }
    let elements = elements.ok_or_else(|| err!(InvalidModel, "a tensor type has no element type"))?;
    Ok(Type { kind: Kind::Tensor(elements), dims })
}

fn shape(fields: Fields<'_>) -> Result<Vec<Option<Dim>>> {
    let mut dims = Vec::new();
    for field in fields {
        let f = field?;
        if f.number != 1 {
            continue;
        }
        let mut dim = None;
        for field in f.message()? {
            let f = field?;
            match f.number {
                // Some exporters write 0 or -1 where they mean "unknown".
                1 => dim = Some(f.int()?).filter(|n| *n >= 0).map(Dim::from),
                2 => dim = Some(f.text()?).filter(|s| !s.is_empty()).map(|s| Dim::symbol(&s)),
                _ => {}
            }
        }
        dims.push(dim);
    }
    Ok(dims)
}

/// The element type of that number.
pub fn dtype(number: i64) -> Result<DType> {
    DType::from_onnx(number).ok_or_else(|| err!(InvalidModel, "there is no element type {number}"))
}
