//! SplitToSequence: pieces of a tensor along an axis, as a sequence.
//!
//! Input 1 is a size for all pieces (a scalar; the last piece may be smaller) or a list of sizes; left out,
//! every piece has size 1 and `keepdims = 0` drops the axis. Since opset 11; 24 adds bf16.

use super::{Attrs, Operator};
use crate::graph::{Fact, Infer, normalize_axis};
use crate::{Kind, Result};

/// SplitToSequence.
#[derive(Clone, Debug)]
pub struct SplitToSequence {
    /// The axis, possibly counted from the back.
    pub axis: i64,
    /// Whether pieces keep the axis. Means nothing where input 1 is given.
    pub keepdims: bool,
}

impl Operator for SplitToSequence {
    fn parse(a: &mut Attrs) -> Result<SplitToSequence> {
        a.arity(1..=2, 1..=1)?;
        Ok(SplitToSequence { axis: a.int_or("axis", 0)?, keepdims: a.flag("keepdims", true)? })
    }

    fn infer(&self, cx: &mut Infer<'_>) -> Result<()> {
        if let Some(dims) = cx.dims(0) {
            normalize_axis(self.axis, dims.len())?;
        }
        let item = Kind::Tensor(cx.dtype(0)?);
        cx.set(0, Fact::of(Kind::Sequence(Box::new(item))));
        Ok(())
    }
}
