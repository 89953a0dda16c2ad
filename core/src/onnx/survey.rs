//! What a [`survey`](super::survey) of a model finds: the operators that cannot be had.

use crate::cpu::{Io, Kernel};
use crate::graph::Infer;
use crate::ops::CustomOp;
use crate::{Error, Result};

/// A node whose operator is not supported.
#[derive(Clone, Debug)]
pub struct Unsupported {
    /// The operator, as `Softmax` or `com.microsoft.Gelu`.
    pub op: String,
    /// The node.
    pub node: String,
    /// Why not: it is unknown, its pack is missing, or an attribute is.
    pub why: String,
}

/// Takes the place of an operator that is not supported, so that the rest of the graph can be looked at.
#[derive(Clone, Debug)]
pub struct StandIn {
    domain: String,
    name: String,
}

impl StandIn {
    pub(super) fn new(domain: &str, name: &str) -> StandIn {
        StandIn { domain: domain.into(), name: name.into() }
    }

    pub(super) fn shown(&self) -> String {
        match self.domain.as_str() {
            "" => self.name.clone(),
            domain => format!("{domain}.{}", self.name),
        }
    }

    fn refusal(&self) -> Error {
        err!(Unsupported, "operator '{}' is not supported", self.shown())
    }
}

impl CustomOp for StandIn {
    fn domain(&self) -> &str {
        &self.domain
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn infer(&self, _: &mut Infer<'_>) -> Result<()> {
        Err(self.refusal())
    }

    fn kernel(&self) -> &dyn Kernel {
        self
    }
}

impl Kernel for StandIn {
    fn run(&self, _: &mut Io<'_>) -> Result<()> {
        Err(self.refusal())
    }
}
