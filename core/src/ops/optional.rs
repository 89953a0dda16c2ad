//! Optional, OptionalGetElement, OptionalHasElement: a value that may be missing.
//!
//! Since opset 18 the last two also take a tensor or a sequence, which always has its element, and
//! OptionalHasElement may have no input at all. 28 adds types.

use super::{Attrs, Operator};
use crate::graph::{Fact, Infer};
use crate::{DType, Kind, Result, Tensor, Truth};

/// One of the operators on optionals.
#[derive(Clone, Debug)]
pub enum Optional {
    /// The input as an optional; without an input, an empty one of the given kind.
    New(Option<Kind>),
    /// What is in it.
    GetElement,
    /// Whether something is in it.
    HasElement,
}

impl Operator for Optional {
    fn parse(a: &mut Attrs) -> Result<Optional> {
        match a.op() {
            "OptionalGetElement" => {
                a.arity(1..=1, 1..=1)?;
                Ok(Optional::GetElement)
            }
            "OptionalHasElement" => {
                a.arity(0..=1, 1..=1)?;
                Ok(Optional::HasElement)
            }
            _ => {
                a.arity(0..=1, 1..=1)?;
                let kind = a.kind("type")?;
                if !a.has_input(0) {
                    a.required("type", kind.as_ref())?;
                }
                Ok(Optional::New(kind))
            }
        }
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        let fact = match (self, cx.optional(0)) {
            (Optional::New(None), Some(x)) => Fact::of(Kind::Optional(Box::new(x.kind.clone()))),
            (Optional::New(Some(kind)), x) => {
                let given = x.map_or(kind, |x| &x.kind);
                ensure!(given == kind, InvalidModel, "expected {kind} as attribute 'type' says, got {given}");
                Fact::of(Kind::Optional(Box::new(kind.clone())))
            }
            (Optional::New(None), None) => bail!(InvalidModel, "attribute 'type' is required and is missing"),
            (Optional::GetElement, _) => {
                let x = cx.input(0)?;
                match &x.kind {
                    Kind::Optional(kind) => Fact::of((**kind).clone()),
                    _ => x.clone(),
                }
            }
            (Optional::HasElement, x) => match x.map(|x| &x.kind) {
                Some(Kind::Optional(_)) => Fact::sized(DType::Bool, &[]),
                kind => Fact::constant(Tensor::scalar(Truth::from(kind.is_some()))),
            },
        };
        cx.set(0, fact);
        Ok(())
    }
}
