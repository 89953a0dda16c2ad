//! A node's attributes, read by name and type while an operator is parsed.
//!
//! Every name that is asked for is remembered; what is left over afterwards is an error, so that a
//! misspelled or newer attribute is never ignored in silence.

use crate::graph::Graph;
use crate::{DType, Kind, Result, Tensor};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;

/// The value of an attribute.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Attr {
    Int(i64),
    Float(f32),
    Str(String),
    Tensor(Tensor),
    Graph(Graph),
    Kind(Kind),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Strs(Vec<String>),
    Tensors(Vec<Tensor>),
    Graphs(Vec<Graph>),
}

impl Attr {
    fn type_name(&self) -> &'static str {
        match self {
            Attr::Int(_) => "an integer",
            Attr::Float(_) => "a float",
            Attr::Str(_) => "a string",
            Attr::Tensor(_) => "a tensor",
            Attr::Graph(_) => "a graph",
            Attr::Kind(_) => "a type",
            Attr::Ints(_) => "integers",
            Attr::Floats(_) => "floats",
            Attr::Strs(_) => "strings",
            Attr::Tensors(_) => "tensors",
            Attr::Graphs(_) => "graphs",
        }
    }
}

/// What an operator is parsed from.
pub struct Attrs {
    op: String,
    domain: String,
    version: i64,
    /// Which inputs are there; the length counts left-out ones within.
    inputs: Vec<bool>,
    outputs: Vec<bool>,
    attrs: BTreeMap<String, Attr>,
    asked: BTreeSet<String>,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $variant:ident -> $type:ty, $expected:literal;)*) => {
        $($(#[$doc])*
        pub fn $name(&mut self, name: &str) -> Result<Option<$type>> {
            self.asked.insert(name.into());
            match self.attrs.remove(name) {
                None => Ok(None),
                Some(Attr::$variant(x)) => Ok(Some(x)),
                Some(other) => Err(err!(
                    InvalidModel,
                    concat!("attribute '{}' must be ", $expected, ", got {}"), name, other.type_name()
                )),
            }
        })*
    };
}

impl Attrs {
    /// For a node of `op` in `domain` ("" is ai.onnx) under that opset version.
    pub fn new(
        domain: &str,
        op: &str,
        version: i64,
        inputs: Vec<bool>,
        outputs: Vec<bool>,
        attrs: BTreeMap<String, Attr>,
    ) -> Attrs {
        Attrs {
            op: op.into(),
            domain: domain.into(),
            version,
            inputs,
            outputs,
            attrs,
            asked: BTreeSet::new(),
        }
    }

    /// The operator's name.
    pub fn op(&self) -> &str {
        &self.op
    }

    /// Its domain; "" is ai.onnx.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The version of that domain's operator set that the model imports.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// How many inputs the node has, left-out ones within included.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// How many outputs the node has.
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// Whether input `i` is there.
    pub fn has_input(&self, i: usize) -> bool {
        self.inputs.get(i).copied().unwrap_or(false)
    }

    /// Whether anybody wants output `i`.
    pub fn has_output(&self, i: usize) -> bool {
        self.outputs.get(i).copied().unwrap_or(false)
    }

    /// Refuses a node with another number of inputs or outputs.
    pub fn arity(
        &self,
        inputs: impl RangeBounds<usize> + std::fmt::Debug,
        outputs: impl RangeBounds<usize> + std::fmt::Debug,
    ) -> Result<()> {
        for (what, count, range) in [
            ("inputs", self.inputs.len(), (inputs.contains(&self.inputs.len()), format!("{inputs:?}"))),
            ("outputs", self.outputs.len(), (outputs.contains(&self.outputs.len()), format!("{outputs:?}"))),
        ] {
            ensure!(range.0, InvalidModel, "expected {} {what}, got {count}", range.1);
        }
        Ok(())
    }

    getters! {
        /// An integer.
        int: Int -> i64, "an integer";
        /// A float.
        float: Float -> f32, "a float";
        /// A string.
        str: Str -> String, "a string";
        /// A tensor.
        tensor: Tensor -> Tensor, "a tensor";
        /// A subgraph.
        graph: Graph -> Graph, "a graph";
        /// A type.
        kind: Kind -> Kind, "a type";
        /// Integers.
        ints: Ints -> Vec<i64>, "integers";
        /// Floats.
        floats: Floats -> Vec<f32>, "floats";
        /// Strings.
        strs: Strs -> Vec<String>, "strings";
    }

    /// An integer, or the default.
    pub fn int_or(&mut self, name: &str, default: i64) -> Result<i64> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// An integer read as a flag.
    pub fn flag(&mut self, name: &str, default: bool) -> Result<bool> {
        Ok(self.int(name)?.map_or(default, |i| i != 0))
    }

    /// A float, or the default.
    pub fn float_or(&mut self, name: &str, default: f32) -> Result<f32> {
        Ok(self.float(name)?.unwrap_or(default))
    }

    /// A string, or the default.
    pub fn str_or(&mut self, name: &str, default: &str) -> Result<String> {
        Ok(self.str(name)?.unwrap_or_else(|| default.into()))
    }

    /// An integer that names an element type.
    pub fn dtype(&mut self, name: &str) -> Result<Option<DType>> {
        let Some(number) = self.int(name)? else { return Ok(None) };
        match DType::from_onnx(number) {
            Some(dtype) => Ok(Some(dtype)),
            None => {
                Err(err!(InvalidModel, "attribute '{name}' must be an element type's number, got {number}"))
            }
        }
    }

    /// One of the named choices; the first is the default.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Result<T> {
        let Some(given) = self.str(name)? else { return Ok(choices[0].1) };
        match choices.iter().find(|(choice, _)| *choice == given) {
            Some((_, value)) => Ok(*value),
            None => {
                let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
                Err(err!(
                    InvalidModel,
                    "attribute '{name}' must be one of {}, got '{given}'",
                    names.join(", ")
                ))
            }
        }
    }

    /// The value of an attribute that must be there.
    pub fn required<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| err!(InvalidModel, "attribute '{name}' is required and is missing"))
    }

    /// Marks attributes that exist but mean nothing to us (hints, relics of old opsets).
    pub fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.asked.insert((*name).into());
            self.attrs.remove(*name);
        }
    }

    /// Refuses attributes that the operator never asked for.
    pub fn finish(self) -> Result<()> {
        let Some(name) = self.attrs.keys().next() else { return Ok(()) };
        let known: Vec<&str> = self.asked.iter().map(String::as_str).collect();
        Err(err!(
            InvalidModel,
            "unknown attribute '{name}'; version {} knows {}",
            self.version,
            if known.is_empty() { "none".into() } else { known.join(", ") }
        ))
    }
}
