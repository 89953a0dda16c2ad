//! Clip: elements no smaller than a minimum and no larger than a maximum.
//!
//! Until opset 10 the limits were attributes (f32, from 6 on with finite defaults); from 11 on they are
//! inputs of one element, each of which may be left out. Integers from 12 on.

use super::{Attrs, Operator};
use crate::Result;
use crate::graph::Infer;

/// Clip.
#[derive(Clone, Debug)]
pub struct Clip {
    /// The limits as attributes; inputs where the opset has those.
    pub min: Option<f32>,
    /// The upper one.
    pub max: Option<f32>,
}

impl Operator for Clip {
    fn parse(a: &mut Attrs) -> Result<Clip> {
        if a.version() >= 11 {
            a.arity(1..=3, 1..=1)?;
            return Ok(Clip { min: None, max: None });
        }
        a.arity(1..=1, 1..=1)?;
        a.ignore(&["consumed_inputs"]);
        let default = |limit| (a.version() >= 6).then_some(limit);
        let (low, high) = (default(f32::MIN), default(f32::MAX));
        Ok(Clip { min: a.float("min")?.or(low), max: a.float("max")?.or(high) })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        for i in 1..cx.input_count() {
            let Some(limit) = cx.optional(i) else { continue };
            ensure!(
                limit.dtype() == Some(cx.dtype(0)?),
                InvalidModel,
                "the limits must have the input's type, {}; got {limit}",
                cx.dtype(0)?
            );
        }
        cx.like_input()
    }
}
