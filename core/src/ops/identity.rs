//! Identity: what goes in comes out. Any value; sequences from opset 14 on, optionals from 16 on.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// Identity.
#[derive(Clone, Debug)]
pub struct Identity;

impl Operator for Identity {
    fn parse(a: &mut Attrs) -> Result<Identity> {
        a.arity(1..=1, 1..=1)?;
        Ok(Identity)
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        cx.set(0, cx.input(0)?.clone());
        Ok(())
    }
}
